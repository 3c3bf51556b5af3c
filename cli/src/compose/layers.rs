//! The layers around the online store.

use std::sync::Arc;

use larder_online_store::{
    CacheConfig, CacheLayer, DeadlineConfig, DeadlineLayer, MetricsLayer, OnlineStore, RetryConfig,
    RetryLayer, StoreCall, StoreObserver,
};
use larder_registry::repo_config::OnlineStoreLayers;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

/// The store with the layers that are set, from the inside out: observer, log, retry, deadline, cache.
pub(super) fn around(
    mut store: Arc<dyn OnlineStore>,
    layers: &OnlineStoreLayers,
    observer: Option<Arc<dyn StoreObserver>>,
) -> Arc<dyn OnlineStore> {
    if let Some(observer) = &observer {
        store = Arc::new(MetricsLayer::new(store, Arc::clone(observer)));
    }
    if layers.log_calls {
        store = Arc::new(MetricsLayer::new(store, Arc::new(CallLog)));
    }
    if let Some(retry) = layers.retry {
        let config = RetryConfig {
            attempts: retry.attempts,
            first_pause: retry.first_pause,
            longest_pause: retry.longest_pause,
            budget: layers.read_deadline.max(layers.write_deadline),
        };
        store = Arc::new(RetryLayer::new(store, config, StdRng::from_os_rng()));
    }
    if layers.read_deadline.is_some() || layers.write_deadline.is_some() {
        let config = DeadlineConfig { read: layers.read_deadline, write: layers.write_deadline };
        store = Arc::new(DeadlineLayer::new(store, config));
    }
    if let Some(cache) = layers.cache {
        let config = CacheConfig {
            max_bytes: cache.max_bytes.0,
            max_entries: cache.max_entries,
            ttl: cache.ttl,
        };
        store = Arc::new(CacheLayer::observed(store, config, observer));
    }
    store
}

/// A log line per call.
#[derive(Debug)]
struct CallLog;

impl StoreObserver for CallLog {
    fn observe(&self, call: &StoreCall) {
        let StoreCall { store, operation, items, effective, elapsed, error } = *call;
        let (operation, micros) = (operation.as_str(), elapsed.as_micros());
        let error = error.map_or("", larder_core::ErrorKind::as_str);
        tracing::info!(store, operation, items, effective, micros, error, "online store call");
    }
}
