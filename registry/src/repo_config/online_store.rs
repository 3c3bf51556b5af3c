//! The `online_store` section.

use std::path::Path;

use larder_core::Result;

use super::online_store_layers::OnlineStoreLayers;
use super::online_store_types::{
    CassandraStore, EmbeddedStore, OtherStore, RedisClientKind, RedisLayout, RedisStore,
    RemoteStore, SqliteStore, feast_keys,
};
use super::reader::Reader;
use super::{ByteSize, Compat, cassandra};
use crate::yaml::Data;

/// Where online rows are.
#[derive(Debug, Clone, PartialEq)]
pub enum OnlineStoreConfig {
    /// LMDB in a folder: the default.
    Embedded(EmbeddedStore),
    /// Feast's SQLite file.
    Sqlite(SqliteStore),
    /// Redis.
    Redis(RedisStore),
    /// Cassandra or `ScyllaDB`.
    Cassandra(CassandraStore),
    /// Another feature server.
    Remote(RemoteStore),
    /// A store of Feast's that Larder cannot use.
    Other(OtherStore),
}

impl OnlineStoreConfig {
    /// The type's name, as `online_store.type` writes it.
    pub fn type_name(&self) -> &str {
        match self {
            Self::Embedded(_) => "embedded",
            Self::Sqlite(_) => "sqlite",
            Self::Redis(_) => "redis",
            Self::Cassandra(store) if store.scylla => "scylladb",
            Self::Cassandra(_) => "cassandra",
            Self::Remote(_) => "remote",
            Self::Other(store) => &store.kind,
        }
    }

    /// Reads the section. Nothing named means the embedded store, or Feast's own default under `compat: feast`.
    pub(super) fn read(
        root: &Reader<'_>,
        compat: Compat,
        repo_path: &Path,
    ) -> Result<(Option<Self>, OnlineStoreLayers)> {
        let written = root.section().and_then(|section| section.get_even_null("online_store"));
        if written.is_some_and(|value| matches!(value.node().data, Data::Null)) {
            return Ok((None, OnlineStoreLayers::default()));
        }
        let section = root.child("online_store")?;
        let default = if compat == Compat::Feast { "sqlite" } else { "embedded" };
        let kind = section.text("type", default)?;
        let config = match kind.as_str() {
            "embedded" => Self::Embedded(embedded(&section, repo_path)?),
            "sqlite" | "feast.infra.online_stores.sqlite.SqliteOnlineStore" => {
                Self::Sqlite(sqlite(&section, repo_path)?)
            }
            "redis" => Self::Redis(redis(&section)?),
            "cassandra" => Self::Cassandra(cassandra::read(&section, false)?),
            "scylladb" => Self::Cassandra(cassandra::read(&section, true)?),
            "remote" => Self::Remote(remote(&section)?),
            _ => {
                let other = Self::Other(OtherStore { kind });
                return Ok((Some(other), OnlineStoreLayers::default()));
            }
        };
        section.allow(feast_keys(&kind).unwrap_or_default());
        let layers = OnlineStoreLayers::read(&section)?;
        section.finish()?;
        Ok((Some(config), layers))
    }
}

fn embedded(section: &Reader<'_>, repo_path: &Path) -> Result<EmbeddedStore> {
    Ok(EmbeddedStore {
        path: repo_path.join(section.text("path", "data/online_store")?),
        map_size: section.size("map_size", ByteSize(1 << 30))?,
        sync: section.boolean("sync", true)?,
    })
}

fn sqlite(section: &Reader<'_>, repo_path: &Path) -> Result<SqliteStore> {
    Ok(SqliteStore {
        path: repo_path.join(section.text("path", "data/online.db")?),
        vector_enabled: section.boolean("vector_enabled", false)?,
        value_num: section.boolean("enable_openai_compatible_store", false)?,
        write_ahead_log: section.boolean("write_ahead_log", true)?,
        map_size: section.size("map_size", ByteSize(2 << 30))?,
    })
}

fn redis(section: &Reader<'_>) -> Result<RedisStore> {
    Ok(RedisStore {
        kind: section.choice(
            "redis_type",
            "redis",
            &[
                ("redis", RedisClientKind::Redis),
                ("redis_cluster", RedisClientKind::Cluster),
                ("redis_sentinel", RedisClientKind::Sentinel),
            ],
        )?,
        connection_string: section.connection("connection_string", "localhost:6379")?,
        key_ttl_seconds: section.optional_number("key_ttl_seconds")?,
        full_scan_for_deletion: section.boolean("full_scan_for_deletion", true)?,
        skip_dedup: section.boolean("skip_dedup", false)?,
        sentinel_master: section.text("sentinel_master", "mymaster")?,
        layout: section.choice(
            "layout",
            "feast",
            &[("feast", RedisLayout::Feast), ("packed", RedisLayout::Packed)],
        )?,
    })
}

fn remote(section: &Reader<'_>) -> Result<RemoteStore> {
    Ok(RemoteStore {
        path: section.text("path", "http://localhost:6566")?,
        cert: section.text("cert", "")?,
        connection_pool_size: section.number("connection_pool_size", 50)?,
        connection_idle_timeout: section.number("connection_idle_timeout", 300)?,
        connection_retries: section.number("connection_retries", 3)?,
        connect_timeout: section.optional_float("connect_timeout")?.unwrap_or(1.0),
        request_timeout: section.optional_float("request_timeout")?.unwrap_or(10.0),
        rows_per_request: section.number("rows_per_request", 1_000)?,
    })
}
