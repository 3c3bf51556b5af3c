//! What the layers around the online store tell.

use larder_core::Result;
use larder_online_store::{CacheUse, OnlineStore, StoreCall, StoreObserver};
use prometheus::{GaugeVec, HistogramVec, IntCounter, IntCounterVec, Registry};

use super::{Metrics, definitions as d};

/// Calls to the online store, and those that failed.
#[derive(Debug)]
pub(super) struct StoreCalls {
    calls: HistogramVec,
    errors: IntCounterVec,
}

impl StoreCalls {
    pub(super) fn new(registry: &Registry) -> Result<Self> {
        Ok(Self {
            calls: d::STORE_CALLS.histograms(registry)?,
            errors: d::STORE_ERRORS.counters(registry)?,
        })
    }

    pub(super) fn observe(&self, call: &StoreCall) {
        let operation = call.operation.as_str();
        self.calls.with_label_values(&[operation]).observe(call.elapsed.as_secs_f64());
        if let Some(kind) = call.error {
            self.errors.with_label_values(&[operation, kind.as_str()]).inc();
        }
    }
}

/// Calls, connections and cache of the online store.
#[derive(Debug)]
pub(super) struct StoreMetrics {
    calls: StoreCalls,
    connections: GaugeVec,
    busy: GaugeVec,
    limit: GaugeVec,
    hits: IntCounter,
    misses: IntCounter,
    shared: IntCounter,
}

impl StoreMetrics {
    pub(super) fn new(registry: &Registry) -> Result<Self> {
        let cached = d::CACHED_ROWS.counters(registry)?;
        let of = |result| cached.with_label_values(&[result]);
        Ok(Self {
            calls: StoreCalls::new(registry)?,
            connections: d::STORE_CONNECTIONS.gauges(registry)?,
            busy: d::STORE_BUSY.gauges(registry)?,
            limit: d::STORE_LIMIT.gauges(registry)?,
            hits: of("hit"),
            misses: of("miss"),
            shared: of("shared"),
        })
    }
}

/// Told once per call and once per view that a cache is asked for; nothing is done per row.
impl StoreObserver for Metrics {
    fn observe(&self, call: &StoreCall) {
        self.store.calls.observe(call);
    }

    fn cached(&self, cache: CacheUse) {
        let CacheUse { hits, misses, shared } = cache;
        let store = &self.store;
        for (counter, rows) in
            [(&store.hits, hits), (&store.misses, misses), (&store.shared, shared)]
        {
            if rows > 0 {
                counter.inc_by(rows as u64);
            }
        }
    }
}

impl Metrics {
    /// The pool as it is now; stores without one have no series.
    pub(super) fn look_at_pool(&self, store: &dyn OnlineStore) {
        let Some(pool) = store.pool() else { return };
        let labels = [store.name()];
        self.store.busy.with_label_values(&labels).set(pool.calls as f64);
        let known = [(&self.store.connections, pool.connections), (&self.store.limit, pool.limit)];
        for (gauge, count) in known {
            if let Some(count) = count {
                gauge.with_label_values(&labels).set(count as f64);
            }
        }
    }
}
