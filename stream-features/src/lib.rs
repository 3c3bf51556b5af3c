//! Features from streams of events: decoding, windows, sessions, rules, sources and sinks.
//!
//! The way of an event: an [`EventSource`] polls encoded events of a partition; they are decoded into columns, once for
//! all jobs that share the source; each job filters them and gives them to its operator (windows, sessions or rules over
//! keyed state), which tells rows when the watermark passes; a [`Sink`] stores the rows. Events that cannot be used
//! become [dead letters](DeadLetter) and stop nothing.
//!
//! Operators are pure: events in any order within the bounds of lateness give the results of the same events in order, to
//! the last bit. A backfill is therefore the same job over files.
//!
//! What this crate is not: it knows neither Kafka nor checkpoints yet, and it chooses no store.

mod aggregate;
mod batch;
mod dead_letter;
mod decode;
mod definition;
mod expression;
mod job_run;
mod operator;
mod run;
mod scalar;
mod schema;
mod sink;
mod source;
mod watermark;

pub use dead_letter::{DeadLetter, DeadLetterFile};
pub use decode::{EventFormat, Fault, SchemaDirectory, WriterSchemas};
pub use definition::{JobDefinition, RowSchema, load_jobs};
pub use operator::{Change, OutputRow};
pub use run::{Input, JobReport, JobRun, RunOptions, run_jobs};
pub use sink::{HistoryFile, JsonLines, OnlineRows, Sink};
pub use source::{EventSource, FileSource, Framing, ParquetEvents, Polled, RawEvents};
