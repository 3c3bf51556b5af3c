//! What an operator can set about the offline server.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// Settings of the offline server; data only.
#[derive(Debug, Clone)]
pub struct OfflineConfig {
    /// Most columns that one command names, and most that one table has.
    pub max_columns: usize,
    /// Most bytes of one uploaded table.
    pub max_upload_bytes: usize,
    /// How long a client may take for its next piece of a table.
    pub upload_timeout: Duration,
    /// Most uploaded tables that wait for their `DoGet`.
    pub max_pending: usize,
    /// Most bytes of all tables that wait.
    pub max_pending_bytes: usize,
    /// How long a table waits.
    pub pending_ttl: Duration,
    /// What callers must present, if anything.
    pub token: Option<BearerToken>,
    /// The feature repository: relative paths start there, and sources that nobody applied may be looked at below it.
    pub repo_root: PathBuf,
}

impl OfflineConfig {
    /// The defaults for a feature repository.
    pub fn new(repo_root: impl Into<PathBuf>) -> Self {
        Self {
            max_columns: 10_000,
            max_upload_bytes: 4 << 30,
            upload_timeout: Duration::from_secs(30),
            max_pending: 64,
            max_pending_bytes: 1 << 30,
            pending_ttl: Duration::from_mins(5),
            token: None,
            repo_root: repo_root.into(),
        }
    }
}

/// A token that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct BearerToken(String);

impl BearerToken {
    /// Wraps a token.
    pub fn new(token: impl Into<String>) -> Self {
        Self(token.into())
    }

    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
