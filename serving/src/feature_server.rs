//! The parts that every protocol serves from.

use std::sync::Arc;

use larder_offline_store::OfflineStore;

use crate::online::OnlineService;

/// Online service and offline store behind one handle; cheap to clone.
#[derive(Debug, Clone)]
pub struct FeatureServer {
    online: OnlineService,
    offline: Arc<dyn OfflineStore>,
}

impl FeatureServer {
    /// A server over these parts.
    pub fn new(online: OnlineService, offline: Arc<dyn OfflineStore>) -> Self {
        Self { online, offline }
    }

    /// Online retrieval.
    pub fn online(&self) -> &OnlineService {
        &self.online
    }

    /// The store behind offline pushes.
    pub fn offline(&self) -> &dyn OfflineStore {
        self.offline.as_ref()
    }
}
