//! Ballista: the store on a cluster, and the cluster's processes.

#[cfg(feature = "ballista")]
mod records;
#[cfg(feature = "ballista")]
mod with;
mod without;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

#[cfg(feature = "ballista")]
pub(crate) use self::with::{execute, schedule, store};
#[cfg(not(feature = "ballista"))]
pub(crate) use self::without::{execute, schedule, store};

/// Settings of the scheduler.
#[derive(Debug)]
#[cfg_attr(
    not(feature = "ballista"),
    expect(dead_code, reason = "a program without Ballista refuses")
)]
pub(crate) struct Scheduling {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// After how long without a word an executor is taken for dead.
    pub(crate) executor_timeout: Duration,
}

/// Settings of an executor.
#[derive(Debug)]
#[cfg_attr(
    not(feature = "ballista"),
    expect(dead_code, reason = "a program without Ballista refuses")
)]
pub(crate) struct Executing {
    /// Host and port of the scheduler.
    pub(crate) scheduler: (String, u16),
    /// Where it listens.
    pub(crate) host: IpAddr,
    /// The port.
    pub(crate) port: u16,
    /// What others call this machine.
    pub(crate) advertised_host: Option<String>,
    /// Partitions that are joined at the same time.
    pub(crate) tasks: usize,
    /// Bytes that they may hold together.
    pub(crate) memory_limit: Option<usize>,
}
