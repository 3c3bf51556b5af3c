//! The offline server: the catalog and the offline store, without an online one.

use std::sync::Arc;

use larder_core::{Error, Result};
use larder_registry::RepoConfig;
use larder_registry::repo_config::AuthConfig;
use larder_serving::{
    BearerToken, CatalogSource, Functions, Metrics, OfflineConfig, OfflineServer, ServerConfig,
    SharedCatalog,
};

use super::catalog_source::RegistryCatalogSource;
use super::{offline_store, registry_store, server_config};
use crate::clock::SystemClock;

/// What the offline server serves from, and where it learns of registry changes.
///
/// # Errors
/// `Unsupported` for stores that cannot be used, and for an `auth` section whose tokens nobody here can verify;
/// `NotFound` when nothing was applied yet.
pub(crate) fn offline_server(
    config: &RepoConfig,
    functions: Functions,
) -> Result<(OfflineServer, Arc<dyn CatalogSource>)> {
    check_auth(config)?;
    let registry = registry_store(config)?;
    let versioning = config.registry.enable_online_feature_view_versioning;
    let (source, catalog) = RegistryCatalogSource::start(registry, &config.project, versioning)?;
    let catalog = SharedCatalog::new(catalog);
    let (offline, clock) = (offline_store(config)?, Arc::new(SystemClock));
    let mut server =
        OfflineServer::new(settings(config)?, catalog, offline, clock).with_functions(functions);
    if config.serves_metrics() {
        server = server.with_metrics(Arc::new(Metrics::new()?));
    }
    Ok((server, Arc::new(source)))
}

/// Settings of its listener.
pub(crate) fn offline_listener(config: &RepoConfig) -> ServerConfig {
    let offline = &config.serving.offline;
    ServerConfig {
        max_body_bytes: offline.message_bytes.addressable(),
        max_concurrent_requests: offline.concurrent_commands as usize,
        drain: offline.drain,
        ..server_config(config)
    }
}

fn settings(config: &RepoConfig) -> Result<OfflineConfig> {
    let offline = &config.serving.offline;
    let repo_root = std::path::absolute(&config.repo_path).map_err(|error| {
        Error::invalid(format!("{} is no path", config.repo_path.display())).with_source(error)
    })?;
    let token = offline.token.as_ref().map(|token| BearerToken::new(token.expose().trim()));
    Ok(OfflineConfig {
        max_columns: config.serving.limits.features as usize,
        max_upload_bytes: offline.upload_bytes.addressable(),
        upload_timeout: config.serving.limits.body_timeout,
        max_pending: offline.pending as usize,
        max_pending_bytes: offline.pending_bytes.addressable(),
        pending_ttl: offline.pending_ttl,
        token,
        ..OfflineConfig::new(repo_root)
    })
}

/// A server that was told to ask for tokens must not serve everybody.
fn check_auth(config: &RepoConfig) -> Result<()> {
    let kind = match config.auth {
        AuthConfig::NoAuth => return Ok(()),
        AuthConfig::Kubernetes { .. } => "kubernetes",
        AuthConfig::Oidc { .. } => "oidc",
    };
    if config.serving.offline.token.is_some() {
        return Ok(());
    }
    Err(Error::unsupported(format!(
        "auth.type: {kind}: tokens are not verified with their issuer here"
    ))
    .with_hint(
        "give the token that clients send: FS_OFFLINE_TOKEN, or serving.offline.token in larder.yaml",
    ))
}
