//! How many workers there are and what they may take.

use std::path::PathBuf;
use std::time::Duration;

/// Settings of the pool; data only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerSettings {
    /// Processes, at least 1; as many functions run at once.
    pub count: usize,
    /// The interpreter: a path, or a name that is looked up in `PATH`.
    pub python: PathBuf,
    /// Longest time of one call. A worker that takes longer is ended.
    pub timeout: Duration,
    /// Bytes of address space that functions may take in one worker, beyond what Python and pandas take.
    pub memory_limit: u64,
    /// Calls that may wait for a worker; further ones are refused.
    pub queue: usize,
}

impl Default for WorkerSettings {
    fn default() -> Self {
        Self {
            count: 2,
            python: PathBuf::from("python3"),
            timeout: Duration::from_secs(1),
            memory_limit: 512 << 20,
            queue: 64,
        }
    }
}
