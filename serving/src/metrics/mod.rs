//! What the server counts and measures, in Prometheus' terms.
//!
//! Cheap where requests pass: a handful of atomic additions per request and view, no lock or allocation per
//! value. Labels are bounded: endpoints and statuses are enumerations, views and push sources those of the
//! catalog, and what leaves the catalog leaves the metrics.

mod answer;
mod catalog;
mod definitions;
mod offline;
mod scrape;
mod stages;
mod store;
mod stream;

use std::sync::Mutex;
use std::time::Duration;

use larder_core::Result;
use prometheus::{
    GaugeVec, Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge, Registry,
};

use self::catalog::CatalogLabels;
pub use self::definitions::{METRICS, MetricDefinition, MetricKind};
pub(crate) use self::offline::Direction;
use self::offline::OfflineMetrics;
pub(crate) use self::scrape::{Scraped, Served, serve_page};
pub(crate) use self::stages::{Stage, Stages};
use self::store::StoreMetrics;
pub use self::stream::{STREAM_METRICS, StreamCommit, StreamCounts, StreamMetrics};
use crate::gate::{Finished, Protocol};
use crate::push::PushTarget;

/// The metrics of one server.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    feast_requests: IntCounterVec,
    feast_latency: HistogramVec,
    feast_online_requests: IntCounter,
    feast_entity_rows: Histogram,
    feast_statuses: IntCounterVec,
    feast_read: Histogram,
    feast_pushes: IntCounterVec,
    feast_freshness: GaugeVec,
    requests: IntCounterVec,
    request_seconds: HistogramVec,
    stages: [Histogram; Stage::ALL.len()],
    store: StoreMetrics,
    values: IntCounterVec,
    row_age: HistogramVec,
    reloads: IntCounterVec,
    connections: IntGauge,
    in_flight: IntGauge,
    offline: OfflineMetrics,
    labels: Mutex<CatalogLabels>,
}

impl Metrics {
    /// Metrics that count from zero, those of the process (`process_*`) included.
    ///
    /// # Errors
    /// `Internal` when two metrics share a name.
    pub fn new() -> Result<Self> {
        use definitions as d;
        let registry = Registry::new();
        let stages = d::STAGES.histograms(&registry)?;
        let metrics = Self {
            feast_requests: d::FEAST_REQUESTS.counters(&registry)?,
            feast_latency: d::FEAST_LATENCY.histograms(&registry)?,
            feast_online_requests: d::FEAST_ONLINE_REQUESTS.counter(&registry)?,
            feast_entity_rows: d::FEAST_ENTITY_ROWS.histogram(&registry)?,
            feast_statuses: d::FEAST_STATUSES.counters(&registry)?,
            feast_read: d::FEAST_READ.histogram(&registry)?,
            feast_pushes: d::FEAST_PUSHES.counters(&registry)?,
            feast_freshness: d::FEAST_FRESHNESS.gauges(&registry)?,
            requests: d::REQUESTS.counters(&registry)?,
            request_seconds: d::REQUEST_SECONDS_BY_ENDPOINT.histograms(&registry)?,
            stages: Stage::ALL.map(|stage| stages.with_label_values(&[stage.name()])),
            store: StoreMetrics::new(&registry)?,
            values: d::VALUES.counters(&registry)?,
            row_age: d::ROW_AGE.histograms(&registry)?,
            reloads: d::RELOADS.counters(&registry)?,
            connections: d::CONNECTIONS.gauge(&registry)?,
            in_flight: d::IN_FLIGHT.gauge(&registry)?,
            offline: OfflineMetrics::new(&registry)?,
            labels: Mutex::default(),
            registry,
        };
        scrape::register_process(&metrics.registry)?;
        for result in [CHANGED, FAILED] {
            metrics.reloads.with_label_values(&[result]);
        }
        Ok(metrics)
    }

    /// Counts an answered request.
    pub(crate) fn finished(&self, done: &Finished<'_>) {
        let protocol = done.protocol.name();
        let seconds = done.took.as_secs_f64();
        let kind = done.facts.kind.map_or("", larder_core::ErrorKind::as_str);
        self.requests.with_label_values(&[protocol, done.endpoint, done.status, kind]).inc();
        self.request_seconds.with_label_values(&[protocol, done.endpoint]).observe(seconds);
        if done.protocol == Protocol::Http && crate::gate::is_counted_by_feast(done.endpoint) {
            let status = if done.facts.kind.is_some() { "error" } else { "success" };
            self.feast_requests.with_label_values(&[done.endpoint, status]).inc();
            let (features, views) = done.facts.feature_labels();
            self.feast_latency
                .with_label_values(&[done.endpoint, features, &views])
                .observe(seconds);
        }
    }

    /// Counts an accepted push.
    pub(crate) fn pushed(&self, source: &str, to: PushTarget) {
        self.feast_pushes.with_label_values(&[source, to.name()]).inc();
    }

    /// Counts a look at the registry that changed something or failed.
    pub(crate) fn reloaded(&self, is_good: bool) {
        self.reloads.with_label_values(&[if is_good { CHANGED } else { FAILED }]).inc();
    }

    fn stage(&self, stage: Stage, took: Duration) {
        let seconds = took.as_secs_f64();
        self.stages[stage as usize].observe(seconds);
        if stage == Stage::Store {
            self.feast_read.observe(seconds);
        }
    }
}

const CHANGED: &str = "changed";
const FAILED: &str = "failed";
