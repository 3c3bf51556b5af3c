//! The parts that every protocol serves from.

use std::sync::Arc;

use larder_materializer::Materializer;
use larder_offline_store::OfflineStore;

use crate::materialize::Jobs;
use crate::offline_batches::OfflineBatches;
use crate::online::OnlineService;

/// Online service and offline store behind one handle; cheap to clone.
#[derive(Debug, Clone)]
pub struct FeatureServer {
    online: OnlineService,
    offline: Arc<dyn OfflineStore>,
    materializer: Option<Arc<Materializer>>,
    jobs: Option<Jobs>,
    offline_batches: Option<OfflineBatches>,
}

impl FeatureServer {
    /// A server over these parts.
    pub fn new(online: OnlineService, offline: Arc<dyn OfflineStore>) -> Self {
        Self { online, offline, materializer: None, jobs: None, offline_batches: None }
    }

    /// The same server, which materializes when it is asked to.
    pub fn with_materializer(self, materializer: Materializer) -> Self {
        Self { materializer: Some(Arc::new(materializer)), ..self }
    }

    /// The same server, which hands runs that nobody waits for to these jobs.
    pub(crate) fn with_jobs(self, jobs: Jobs) -> Self {
        Self { jobs: Some(jobs), ..self }
    }

    /// The same server, which hands rows for batch sources to these batches, if there are any.
    pub(crate) fn with_offline_batches(self, batches: Option<OfflineBatches>) -> Self {
        Self { offline_batches: batches, ..self }
    }

    /// Where rows for batch sources wait for others, if they do.
    pub(crate) fn offline_batches(&self) -> Option<&OfflineBatches> {
        self.offline_batches.as_ref()
    }

    /// What materializes, if anything does.
    pub(crate) fn materializer(&self) -> Option<&Arc<Materializer>> {
        self.materializer.as_ref()
    }

    /// Where runs go that nobody waits for.
    pub(crate) fn jobs(&self) -> Option<&Jobs> {
        self.jobs.as_ref()
    }

    /// Online retrieval.
    pub fn online(&self) -> &OnlineService {
        &self.online
    }

    /// The store behind offline pushes.
    pub fn offline(&self) -> &Arc<dyn OfflineStore> {
        &self.offline
    }
}
