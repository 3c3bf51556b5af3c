//! One place in the pool: a thread that owns at most one process and replaces it when it dies.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow_array::{ArrayRef, RecordBatch};
use larder_core::{Error, ErrorKind, Result};
use larder_transform::Function;
use tokio::sync::oneshot;

use crate::WorkerSettings;
use crate::message::{Failure, Message};
use crate::process::Process;
use crate::queue::{Next, Queue};
use crate::request;

/// How often an idle worker is looked after.
const TICK: Duration = Duration::from_millis(500);

/// The second death in a row is followed by this pause, every further one by twice the pause before.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Longest pause before another start.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Something to do for a worker.
#[derive(Debug)]
pub(crate) enum Job {
    /// Be ready.
    Start(oneshot::Sender<Result<()>>),
    /// Call a function.
    Call(Arc<Function>, RecordBatch, oneshot::Sender<Result<Vec<ArrayRef>>>),
}

/// A place, with the process that is in it.
#[derive(Debug)]
pub(crate) struct Slot {
    settings: WorkerSettings,
    queue: Arc<Queue<Job>>,
    process: Option<Process>,
    /// Deaths since the last answer.
    deaths: u32,
}

impl Slot {
    /// An empty place.
    pub(crate) fn new(settings: WorkerSettings, queue: Arc<Queue<Job>>) -> Self {
        Self { settings, queue, process: None, deaths: 0 }
    }

    /// Does what comes until the queue is closed.
    pub(crate) fn run(mut self) {
        loop {
            match self.queue.next(TICK) {
                Next::Job(job) => self.work(job),
                Next::Nothing => self.look_after(),
                Next::Closed => break,
            }
        }
        if let Some(process) = self.process.take() {
            process.finish();
        }
    }

    fn work(&mut self, job: Job) {
        match job {
            Job::Start(reply) => drop(reply.send(self.greet())),
            // Nobody waits any more.
            Job::Call(_, _, reply) if reply.is_closed() => {}
            Job::Call(function, inputs, reply) => {
                drop(reply.send(self.call(&function, &inputs)));
                self.revive();
            }
        }
    }

    fn greet(&mut self) -> Result<()> {
        let asked = self.ask(&request::greeting())?;
        asked.map(drop).map_err(|death| death.error("starting", &self.settings))
    }

    fn call(&mut self, function: &Function, inputs: &RecordBatch) -> Result<Vec<ArrayRef>> {
        let request = request::call(function, inputs, self.settings.timeout)?;
        let what = format!("on demand feature view \"{}\"", function.view());
        match self.ask(&request)? {
            Ok(message) => request::answer(function, message),
            Err(death) => Err(death.error(&what, &self.settings)),
        }
    }

    /// Asks the process, which is started if there is none.
    ///
    /// # Errors
    /// Those of the start.
    fn ask(&mut self, request: &[u8]) -> Result<Result<Message, Death>> {
        let mut process = self.ready()?;
        let deadline = Instant::now() + self.settings.timeout;
        match process.ask(request, deadline, self.queue.closed()) {
            Ok(message) => {
                self.deaths = 0;
                self.process = Some(process);
                Ok(Ok(message))
            }
            Err(failure) => {
                self.deaths = self.deaths.saturating_add(1);
                let (pid, status) = (process.id(), process.kill());
                tracing::warn!(pid, status, ?failure, deaths = self.deaths, "python worker ended");
                Ok(Err(Death { failure, status }))
            }
        }
    }

    /// The process in this place, alive.
    fn ready(&mut self) -> Result<Process> {
        if let Some(process) = self.process.take()
            && process.is_alive()
        {
            return Ok(process);
        }
        Process::start(&self.settings, self.queue.closed())
    }

    /// Waits for the end of a process that died in its sleep, and starts another.
    fn look_after(&mut self) {
        if let Some(process) = &self.process
            && !process.is_alive()
        {
            self.process = None;
            self.deaths = self.deaths.saturating_add(1);
            tracing::warn!("an idle python worker died");
            self.revive();
        }
    }

    /// Starts a process in place of one that died, so that the next call does not wait for it.
    fn revive(&mut self) {
        if self.process.is_some() || self.deaths == 0 {
            return;
        }
        self.queue.pause(pause_after(self.deaths));
        match Process::start(&self.settings, self.queue.closed()) {
            Ok(process) => self.process = Some(process),
            // The next call tells it to somebody.
            Err(error) => tracing::warn!(%error, "a python worker does not start"),
        }
    }
}

/// How a worker was lost.
#[derive(Debug)]
struct Death {
    failure: Failure,
    status: String,
}

impl Death {
    fn error(&self, what: &str, settings: &WorkerSettings) -> Error {
        match &self.failure {
            Failure::Deadline => {
                let millis = settings.timeout.as_millis();
                Error::new(
                    ErrorKind::Deadline,
                    format!("{what} takes longer than {millis} ms in Python"),
                )
                .with_hint("its worker was ended; transform.python_workers.timeout_ms allows more")
            }
            Failure::Stopped => Error::new(
                ErrorKind::Unavailable,
                format!("{what}: the python workers are stopping"),
            ),
            Failure::Ended => Error::new(
                ErrorKind::Unavailable,
                format!("{what}: the python worker died ({})", self.status),
            ),
            Failure::Malformed(text) => {
                Error::internal(format!("{what}: the python worker answers nonsense: {text}"))
            }
        }
    }
}

/// No pause after the first death, then longer and longer ones.
fn pause_after(deaths: u32) -> Duration {
    match deaths {
        0 | 1 => Duration::ZERO,
        more => FIRST_PAUSE.saturating_mul(1 << (more - 2).min(16)).min(LONGEST_PAUSE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit() {
        let pauses: Vec<u128> =
            [1, 2, 3, 4, 8, 9, 100, u32::MAX].iter().map(|n| pause_after(*n).as_millis()).collect();
        assert_eq!(pauses, [0, 100, 200, 400, 6_400, 10_000, 10_000, 10_000]);
    }
}
