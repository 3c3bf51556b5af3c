//! What a repository is configured with: `feature_store.yaml` exactly as Feast accepts it, an optional
//! `larder.yaml` beside it for what only Larder knows, environment variables over both and flags over all.
//!
//! [`RepoConfig::load`] reads the layers once; the result never changes and knows where each value came from.

mod auth;
mod byte_size;
mod cassandra;
mod env;
mod expand;
mod feature_store_yaml;
mod layers;
mod locate;
mod materialization;
mod offline_store;
mod online_store;
mod online_store_layers;
mod online_store_types;
mod period;
mod reader;
mod registry;
mod s3;
mod secret;
mod serving;
mod settings;
mod stream;
mod transform;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use larder_core::Compat;
use larder_core::Result;

pub use crate::yaml::Origin;
pub use auth::AuthConfig;
pub use byte_size::ByteSize;
pub use env::{
    Environment, FEAST_OIDC_TOKEN, FEAST_VARIABLES, FixedEnvironment, LOCAL_K8S_TOKEN,
    ProcessEnvironment, VARIABLES, Variable, otel,
};
pub use materialization::MaterializationConfig;
pub use offline_store::{OfflineStoreConfig, host_and_port};
pub use online_store::OnlineStoreConfig;
pub use online_store_layers::{CacheSettings, OnlineStoreLayers, RetrySettings};
pub use online_store_types::{
    CassandraStore, CassandraWriteTimestamp, EmbeddedStore, OtherStore, RedisClientKind,
    RedisLayout, RedisStore, RemoteStore, SqliteStore,
};
pub use period::Period;
pub use registry::{CacheMode, RegistryConfig, RegistryKind};
pub use s3::S3Config;
pub use secret::Secret;
pub use serving::{OfflineServing, ServingConfig, ServingLimits, TlsFiles};
pub use settings::Setting;
pub use stream::{KafkaConfig, StreamConfig};
pub use transform::{PythonWorkersConfig, TransformConfig};

/// The `feature_server` section, as far as Larder uses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeatureServerConfig {
    /// `local` or `mcp`.
    pub kind: String,
    /// Whether Feast would deploy one.
    pub enabled: bool,
    /// Whether metrics are served.
    pub metrics_enabled: bool,
    /// Where Feast's servers would send transformations to.
    pub transformation_service_endpoint: String,
    /// Whether rows pushed to batch sources wait for others. Off unless both numbers are given, as in Feast 0.67.
    pub offline_push_batching: Option<OfflinePushBatching>,
}

/// When rows that were pushed to a batch source are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfflinePushBatching {
    /// As soon as there are this many.
    pub rows: u32,
    /// At the latest this long after they came.
    pub interval: Duration,
}

/// The whole configuration of one repository.
#[derive(Debug, Clone)]
pub struct RepoConfig {
    /// Folder that relative paths start from (absolute).
    pub repo_path: PathBuf,
    /// The files that were read, in the order in which they were laid over each other; empty when there are none.
    pub files: Vec<PathBuf>,
    /// Name of the project.
    pub project: String,
    /// Description that `apply` gives the project; empty when none.
    pub project_description: String,
    /// `local`, `gcp` ..., or a class path; kept for Feast, Larder behaves the same for all.
    pub provider: String,
    /// Where the registry is.
    pub registry: RegistryConfig,
    /// Where online rows are; `None` when `online_store` is null.
    pub online_store: Option<OnlineStoreConfig>,
    /// What stands around the online store.
    pub online_store_layers: OnlineStoreLayers,
    /// What reads the sources.
    pub offline_store: OfflineStoreConfig,
    /// Type of the batch engine; kept for Feast.
    pub batch_engine: String,
    /// Who may call the servers.
    pub auth: AuthConfig,
    /// Feast's feature server section; `None` when absent.
    pub feature_server: Option<FeatureServerConfig>,
    /// 2 or 3; other numbers are refused when keys are encoded.
    pub entity_key_serialization_version: u8,
    /// Whether entity timestamps without a zone are taken as UTC.
    pub coerce_tz_aware: bool,
    /// How views are materialized.
    pub materialization: MaterializationConfig,
    /// Whose behaviour wins where Feast is wrong.
    pub compat: Compat,
    /// Whether an older row is kept from replacing a newer one online.
    pub guard: bool,
    /// Addresses, ports and limits of the servers.
    pub serving: ServingConfig,
    /// Where stream jobs find their events.
    pub stream: StreamConfig,
    /// How on-demand views are computed.
    pub transform: TransformConfig,
    /// What looks like a slip but is no error (misspelt top-level keys, old key versions).
    pub warnings: Vec<String>,
    settings: Vec<Setting>,
}

/// A value given on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag {
    /// The flag as typed, for instance `--port`.
    pub name: &'static str,
    /// The setting it sets, for instance `["serving", "http_port"]`.
    pub path: &'static [&'static str],
    /// The value as typed.
    pub value: String,
}

/// How to find the configuration.
#[derive(Debug, Clone, Default)]
pub struct LoadOptions {
    /// The repository folder (`--chdir`); the current folder when empty.
    pub repo_path: PathBuf,
    /// `--feature-store-yaml`: wins over the environment and the folder's own file.
    pub feature_store_yaml: Option<PathBuf>,
    /// Whether `FEATURE_STORE_YAML_BASE64` is honoured (Feast 0.67: not by plan, apply, teardown, registry-dump).
    pub allow_base64: bool,
    /// Flags over all other layers.
    pub flags: Vec<Flag>,
}

impl RepoConfig {
    /// Reads and merges all layers.
    ///
    /// A folder without `feature_store.yaml` gets defaults that work, with the folder's name as project;
    /// [`RepoConfig::files`] is empty then.
    ///
    /// # Errors
    /// `NotFound` when a file that was named explicitly does not exist; `Invalid`, with file, line and key, for
    /// anything wrong inside.
    pub fn load(options: &LoadOptions, environment: &dyn Environment) -> Result<Self> {
        let sources = locate::sources(options, environment)?;
        let layers = layers::merge(&sources, &options.flags, environment)?;
        layers::read(sources, layers)
    }

    /// Every setting with its value (secrets redacted) and where it came from, in reading order.
    pub fn settings(&self) -> &[Setting] {
        &self.settings
    }

    /// Whether metrics are served: `serving.metrics` of Larder, or `feature_server.metrics.enabled` of Feast.
    pub fn serves_metrics(&self) -> bool {
        let feast = self.feature_server.as_ref();
        self.serving.metrics || feast.is_some_and(|server| server.metrics_enabled)
    }

    /// A path of the configuration as the filesystem knows it: relative ones start from the repository.
    pub fn resolve(&self, path: impl AsRef<Path>) -> PathBuf {
        self.repo_path.join(path)
    }
}
