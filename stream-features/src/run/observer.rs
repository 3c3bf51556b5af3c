//! Whoever watches a run.

use std::fmt::Debug;
use std::time::Duration;

use larder_core::{Error, Timestamp};

use crate::decode::Fault;

/// Is told what happens in a run, on the thread that runs it: nothing here may wait.
pub trait RunObserver: Debug + Send + Sync {
    /// A store does not take what a job gives it: the job waits this long and tries again. Nothing is read meanwhile.
    fn held_back(&self, job: &str, error: &Error, pause: Duration);

    /// What held the job back takes it again.
    fn went_on(&self, job: &str);

    /// Events were taken, and rows told that became due. Told once per batch of events; a job that begins again takes
    /// those since its last commit once more.
    fn took(&self, _job: &str, _taken: &Taken) {}

    /// A commit became true.
    fn committed(&self, _job: &str, _commit: &Committed) {}

    /// The run is to end and this keeps the job from a last commit: the next run reads so many events again.
    fn gave_up(&self, _job: &str, _uncommitted: u64, _error: &Error) {}
}

/// What became of some events of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Taken {
    /// Events that were decoded and in the range.
    pub events: u64,
    /// Events that the filter left out.
    pub filtered: u64,
    /// Events with a null in the key.
    pub null_keys: u64,
    /// Events that the watermark had passed and that still counted.
    pub late: u64,
    /// Rows that were told.
    pub rows: u64,
    /// Events that could not be used, in the order of [`Fault::ALL`].
    pub dead_letters: [u64; Fault::ALL.len()],
    /// How far event time has come where it is slowest; `None` before the first events.
    pub watermark: Option<Timestamp>,
}

impl Taken {
    pub(super) fn refuse(&mut self, fault: Fault) {
        self.dead_letters[fault as usize] += 1;
    }

    /// Events that could not be used, by what is wrong with them.
    pub fn faults(&self) -> impl Iterator<Item = (Fault, u64)> {
        Fault::ALL.into_iter().zip(self.dead_letters)
    }
}

/// A commit that became true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// How long it took, with all waiting.
    pub took: Duration,
    /// Bytes of state that it wrote.
    pub written: u64,
    /// Bytes of state that a start would read.
    pub size: u64,
    /// Keys that the job keeps state of.
    pub keys: u64,
}

/// Nobody.
#[derive(Debug)]
pub(super) struct Silent;

impl RunObserver for Silent {
    fn held_back(&self, _: &str, _: &Error, _: Duration) {}

    fn went_on(&self, _: &str) {}
}
