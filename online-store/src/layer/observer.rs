//! Who is told of what layers see.

use std::fmt::Debug;
use std::time::Duration;

use larder_core::ErrorKind;

/// What was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// `read` or `read_views`.
    Read,
    /// `write`.
    Write,
    /// `update`.
    Update,
    /// `teardown`.
    Teardown,
    /// `health`.
    Health,
}

impl Operation {
    /// The operation's name in logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Update => "update",
            Self::Teardown => "teardown",
            Self::Health => "health",
        }
    }
}

/// One call that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreCall {
    /// The store's name.
    pub store: &'static str,
    /// What was called.
    pub operation: Operation,
    /// Keys asked for, rows given, or tables made and removed.
    pub items: usize,
    /// Of these: keys that have a row, rows that were stored, tables. 0 for a call that failed.
    pub effective: usize,
    /// How long it took.
    pub elapsed: Duration,
    /// Why it failed; for several views, why the first that failed did. A call that its caller gave up failed as
    /// `Deadline`.
    pub error: Option<ErrorKind>,
}

/// Where the rows of one view came from that one request asked a cache for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CacheUse {
    /// Keys that the cache had.
    pub hits: usize,
    /// Keys that the store was asked for.
    pub misses: usize,
    /// Keys that another request was reading already.
    pub shared: usize,
}

/// Who is told of calls. Called on the path of every request: it must not block.
pub trait StoreObserver: Debug + Send + Sync {
    /// One call ended, or was given up by its caller.
    fn observe(&self, call: &StoreCall);

    /// A cache was looked into. Nothing by default.
    fn cached(&self, _cache: CacheUse) {}
}
