//! The `registry` section.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use larder_core::{Error, Result};

use super::reader::Reader;
use super::secret::Secret;

/// What kind of registry it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegistryKind {
    /// A file, local or in an object store.
    File,
    /// A SQL database.
    Sql,
    /// Another registry server.
    Remote,
    /// Snowflake tables.
    Snowflake,
}

/// When a cached registry is looked at again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheMode {
    /// Also when the local file changed.
    Sync,
    /// Only after the ttl.
    Thread,
}

/// Where the registry is and how it is cached.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "the switches are Feast's")]
pub struct RegistryConfig {
    /// What kind of registry it is.
    pub kind: RegistryKind,
    /// Path, URL or `host:port`, as written.
    pub path: Secret<String>,
    /// Class of the registry store; `None` when chosen by the path's scheme.
    pub registry_store_type: Option<String>,
    /// How long a cached registry is good; `None` for ever.
    pub cache_ttl: Option<Duration>,
    /// When a cached registry is looked at again.
    pub cache_mode: CacheMode,
    /// Extra request fields of S3 writes.
    pub s3_additional_kwargs: BTreeMap<String, String>,
    /// S3 endpoint (`FEAST_S3_ENDPOINT_URL`).
    pub s3_endpoint_url: Option<String>,
    /// Whether no `project_metadata` is written.
    pub purge_feast_metadata: bool,
    /// Whether `view@vN` may be read.
    pub enable_online_feature_view_versioning: bool,
    /// Whether views in state `MATERIALIZING` are served.
    pub serve_features_while_materializing: bool,
    /// Certificate of a remote registry; empty when none.
    pub cert: String,
    /// Whether a remote registry is spoken to over TLS.
    pub is_tls: bool,
    /// Client certificate for mutual TLS; empty when none.
    pub client_cert: String,
    /// Client key file for mutual TLS; empty when none.
    pub client_key: String,
    /// Authority that a remote registry's certificate is checked against; empty when none.
    pub authority: String,
}

impl RegistryConfig {
    /// The local file of a `file` registry, `None` for object stores and other kinds.
    ///
    /// Feast 0.67 knows a local path by having no scheme or a drive letter; `file://...` is not understood.
    pub fn local_path(&self, repo_path: &Path) -> Option<PathBuf> {
        if self.kind != RegistryKind::File {
            return None;
        }
        let path = self.path.expose();
        match path.split_once("://") {
            Some((scheme, _)) if scheme.len() > 1 => None,
            _ => Some(repo_path.join(path)),
        }
    }

    pub(super) fn read(section: &Reader<'_>, required: bool) -> Result<Self> {
        if required && section.section().is_none() {
            return Err(Error::invalid("feature_store.yaml: registry is missing")
                .with_hint("add a line such as \"registry: data/registry.db\""));
        }
        let kind = section.choice(
            "registry_type",
            "file",
            &[
                ("file", RegistryKind::File),
                ("sql", RegistryKind::Sql),
                ("remote", RegistryKind::Remote),
                ("snowflake.registry", RegistryKind::Snowflake),
            ],
        )?;
        let ttl: u32 = section.number("cache_ttl_seconds", 600)?;
        // A registry map may hold more: Feast keeps unknown keys here (extra = "allow").
        Ok(Self {
            kind,
            path: section.connection("path", if required { "" } else { "data/registry.db" })?,
            registry_store_type: section.optional_text("registry_store_type")?,
            cache_ttl: (ttl > 0).then(|| Duration::from_secs(ttl.into())),
            cache_mode: section.choice(
                "cache_mode",
                "sync",
                &[("sync", CacheMode::Sync), ("thread", CacheMode::Thread)],
            )?,
            s3_additional_kwargs: section.text_map("s3_additional_kwargs")?.unwrap_or_default(),
            s3_endpoint_url: section.optional_text("s3_endpoint_url")?,
            purge_feast_metadata: section.boolean("purge_feast_metadata", false)?,
            enable_online_feature_view_versioning: section
                .boolean("enable_online_feature_view_versioning", false)?,
            serve_features_while_materializing: section
                .boolean("serve_features_while_materializing", false)?,
            cert: section.text("cert", "")?,
            is_tls: section.boolean("is_tls", false)?,
            client_cert: section.text("client_cert", "")?,
            client_key: section.text("client_key", "")?,
            authority: section.text("authority", "")?,
        })
    }
}
