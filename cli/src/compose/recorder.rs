//! Materialized intervals, written into the registry.

use std::sync::Arc;

use async_trait::async_trait;
use larder_core::{Clock as _, Error, FeatureView, Interval, Result};
use larder_materializer::IntervalRecorder;
use larder_registry::edit::record_materialization;
use larder_registry::store::RegistryStore;

use crate::clock::SystemClock;

/// Appends intervals to the views of one project.
#[derive(Debug)]
pub(crate) struct RegistryRecorder {
    store: Arc<dyn RegistryStore>,
    project: String,
}

impl RegistryRecorder {
    /// A recorder for this project.
    pub(crate) fn new(store: Arc<dyn RegistryStore>, project: String) -> Self {
        Self { store, project }
    }
}

#[async_trait]
impl IntervalRecorder for RegistryRecorder {
    async fn record(&self, view: &FeatureView, interval: Interval) -> Result<()> {
        let (store, project) = (Arc::clone(&self.store), self.project.clone());
        let name = view.name.clone();
        // The registry waits for its lock and for the disk.
        tokio::task::spawn_blocking(move || {
            record_materialization(store.as_ref(), &project, &name, interval, SystemClock.now())
        })
        .await
        .map_err(|error| Error::internal("recording an interval failed").with_source(error))?
    }
}
