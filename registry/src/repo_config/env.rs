//! Every environment variable that Larder reads.

use std::collections::BTreeMap;

/// Where environment variables come from; injected, so that tests do not touch the process.
pub trait Environment {
    /// The value of the variable, `None` when it is not set or not Unicode.
    fn get(&self, name: &str) -> Option<String>;
}

/// The environment of the process.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    fn get(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
}

/// An environment made of given pairs.
#[derive(Debug, Clone, Default)]
pub struct FixedEnvironment(BTreeMap<String, String>);

impl<const N: usize> From<[(&str, &str); N]> for FixedEnvironment {
    fn from(pairs: [(&str, &str); N]) -> Self {
        Self(pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}

impl Environment for FixedEnvironment {
    fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }
}

/// A variable and the setting it sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// Name.
    pub name: &'static str,
    /// The setting, as a path of keys; empty for variables that only help to find the configuration.
    pub path: &'static [&'static str],
    /// What it is for.
    pub doc: &'static str,
}

/// A base64 text that is used as `feature_store.yaml`.
pub(super) const FEATURE_STORE_YAML_BASE64: &str = "FEATURE_STORE_YAML_BASE64";
/// Path of `feature_store.yaml`.
pub(super) const FEAST_FS_YAML_FILE_PATH: &str = "FEAST_FS_YAML_FILE_PATH";

/// A token for a feature server that Kubernetes protects, for programs outside of a pod.
pub const LOCAL_K8S_TOKEN: &str = "LOCAL_K8S_TOKEN";
/// A token for a feature server that is protected by an identity provider (`OpenID` Connect).
pub const FEAST_OIDC_TOKEN: &str = "FEAST_OIDC_TOKEN";

/// Feast's own variables that Larder honours.
pub const FEAST_VARIABLES: &[Variable] = &[
    Variable {
        name: FEATURE_STORE_YAML_BASE64,
        path: &[],
        doc: "base64 of a feature_store.yaml, used instead of the file (not by plan, apply, teardown, registry-dump)",
    },
    Variable { name: FEAST_FS_YAML_FILE_PATH, path: &[], doc: "path of feature_store.yaml" },
    Variable {
        name: "FEATURE_REPO_DIR_ENV_VAR",
        path: &[],
        doc: "repository folder, like --chdir",
    },
    Variable {
        name: "FEAST_S3_ENDPOINT_URL",
        path: &["registry", "s3_endpoint_url"],
        doc: "S3 endpoint of a registry on S3",
    },
    Variable {
        name: LOCAL_K8S_TOKEN,
        path: &[],
        doc: "token for the remote online store, auth.type kubernetes, outside of a pod",
    },
    Variable {
        name: FEAST_OIDC_TOKEN,
        path: &[],
        doc: "token for the remote online store, auth.type oidc without token and token_env_var",
    },
];

/// OpenTelemetry's variables for traces. The SDK reads more: `OTEL_TRACES_SAMPLER` and its argument, `OTEL_BSP_*`,
/// `OTEL_SPAN_*`, headers and timeouts of `OTEL_EXPORTER_OTLP_*`.
pub mod otel {
    /// Where the collector is; traces are off without.
    pub const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
    /// The same, for traces alone.
    pub const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
    /// What it speaks: `grpc` or `http/protobuf`.
    pub const PROTOCOL: &str = "OTEL_EXPORTER_OTLP_PROTOCOL";
    /// The same, for traces alone.
    pub const TRACES_PROTOCOL: &str = "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL";
    /// Milliseconds that an export may take.
    pub const TIMEOUT: &str = "OTEL_EXPORTER_OTLP_TIMEOUT";
    /// The same, for traces alone.
    pub const TRACES_TIMEOUT: &str = "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT";
    /// `none`: traces are off.
    pub const TRACES_EXPORTER: &str = "OTEL_TRACES_EXPORTER";
    /// `true`: everything is off.
    pub const SDK_DISABLED: &str = "OTEL_SDK_DISABLED";
    /// The name of this service.
    pub const SERVICE_NAME: &str = "OTEL_SERVICE_NAME";
    /// Attributes of this service, which may hold its name.
    pub const RESOURCE_ATTRIBUTES: &str = "OTEL_RESOURCE_ATTRIBUTES";
}

/// Larder's variables; each overrides `feature_store.yaml` and `larder.yaml`.
pub const VARIABLES: &[Variable] = &[
    Variable { name: "FS_PROJECT", path: &["project"], doc: "project name" },
    Variable {
        name: "FS_REGISTRY_PATH",
        path: &["registry", "path"],
        doc: "path or URL of the registry",
    },
    Variable {
        name: "FS_REGISTRY_CACHE_TTL_SECONDS",
        path: &["registry", "cache_ttl_seconds"],
        doc: "seconds after which a server looks for a changed registry, 0 for never",
    },
    Variable {
        name: "FS_ONLINE_STORE_TYPE",
        path: &["online_store", "type"],
        doc: "online store: embedded, sqlite, redis, cassandra, scylladb, remote",
    },
    Variable {
        name: "FS_ONLINE_STORE_PATH",
        path: &["online_store", "path"],
        doc: "file, folder or URL of the online store",
    },
    Variable {
        name: "FS_ONLINE_STORE_CONNECTION_STRING",
        path: &["online_store", "connection_string"],
        doc: "Redis connection string, as Feast writes it",
    },
    Variable {
        name: "FS_ONLINE_STORE_PASSWORD",
        path: &["online_store", "password"],
        doc: "password of a Cassandra or ScyllaDB online store",
    },
    Variable {
        name: "FS_ONLINE_STORE_MAP_SIZE",
        path: &["online_store", "map_size"],
        doc: "address space the embedded store starts with, for instance 4GiB",
    },
    Variable {
        name: "FS_OFFLINE_STORE_TYPE",
        path: &["offline_store", "type"],
        doc: "offline store type",
    },
    Variable {
        name: "FS_COMPAT",
        path: &["compat"],
        doc: "larder or feast: whose behaviour wins where Feast is wrong",
    },
    Variable {
        name: "FS_GUARD",
        path: &["guard"],
        doc: "whether older rows are kept from replacing newer ones",
    },
    Variable {
        name: "FS_KAFKA_BOOTSTRAP_SERVERS",
        path: &["stream", "kafka", "bootstrap_servers"],
        doc: "Kafka brokers of stream jobs, host:port separated by commas",
    },
    Variable {
        name: "FS_KAFKA_SASL_USERNAME",
        path: &["stream", "kafka", "sasl_username"],
        doc: "user that logs in to them",
    },
    Variable {
        name: "FS_KAFKA_SASL_PASSWORD",
        path: &["stream", "kafka", "sasl_password"],
        doc: "password of that user",
    },
    Variable { name: "FS_HOST", path: &["serving", "host"], doc: "address the servers bind to" },
    Variable {
        name: "FS_HTTP_PORT",
        path: &["serving", "http_port"],
        doc: "port of the HTTP feature server",
    },
    Variable {
        name: "FS_GRPC_PORT",
        path: &["serving", "grpc_port"],
        doc: "port of the gRPC feature server",
    },
    Variable {
        name: "FS_REGISTRY_PORT",
        path: &["serving", "registry_port"],
        doc: "port of the registry server",
    },
    Variable {
        name: "FS_OFFLINE_PORT",
        path: &["serving", "offline_port"],
        doc: "port of the offline server",
    },
    Variable {
        name: "FS_OFFLINE_TOKEN",
        path: &["serving", "offline", "token"],
        doc: "token that callers of the offline server must present",
    },
    Variable { name: "FS_METRICS", path: &["serving", "metrics"], doc: "true: serve metrics" },
    Variable {
        name: "FS_METRICS_PORT",
        path: &["serving", "metrics_port"],
        doc: "port of the metrics",
    },
    Variable {
        name: "FS_TLS_KEY",
        path: &["serving", "tls", "key"],
        doc: "PEM file of the key of servers that speak TLS",
    },
    Variable {
        name: "FS_TLS_CERT",
        path: &["serving", "tls", "cert"],
        doc: "PEM file of their certificate chain",
    },
    Variable {
        name: "FS_REQUEST_TIMEOUT_MS",
        path: &["serving", "limits", "request_timeout_ms"],
        doc: "time budget of one online request",
    },
    Variable {
        name: "FS_MAX_REQUEST_BYTES",
        path: &["serving", "limits", "request_bytes"],
        doc: "largest request body, for instance 8MiB",
    },
    Variable {
        name: "FS_MAX_ENTITY_ROWS",
        path: &["serving", "limits", "entity_rows"],
        doc: "most entity rows in one online request",
    },
    Variable {
        name: "FS_MAX_FEATURES",
        path: &["serving", "limits", "features"],
        doc: "most features in one online request",
    },
    Variable {
        name: "FS_MAX_CONCURRENT_REQUESTS",
        path: &["serving", "limits", "concurrent_requests"],
        doc: "requests worked on at once; more are told to come back",
    },
];
