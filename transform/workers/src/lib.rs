//! Python child processes that call the functions of on-demand views which do not compile.
//!
//! What it is: a [`FunctionRunner`](larder_transform::FunctionRunner) over a bounded pool of processes, each owned by a
//! thread that starts it, talks to it, ends it and waits for its end. Every process runs `python/worker.py`, which is part of
//! the binary, in an interpreter that has pandas and pyarrow; rows travel as Arrow IPC streams over a socket pair.
//!
//! What it is not: a fence against malice. The limits keep a careless function from taking the server with it; whoever
//! may apply a view may run code as the user that the server runs as. Functions come as their registered text; what
//! Feast pickled is never read.

mod message;
mod pool;
mod process;
mod queue;
mod request;
mod settings;
mod slot;

pub use pool::PythonWorkers;
pub use settings::WorkerSettings;
