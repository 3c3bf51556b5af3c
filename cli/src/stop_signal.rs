//! The signals that end what would run on.

use larder_core::{Error, Result};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGINT and SIGTERM, caught from the moment that this is made: also before the server listens.
#[derive(Debug)]
pub(crate) struct StopSignal {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignal {
    /// Starts to catch the signals.
    ///
    /// # Errors
    /// `Internal` when the system does not let it.
    pub(crate) fn catch() -> Result<Self> {
        let caught = |kind| {
            signal(kind)
                .map_err(|error| Error::internal("cannot listen for signals").with_source(error))
        };
        Ok(Self {
            interrupt: caught(SignalKind::interrupt())?,
            terminate: caught(SignalKind::terminate())?,
        })
    }

    /// Completes on the first of them.
    pub(crate) async fn received(mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
