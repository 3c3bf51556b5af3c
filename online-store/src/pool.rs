//! How busy the connections of a store are.

use tokio::sync::Semaphore;

/// Connections and calls of a store at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolUse {
    /// Connections that are open; `None` where the client library keeps that to itself.
    pub connections: Option<usize>,
    /// Calls that the server, or the file, is busy with.
    pub calls: usize,
    /// Most of them at once; more wait. `None` without such a limit.
    pub limit: Option<usize>,
}

impl PoolUse {
    /// The use of a limit that is kept by a semaphore.
    pub(crate) fn of(permits: &Semaphore, limit: usize) -> Self {
        let calls = limit.saturating_sub(permits.available_permits());
        Self { connections: None, calls, limit: Some(limit) }
    }
}
