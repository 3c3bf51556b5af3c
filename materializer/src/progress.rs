//! What a run tells while it goes.

use std::fmt::Debug;

/// Counts of one view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Rows that the offline store returned: the latest of each key in the window, less those that a run which was cut off
    /// had written.
    pub read: u64,
    /// Rows that the online store took.
    pub written: u64,
    /// Rows left out because a join key is null.
    pub null_keys: u64,
    /// Rows that a newer stored row kept out.
    pub older: u64,
}

impl Counts {
    /// Rows read but not stored.
    pub fn skipped(self) -> u64 {
        self.null_keys + self.older
    }
}

/// Hears how a run goes. Methods are called from the task that runs, one view possibly between
/// another's calls; they must not block.
pub trait Progress: Debug + Send + Sync {
    /// A view's rows are about to be read.
    fn started(&self, view: &str);

    /// The offline store has chosen the rows: so many will be read, of which an earlier run that was cut off has written
    /// the first `done`.
    fn planned(&self, _view: &str, _rows: u64, _done: u64) {}

    /// More rows went through; `counts` are totals so far.
    fn advanced(&self, view: &str, counts: Counts);

    /// All rows of the view are durable and its interval is recorded.
    fn finished(&self, view: &str, counts: Counts);

    /// The view failed; what was written stays, no interval is recorded.
    fn failed(&self, view: &str);
}

/// Hears nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn started(&self, _: &str) {}
    fn advanced(&self, _: &str, _: Counts) {}
    fn finished(&self, _: &str, _: Counts) {}
    fn failed(&self, _: &str) {}
}
