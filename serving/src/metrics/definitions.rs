//! Every metric: name, labels, meaning. `docs/reference/metrics.md` is this list.

use larder_core::{Error, Result};
use prometheus::core::Collector;
use prometheus::{
    GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts,
    Registry,
};

/// What is counted or measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts observations in buckets.
    Histogram,
}

impl MetricKind {
    /// Prometheus' name of the kind.
    pub fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// One metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MetricDefinition {
    /// Name as it is scraped.
    pub name: &'static str,
    /// Kind.
    pub kind: MetricKind,
    /// Labels, each with a bounded set of values.
    pub labels: &'static [&'static str],
    /// Meaning and unit.
    pub help: &'static str,
    /// Upper bounds of the buckets of a histogram.
    pub buckets: &'static [f64],
}

/// Feast's bounds for requests, in seconds.
const REQUEST_SECONDS: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Feast's bounds for reads of the store, in seconds.
const READ_SECONDS: &[f64] =
    &[0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Feast's bounds for entity rows.
const ENTITY_ROWS: &[f64] = &[1.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0];
/// Finer bounds, in seconds, for a server that answers in less than a millisecond.
const FINE_SECONDS: &[f64] = &[
    0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1,
    0.25, 0.5, 1.0, 2.5, 10.0,
];
/// From a second to a month.
const AGE_SECONDS: &[f64] =
    &[1.0, 10.0, 60.0, 300.0, 900.0, 3600.0, 21_600.0, 86_400.0, 172_800.0, 604_800.0, 2_592_000.0];

pub(super) const fn counter(
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
) -> MetricDefinition {
    MetricDefinition { name, kind: MetricKind::Counter, labels, help, buckets: &[] }
}

pub(super) const fn gauge(
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
) -> MetricDefinition {
    MetricDefinition { name, kind: MetricKind::Gauge, labels, help, buckets: &[] }
}

pub(super) const fn histogram(
    name: &'static str,
    labels: &'static [&'static str],
    buckets: &'static [f64],
    help: &'static str,
) -> MetricDefinition {
    MetricDefinition { name, kind: MetricKind::Histogram, labels, help, buckets }
}

pub(super) const FEAST_REQUESTS: MetricDefinition = counter(
    "feast_feature_server_request_total",
    &["endpoint", "status"],
    "HTTP requests by path and outcome (success, error)",
);
pub(super) const FEAST_LATENCY: MetricDefinition = histogram(
    "feast_feature_server_request_latency_seconds",
    &["endpoint", "feature_count", "feature_view_count"],
    REQUEST_SECONDS,
    "time per HTTP request; the number of features in bins, both numbers only for online features",
);
pub(super) const FEAST_ONLINE_REQUESTS: MetricDefinition =
    counter("feast_online_features_request_total", &[], "requests for online features");
pub(super) const FEAST_ENTITY_ROWS: MetricDefinition = histogram(
    "feast_online_features_entity_count",
    &[],
    ENTITY_ROWS,
    "entity rows per request for online features",
);
pub(super) const FEAST_STATUSES: MetricDefinition = counter(
    "feast_online_features_status_total",
    &["feature_view", "status"],
    "answered values of stored views by whether the store had the row (present, not_found)",
);
pub(super) const FEAST_READ: MetricDefinition = histogram(
    "feast_feature_server_online_store_read_duration_seconds",
    &[],
    READ_SECONDS,
    "time per request in the online store",
);
pub(super) const FEAST_PUSHES: MetricDefinition = counter(
    "feast_push_request_total",
    &["push_source", "mode"],
    "accepted pushes by push source and target (online, offline, online_and_offline)",
);
pub(super) const FEAST_FRESHNESS: MetricDefinition = gauge(
    "feast_feature_freshness_seconds",
    &["feature_view", "project"],
    "seconds since the end of the last materialized interval",
);
pub(super) const REQUESTS: MetricDefinition = counter(
    "larder_requests_total",
    &["protocol", "endpoint", "status", "kind"],
    "requests by protocol (http, grpc), endpoint, HTTP status or gRPC code, and error kind (empty: none)",
);
pub(super) const REQUEST_SECONDS_BY_ENDPOINT: MetricDefinition = histogram(
    "larder_request_duration_seconds",
    &["protocol", "endpoint"],
    FINE_SECONDS,
    "time from the request's head to the answer's",
);
pub(super) const STAGES: MetricDefinition = histogram(
    "larder_stage_duration_seconds",
    &["stage"],
    FINE_SECONDS,
    "time per stage of a request for online features (plan, store, transform, encode); per chunk of a bulk look-up",
);
pub(super) const STORE_CALLS: MetricDefinition = histogram(
    "larder_online_store_call_duration_seconds",
    &["operation"],
    FINE_SECONDS,
    "time per call to the online store, retries apart (read, write, update, teardown, health)",
);
pub(super) const STORE_ERRORS: MetricDefinition = counter(
    "larder_online_store_errors_total",
    &["operation", "kind"],
    "calls to the online store that failed, by error kind; deadline: also those given up",
);
pub(super) const STORE_CONNECTIONS: MetricDefinition = gauge(
    "larder_online_store_connections",
    &["store"],
    "open connections of the online store (sqlite, redis)",
);
pub(super) const STORE_BUSY: MetricDefinition = gauge(
    "larder_online_store_calls_in_flight",
    &["store"],
    "what the connections of the online store are busy with: calls, statements on Cassandra",
);
pub(super) const STORE_LIMIT: MetricDefinition = gauge(
    "larder_online_store_calls_limit",
    &["store"],
    "most of these at once, more wait (redis, cassandra, scylladb, remote)",
);
pub(super) const CACHED_ROWS: MetricDefinition = counter(
    "larder_online_store_cache_rows_total",
    &["result"],
    "rows asked of the cache: hit, miss, or shared with a request that was reading them",
);
pub(super) const VALUES: MetricDefinition = counter(
    "larder_feature_values_total",
    &["feature_view", "status"],
    "answered values by view and status, as clients see it",
);
pub(super) const ROW_AGE: MetricDefinition = histogram(
    "larder_served_row_age_seconds",
    &["feature_view"],
    AGE_SECONDS,
    "age of the oldest row of a view in one answer, by its event time",
);
pub(super) const RELOADS: MetricDefinition = counter(
    "larder_registry_reloads_total",
    &["result"],
    "registry changes that were taken up (changed) and looks that failed (failed)",
);
pub(super) const CONNECTIONS: MetricDefinition =
    gauge("larder_connections", &[], "open connections, HTTP and gRPC together");

pub(super) const IN_FLIGHT: MetricDefinition =
    gauge("larder_requests_in_flight", &[], "requests being worked on, HTTP and gRPC together");
pub(super) const OFFLINE_COMMANDS: MetricDefinition = counter(
    "larder_offline_commands_total",
    &["api", "kind"],
    "commands of the offline server by Feast's name of them, and error kind (empty: none)",
);
pub(super) const OFFLINE_ROWS: MetricDefinition = counter(
    "larder_offline_rows_total",
    &["api", "direction"],
    "rows that the offline server took (in) and answered (out)",
);

/// Every metric, in the order of the page.
pub const METRICS: &[MetricDefinition] = &[
    FEAST_REQUESTS,
    FEAST_LATENCY,
    FEAST_ONLINE_REQUESTS,
    FEAST_ENTITY_ROWS,
    FEAST_STATUSES,
    FEAST_READ,
    FEAST_PUSHES,
    FEAST_FRESHNESS,
    REQUESTS,
    REQUEST_SECONDS_BY_ENDPOINT,
    STAGES,
    STORE_CALLS,
    STORE_ERRORS,
    STORE_CONNECTIONS,
    STORE_BUSY,
    STORE_LIMIT,
    CACHED_ROWS,
    VALUES,
    ROW_AGE,
    RELOADS,
    CONNECTIONS,
    IN_FLIGHT,
    OFFLINE_COMMANDS,
    OFFLINE_ROWS,
];

impl MetricDefinition {
    fn opts(&self) -> Opts {
        Opts::new(self.name, self.help)
    }

    fn histogram_opts(&self) -> HistogramOpts {
        HistogramOpts::new(self.name, self.help).buckets(self.buckets.to_vec())
    }

    pub(super) fn counter(&self, registry: &Registry) -> Result<IntCounter> {
        registered(registry, IntCounter::with_opts(self.opts()))
    }

    pub(super) fn counters(&self, registry: &Registry) -> Result<IntCounterVec> {
        registered(registry, IntCounterVec::new(self.opts(), self.labels))
    }

    pub(super) fn gauge(&self, registry: &Registry) -> Result<IntGauge> {
        registered(registry, IntGauge::with_opts(self.opts()))
    }

    pub(super) fn gauges(&self, registry: &Registry) -> Result<GaugeVec> {
        registered(registry, GaugeVec::new(self.opts(), self.labels))
    }

    pub(super) fn histogram(&self, registry: &Registry) -> Result<Histogram> {
        registered(registry, Histogram::with_opts(self.histogram_opts()))
    }

    pub(super) fn histograms(&self, registry: &Registry) -> Result<HistogramVec> {
        registered(registry, HistogramVec::new(self.histogram_opts(), self.labels))
    }
}

fn registered<C: Collector + Clone + 'static>(
    registry: &Registry,
    made: prometheus::Result<C>,
) -> Result<C> {
    made.and_then(|metric| registry.register(Box::new(metric.clone())).map(|()| metric))
        .map_err(|error| Error::internal("a metric cannot be registered").with_source(error))
}
