//! What every request passes on its way in and out, whatever the protocol: limits, deadline, counting, log.

mod body;
mod endpoint;
mod facts;
mod grpc;
mod http;
mod late_views;
mod started;
mod streamed;
mod wishes;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub(crate) use endpoint::is_counted_by_feast;
#[cfg(test)]
pub(crate) use endpoint::is_known;
pub(crate) use facts::Facts;
pub(crate) use grpc::GrpcGate;
pub(crate) use late_views::{LATE_VIEWS, late_views};
pub(crate) use started::{Finished, Protocol};

use crate::ServerConfig;
use crate::metrics::Metrics;

/// Bodies of this many times the largest size may be in memory at once.
const BUFFERED_BODIES: usize = 64;

/// Unit in which memory for bodies is given out.
const BUFFER_UNIT: usize = 1024;

/// The gate of one server; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    metrics: Option<Arc<Metrics>>,
    config: Arc<ServerConfig>,
    /// Requests being worked on.
    places: Arc<Semaphore>,
    /// Memory for bodies, in units.
    buffers: Arc<Semaphore>,
}

impl Gate {
    /// A gate with the limits of this configuration, which counts if there is something to count with.
    pub(crate) fn new(config: Arc<ServerConfig>, metrics: Option<Arc<Metrics>>) -> Self {
        let places = config.max_concurrent_requests.min(Semaphore::MAX_PERMITS);
        let buffers = units(config.max_body_bytes).saturating_mul(BUFFERED_BODIES);
        Self {
            metrics,
            config,
            places: Arc::new(Semaphore::new(places)),
            buffers: Arc::new(Semaphore::new(buffers.min(Semaphore::MAX_PERMITS))),
        }
    }

    /// What it counts with.
    pub(crate) fn metrics(&self) -> Option<&Arc<Metrics>> {
        self.metrics.as_ref()
    }

    /// How many requests are being worked on.
    pub(crate) fn in_flight(&self) -> usize {
        self.config.max_concurrent_requests.saturating_sub(self.places.available_permits())
    }

    /// A place among the requests being worked on; `None` when all are taken.
    fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).try_acquire_owned().ok()
    }

    /// The time that an answer may take; `None` for what moves whole tables.
    fn budget(&self, endpoint: &str) -> Option<Duration> {
        let is_limited = !endpoint::is_unlimited(endpoint);
        let limit = match endpoint {
            endpoint::BATCH_GET => self.config.lookup_timeout,
            _ => self.config.request_timeout,
        };
        is_limited.then_some(limit)
    }
}

fn units(bytes: usize) -> usize {
    bytes.div_ceil(BUFFER_UNIT)
}
