//! The composition root: the only place that chooses backends.

mod catalog_source;
pub(crate) mod cluster;
mod cql;
mod kafka;
mod layers;
mod lazy_offline;
mod materializing;
mod offline_server;
mod python_workers;
mod recorder;
mod redis;
mod remote;
mod schema_registry;
mod stream;
mod tls;

use std::future::Future;
use std::sync::Arc;

use larder_core::{Catalog, Compat, Error, Result};
use larder_object_storage::Buckets;
use larder_offline_store::OfflineStore;
use larder_online_store::{
    EmbeddedConfig, EmbeddedStore, OnlineStore, RedisLayout, RedisStore, SqliteConfig, SqliteStore,
    StoreObserver, WriteGuard,
};
use larder_proto::wire::entity_key::EntityKeyVersion;
use larder_proto::wire::registry_file::RegistryFile;
use larder_registry::RepoConfig;
use larder_registry::repo_config::{OfflineStoreConfig, OnlineStoreConfig};
use larder_registry::store::{self, RegistryStore};
use larder_serving::{
    CatalogSource, FeatureServer, Functions, Metrics, OfflineBatching, OnlineService, ServerConfig,
    ServiceConfig, SharedCatalog,
};
use larder_transform::FunctionRunner;

use self::catalog_source::RegistryCatalogSource;
pub(crate) use self::kafka::kafka;
use self::lazy_offline::LazyOfflineStore;
pub(crate) use self::materializing::{RunOptions, materializer};
pub(crate) use self::offline_server::{offline_listener, offline_server};
pub(crate) use self::python_workers::python_workers;
pub(crate) use self::stream::{
    LOG, StreamTargets, letter_file, stream_folder, topic_folder, topic_letters, topic_log,
    topic_state, writer_schemas,
};
pub(crate) use self::tls::server_tls;
use crate::clock::SystemClock;
use crate::repository::Repository;

/// The registry.
///
/// # Errors
/// `Unsupported` for kinds of registries that cannot be used.
pub(crate) fn registry_store(config: &RepoConfig) -> Result<Arc<dyn RegistryStore>> {
    Ok(Arc::from(store::open(config, Arc::new(SystemClock))?))
}

/// The online store with the layers that are set.
///
/// # Errors
/// `Unsupported` for stores that cannot be used; `Unavailable` when it cannot be opened.
pub(crate) fn online_store(config: &RepoConfig) -> Result<Arc<dyn OnlineStore>> {
    observed_store(config, None)
}

fn observed_store(
    config: &RepoConfig,
    observer: Option<Arc<dyn StoreObserver>>,
) -> Result<Arc<dyn OnlineStore>> {
    Ok(layers::around(backend(config)?, &config.online_store_layers, observer))
}

fn backend(config: &RepoConfig) -> Result<Arc<dyn OnlineStore>> {
    match &config.online_store {
        Some(OnlineStoreConfig::Embedded(settings)) => {
            let mut embedded = EmbeddedConfig::new(&settings.path);
            embedded.map_size = settings.map_size.0;
            Ok(Arc::new(EmbeddedStore::open(&embedded)?))
        }
        Some(OnlineStoreConfig::Sqlite(settings)) => {
            Ok(Arc::new(SqliteStore::open(&SqliteConfig {
                write_ahead_log: settings.write_ahead_log,
                map_size: settings.map_size.0,
                value_num: settings.value_num,
                ..SqliteConfig::new(&settings.path)
            })?))
        }
        Some(OnlineStoreConfig::Cassandra(settings)) => Ok(Arc::new(cql::store(config, settings)?)),
        Some(OnlineStoreConfig::Redis(settings)) => {
            Ok(Arc::new(RedisStore::open(&redis::config(settings, config.compat)?)?))
        }
        Some(OnlineStoreConfig::Remote(settings)) => Ok(Arc::new(remote::store(config, settings)?)),
        Some(other) => Err(Error::unsupported(format!(
            "online_store.type: {} cannot be used yet",
            other.type_name()
        ))
        .with_hint(
            "the types that can be used are embedded, sqlite, redis, cassandra, scylladb and remote",
        )),
        None => Err(Error::invalid("the repository has no online store: online_store is null")
            .with_hint("set online_store.type, for instance to embedded, sqlite or redis")),
    }
}

/// The online store with layouts to move rows between, and the one that is configured; no layers around it.
///
/// # Errors
/// `Unsupported` for stores that have one layout only, and for entity keys that do not say where they end; otherwise as
/// [`online_store`].
pub(crate) fn layouts(config: &RepoConfig) -> Result<(RedisStore, RedisLayout)> {
    let Some(OnlineStoreConfig::Redis(settings)) = &config.online_store else {
        let kind = config.online_store.as_ref().map_or("null", OnlineStoreConfig::type_name);
        return Err(Error::unsupported(format!("online_store.type: {kind} has one layout only"))
            .with_hint("only redis has two, feast and packed; rows of others need not be moved"));
    };
    if config.entity_key_serialization_version < 3 {
        return Err(Error::unsupported(
            "rows whose keys have entity_key_serialization_version 2 or older cannot be moved",
        )
        .with_hint("set it to 3 and materialize again: older keys do not say whose they are"));
    }
    let redis = redis::config(settings, config.compat)?;
    Ok((RedisStore::open(&redis)?, redis.layout))
}

/// The offline store; the engine behind it starts with the first call.
///
/// # Errors
/// `Unsupported` for stores that cannot be used.
pub(crate) fn offline_store(config: &RepoConfig) -> Result<Arc<dyn OfflineStore>> {
    let kind = match &config.offline_store {
        OfflineStoreConfig::Local { .. } => {
            let storage = config.offline_store.object_storage();
            return Ok(Arc::new(LazyOfflineStore::new(config.repo_path.clone(), storage)));
        }
        OfflineStoreConfig::Ballista { scheduler, partitions, .. } => {
            return cluster::store(config, scheduler, *partitions);
        }
        OfflineStoreConfig::Remote { .. } => "remote",
        OfflineStoreConfig::Other { kind } => kind,
    };
    Err(Error::unsupported(format!("offline_store.type: {kind} cannot be used")).with_hint(
        "the types that can be used are file, dask and duckdb, which all read files here, and ballista",
    ))
}

/// Buckets for what the program itself reads and writes; touches no network.
pub(crate) fn buckets(config: &RepoConfig) -> Buckets {
    Buckets::new(config.offline_store.object_storage())
}

/// The project's definitions in a registry.
///
/// # Errors
/// `Data` when an object cannot be understood.
pub(crate) fn catalog(config: &RepoConfig, file: &RegistryFile) -> Result<Catalog> {
    catalog_of(config, file, &config.project)
}

/// The definitions of any project of the registry.
///
/// # Errors
/// `NotFound` for a project that the registry does not have; `Data` when an object cannot be understood.
pub(crate) fn catalog_of(
    config: &RepoConfig,
    file: &RegistryFile,
    project: &str,
) -> Result<Catalog> {
    let versioning = config.registry.enable_online_feature_view_versioning;
    larder_registry::catalog::catalog(file, project, versioning)
}

fn entity_key_version(config: &RepoConfig) -> EntityKeyVersion {
    EntityKeyVersion::from_number(config.entity_key_serialization_version.into())
}

/// Feast's Redis store has a guard of its own, which `compat: feast` restores inside the store.
fn write_guard(config: &RepoConfig) -> WriteGuard {
    let of_feast = config.compat == Compat::Feast
        && matches!(config.online_store, Some(OnlineStoreConfig::Redis(_)));
    if config.guard || of_feast { WriteGuard::EventTime } else { WriteGuard::LastWriteWins }
}

/// Online retrieval over the registered definitions.
///
/// # Errors
/// As the store's constructor; `Data` for a registry that cannot be understood.
pub(crate) fn online_service(repository: &Repository) -> Result<OnlineService> {
    let catalog = repository.catalog()?;
    let config = repository.existing()?;
    Ok(service(config, catalog, online_store(config)?, functions(config)?))
}

/// Who calls on-demand functions that do not compile.
///
/// # Errors
/// As [`python_workers`].
pub(crate) fn functions(config: &RepoConfig) -> Result<Functions> {
    Ok(python_workers(config)?.map(|workers| workers as Arc<dyn FunctionRunner>))
}

fn service(
    config: &RepoConfig,
    catalog: Catalog,
    store: Arc<dyn OnlineStore>,
    functions: Functions,
) -> OnlineService {
    let clock = Arc::new(SystemClock);
    OnlineService::new(service_config(config), SharedCatalog::new(catalog), store, clock)
        .with_functions(functions)
}

fn service_config(config: &RepoConfig) -> ServiceConfig {
    ServiceConfig {
        compat: config.compat,
        max_rows: config.serving.limits.entity_rows as usize,
        max_lookup_rows: config.serving.limits.lookup_rows as usize,
        lookup_chunk_rows: config.serving.limits.lookup_chunk_rows as usize,
        lookup_buffer_bytes: config.serving.limits.lookup_buffer_bytes.addressable(),
        offline_batching: offline_batching(config),
        max_candidates: config.serving.limits.candidates as usize,
        max_features: config.serving.limits.features as usize,
        entity_key_version: config.entity_key_serialization_version.into(),
        guard: write_guard(config),
        overlap: config.materialization.overlap.0,
        ..ServiceConfig::default()
    }
}

/// Everything that servers serve from, and where they learn of registry changes.
///
/// # Errors
/// As [`online_service`] and [`offline_store`]; `NotFound` when nothing was applied yet.
pub(crate) fn feature_server(
    config: &RepoConfig,
    functions: Functions,
) -> Result<(FeatureServer, Arc<dyn CatalogSource>)> {
    let registry = registry_store(config)?;
    let versioning = config.registry.enable_online_feature_view_versioning;
    let (source, catalog) =
        RegistryCatalogSource::start(Arc::clone(&registry), &config.project, versioning)?;
    let metrics = config.serves_metrics().then(Metrics::new).transpose()?.map(Arc::new);
    let observer = metrics.clone().map(|metrics| metrics as Arc<dyn StoreObserver>);
    let mut online = service(config, catalog, observed_store(config, observer)?, functions);
    if let Some(metrics) = metrics {
        online = online.with_metrics(metrics);
    }
    let (store, options) = (Arc::clone(online.store()), RunOptions::default());
    let materializer = materializing::over(config, registry, store, options)?;
    let server = FeatureServer::new(online, offline_store(config)?).with_materializer(materializer);
    Ok((server, Arc::new(source)))
}

fn offline_batching(config: &RepoConfig) -> Option<OfflineBatching> {
    let batching = config.feature_server.as_ref()?.offline_push_batching?;
    Some(OfflineBatching { rows: batching.rows as usize, interval: batching.interval })
}

/// Settings of the listeners.
pub(crate) fn server_config(config: &RepoConfig) -> ServerConfig {
    let limits = &config.serving.limits;
    ServerConfig {
        max_body_bytes: limits.request_bytes.addressable(),
        max_concurrent_requests: limits.concurrent_requests as usize,
        max_connections: limits.connections as usize,
        request_timeout: limits.request_timeout,
        lookup_timeout: limits.lookup_timeout,
        handshake_timeout: limits.handshake_timeout,
        keep_alive: limits.keep_alive,
        body_timeout: limits.body_timeout,
        send_timeout: limits.send_timeout,
        drain: config.serving.drain,
        registry_poll: config.serving.registry_check,
        ..ServerConfig::default()
    }
}

/// Runs a future to its end on this thread; what blocks runs beside it.
///
/// # Errors
/// Those of the future; `Internal` when the system gives no event loop.
pub(crate) fn block_on<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::internal("cannot start an event loop").with_source(error))?
        .block_on(future)
}
