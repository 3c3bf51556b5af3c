//! The pool: callers on one side of a bounded queue, worker threads on the other.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use arrow_array::{ArrayRef, RecordBatch};
use async_trait::async_trait;
use larder_core::{Error, ErrorKind, Result};
use larder_transform::{Function, FunctionRunner};
use tokio::sync::oneshot;

use crate::WorkerSettings;
use crate::queue::Queue;
use crate::slot::{Job, Slot};

/// Calls functions in a bounded number of Python processes.
///
/// Processes start with the first call, or with [`Self::start`]. They end with [`Self::stop`] or when the pool goes;
/// both wait for them. Callers may live in any runtime.
#[derive(Debug)]
pub struct PythonWorkers {
    settings: WorkerSettings,
    queue: Arc<Queue<Job>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl PythonWorkers {
    /// A pool in which nothing runs yet.
    ///
    /// # Errors
    /// `Unavailable` when the system gives no threads.
    pub fn new(settings: WorkerSettings) -> Result<Self> {
        let queue = Arc::new(Queue::new(settings.queue.max(settings.count)));
        let pool = Self { settings, queue, threads: Mutex::default() };
        for number in 0..pool.settings.count.max(1) {
            let slot = Slot::new(pool.settings.clone(), Arc::clone(&pool.queue));
            let thread = thread::Builder::new()
                .name(format!("python-worker-{number}"))
                .spawn(move || slot.run())
                .map_err(|error| {
                    Error::new(ErrorKind::Unavailable, "no thread for a python worker")
                        .with_source(error)
                })?;
            pool.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        }
        Ok(pool)
    }

    /// Starts all processes and waits until they are ready.
    ///
    /// # Errors
    /// `Invalid` for an interpreter that cannot be started or lacks pandas or pyarrow, with a hint; `Unavailable` when
    /// one does not get ready.
    pub async fn start(&self) -> Result<()> {
        let mut replies = Vec::new();
        for _ in 0..self.settings.count {
            let (reply, answer) = oneshot::channel();
            self.enqueue(Job::Start(reply))?;
            replies.push(answer);
        }
        for answer in replies {
            answer.await.unwrap_or_else(|_| Err(stopping()))?;
        }
        Ok(())
    }

    /// Ends all processes and waits for their end; calls that still wait are answered `Unavailable`.
    pub fn stop(&self) {
        self.queue.close();
        let threads =
            std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("the thread of a python worker panicked");
            }
        }
    }

    fn enqueue(&self, job: Job) -> Result<()> {
        self.queue.push(job).map_err(|_| {
            Error::new(
                ErrorKind::Unavailable,
                format!("all python workers are busy and {} calls wait", self.settings.queue),
            )
            .with_hint("retry later, or raise transform.python_workers.count or queue")
        })
    }
}

#[async_trait]
impl FunctionRunner for PythonWorkers {
    async fn call(&self, function: &Arc<Function>, inputs: RecordBatch) -> Result<Vec<ArrayRef>> {
        let (reply, answer) = oneshot::channel();
        self.enqueue(Job::Call(Arc::clone(function), inputs, reply))?;
        answer.await.unwrap_or_else(|_| Err(stopping()))
    }
}

impl Drop for PythonWorkers {
    fn drop(&mut self) {
        self.stop();
    }
}

fn stopping() -> Error {
    Error::new(ErrorKind::Unavailable, "the python workers are stopping")
}
