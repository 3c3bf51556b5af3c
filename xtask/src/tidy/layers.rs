//! Which crate may depend on which: the arrows point one way.

use super::edges::Rules;

/// Internal edges that are allowed, by package; tests may use what stands in the second list.
const INTERNAL: [(&str, &[&str], &[&str]); 19] = [
    ("larder-core", &[], &[]),
    ("larder-proto", &[CORE], &[]),
    ("larder-registry", &[CORE, PROTO, TRANSFORM, OFFLINE, STORAGE], &[ENGINE]),
    ("larder-transform", &[CORE, PROTO], &[]),
    (WORKERS, &[CORE, TRANSFORM], &["larder-tests"]),
    ("larder-online-store", &[CORE, PROTO], &["larder-tests"]),
    ("larder-offline-store", &[CORE, PROTO], &[]),
    (STORAGE, &[CORE], &[]),
    (DELTA, &[CORE, STORAGE], &[]),
    ("larder-offline-store-datafusion", &[CORE, PROTO, OFFLINE, STORAGE, DELTA], &[]),
    (CLUSTER, &[CORE, OFFLINE, ENGINE], &[]),
    (DATASET, &[CORE, OFFLINE, STORAGE], &[]),
    ("larder-materializer", &[CORE, PROTO, ONLINE, OFFLINE], &[ENGINE]),
    (STREAM, &[CORE, PROTO, ONLINE, STORAGE], &[]),
    (
        "larder-serving",
        &[CORE, PROTO, REGISTRY, TRANSFORM, ONLINE, OFFLINE, "larder-materializer"],
        &[ENGINE],
    ),
    (
        "larder-cli",
        &[
            CORE,
            PROTO,
            REGISTRY,
            TRANSFORM,
            WORKERS,
            ONLINE,
            OFFLINE,
            ENGINE,
            CLUSTER,
            DATASET,
            STORAGE,
            "larder-materializer",
            STREAM,
            "larder-serving",
        ],
        &[],
    ),
    ("larder-tests", EVERYTHING, EVERYTHING),
    (
        "larder-bench",
        &[
            CORE,
            PROTO,
            TRANSFORM,
            ONLINE,
            OFFLINE,
            ENGINE,
            "larder-materializer",
            STREAM,
            "larder-tests",
        ],
        &[],
    ),
    ("xtask", &[], &[]),
];

const CORE: &str = "larder-core";
const PROTO: &str = "larder-proto";
const REGISTRY: &str = "larder-registry";
const TRANSFORM: &str = "larder-transform";
const WORKERS: &str = "larder-transform-workers";
const ONLINE: &str = "larder-online-store";
const OFFLINE: &str = "larder-offline-store";
const STREAM: &str = "larder-stream-features";
const ENGINE: &str = "larder-offline-store-datafusion";
const DELTA: &str = "larder-offline-store-delta";
const CLUSTER: &str = "larder-offline-store-ballista";
const STORAGE: &str = "larder-object-storage";
const DATASET: &str = "larder-dataset";

/// Suites and benchmarks may look into every plane.
const EVERYTHING: &[&str] = &[
    CORE,
    PROTO,
    REGISTRY,
    TRANSFORM,
    ONLINE,
    OFFLINE,
    ENGINE,
    "larder-materializer",
    STREAM,
    "larder-serving",
];

/// External crates that only the named packages may depend on, outside their tests.
const GUARDED: [(&str, &[&str]); 31] = [
    ("axum", &["larder-serving"]),
    ("arrow-flight", &["larder-serving", "larder-tests"]),
    ("tonic-health", &["larder-serving", "larder-tests", "larder-bench"]),
    ("tonic-reflection", &["larder-serving", "larder-tests"]),
    ("hyper", &["larder-serving", "larder-cli", ONLINE, "larder-bench"]),
    ("hyper-util", &["larder-serving", "larder-cli", ONLINE, "larder-bench"]),
    ("hyper-rustls", &["larder-cli", ONLINE]),
    ("datafusion", &[ENGINE, CLUSTER, TRANSFORM]),
    ("datafusion-proto", &[CLUSTER]),
    ("ballista-core", &[CLUSTER]),
    ("ballista-scheduler", &[CLUSTER]),
    ("ballista-executor", &[CLUSTER]),
    ("delta_kernel", &[DELTA]),
    ("delta_kernel_default_engine", &[DELTA]),
    ("object_store", &[STORAGE, DELTA, ENGINE, DATASET, STREAM, "larder-tests"]),
    ("apache-avro", &[STREAM]),
    ("rdkafka", &[STREAM, "larder-tests", "larder-bench"]),
    ("sqlparser", &[STREAM]),
    ("heed", &[ONLINE]),
    ("redis", &[ONLINE, "larder-tests"]),
    ("moka", &[ONLINE]),
    ("scylla", &[ONLINE, "larder-tests", "larder-bench"]),
    ("rusqlite", &[ONLINE, "larder-tests"]),
    ("ruff_python_ast", &[REGISTRY, TRANSFORM]),
    ("ruff_python_parser", &[REGISTRY, TRANSFORM]),
    ("ureq", &["larder-cli", "larder-tests", "larder-bench"]),
    ("opentelemetry", &["larder-serving", "larder-cli"]),
    ("opentelemetry-http", &["larder-cli"]),
    ("opentelemetry-otlp", &["larder-cli"]),
    ("opentelemetry_sdk", &["larder-cli"]),
    ("anyhow", &["larder-cli", "larder-tests", "larder-bench", "xtask"]),
];

/// Features of external crates that only the named packages may turn on.
const GUARDED_FEATURES: [(&str, &str, &[&str]); 2] = [
    ("tonic", "transport", &["larder-serving", "larder-cli", "larder-tests", "larder-bench"]),
    ("tonic", "router", &["larder-serving"]),
];

/// The workspace's rules.
pub(crate) fn rules() -> Rules {
    Rules { internal: &INTERNAL, guarded: &GUARDED, guarded_features: &GUARDED_FEATURES }
}
