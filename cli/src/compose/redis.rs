//! The `online_store` section of type `redis`, as the store wants it.

use larder_core::Result;
use larder_online_store::{RedisConfig, RedisGuard, RedisLayout, RedisTopology};
use larder_registry::repo_config::{self, Compat, RedisClientKind, RedisStore};

/// Settings of the store.
///
/// # Errors
/// `Invalid` or `Unsupported` for a connection string that cannot be used.
pub(super) fn config(settings: &RedisStore, compat: Compat) -> Result<RedisConfig> {
    let topology = match settings.kind {
        RedisClientKind::Redis => RedisTopology::Single,
        RedisClientKind::Cluster => RedisTopology::Cluster,
        RedisClientKind::Sentinel => {
            RedisTopology::Sentinel { master: settings.sentinel_master.clone() }
        }
    };
    let config = RedisConfig::new(topology, settings.connection_string.expose())?;
    Ok(RedisConfig {
        layout: match settings.layout {
            repo_config::RedisLayout::Feast => RedisLayout::Feast,
            repo_config::RedisLayout::Packed => RedisLayout::Packed,
        },
        key_ttl_seconds: settings.key_ttl_seconds.filter(|seconds| *seconds > 0),
        remove_rows: settings.full_scan_for_deletion,
        guard: match (settings.skip_dedup, compat) {
            (true, _) => RedisGuard::Off,
            (false, Compat::Feast) => RedisGuard::Feast,
            (false, _) => RedisGuard::EventTime,
        },
        ..config
    })
}
