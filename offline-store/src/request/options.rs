//! How reads are done, beyond what Feast knows.

/// Options of a retrieval; the default is what Feast does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistoricalOptions {
    /// Bytes that this retrieval may hold, at most what the store allows itself; `None` for that.
    ///
    /// What does not fit is partitioned by key and put on disk for the time of the request. The buffers of readers and
    /// writers (a few MiB) are not counted.
    pub memory_limit: Option<usize>,
    /// Whether a feature row is visible only from the time on at which the online store had it.
    ///
    /// That is the end of the first of the view's [materializations](crate::HistoricalView::materialized) that
    /// covers the row's event time and ends no earlier than the row was created. Among the visible rows the usual rules
    /// hold, so the answer is what was served at the entity's time. A view that was never materialized answers null.
    pub as_served: bool,
}

/// Options of a read of the newest rows; the default is what Feast does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PullOptions {
    /// Bytes that this read may hold, at most what the store allows itself; `None` for that.
    ///
    /// Keys that do not fit go to disk for the time of the request. The pages that readers have at hand are not counted.
    pub memory_limit: Option<usize>,
    /// Rows of the answer that are left out at its start: the answer to the same request over the same files always comes
    /// in the same order, so that a reader can go on where it stopped.
    pub skip: u64,
}
