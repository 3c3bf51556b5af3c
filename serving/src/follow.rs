//! A running server learns of registry changes.

use std::sync::Arc;
use std::time::Duration;

use larder_core::{Catalog, Result};
use tokio::sync::watch;
use tokio::task::JoinError;
use tokio::time::MissedTickBehavior;

use crate::metrics::Metrics;
use crate::{CatalogSource, SharedCatalog};

/// Keeps a server's catalog up to date.
#[derive(Debug, Clone)]
pub(crate) struct Follower {
    pub(crate) catalog: SharedCatalog,
    pub(crate) metrics: Option<Arc<Metrics>>,
}

impl Follower {
    /// Polls `source` until `stop` is set, swapping the catalog on every change.
    pub(crate) async fn follow(
        self,
        source: Arc<dyn CatalogSource>,
        every: Duration,
        mut stop: watch::Receiver<bool>,
    ) {
        if let Some(metrics) = &self.metrics {
            metrics.follow(self.catalog.load().catalog());
        }
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                _ = stop.wait_for(|stopped| *stopped) => return,
            }
            let source = Arc::clone(&source);
            self.take_up(tokio::task::spawn_blocking(move || source.poll()).await);
        }
    }

    fn take_up(&self, polled: Result<Result<Option<Catalog>>, JoinError>) {
        match polled {
            Ok(Ok(None)) => return,
            Ok(Ok(Some(catalog))) => {
                let version = catalog.version();
                tracing::info!(version, "registry changed, serving the new definitions");
                if let Some(metrics) = &self.metrics {
                    metrics.follow(&catalog);
                    metrics.reloaded(true);
                }
                self.catalog.store(catalog);
                return;
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, "registry unreadable, serving the last good definitions");
            }
            Err(error) => tracing::error!(%error, "registry poll failed"),
        }
        if let Some(metrics) = &self.metrics {
            metrics.reloaded(false);
        }
    }
}
