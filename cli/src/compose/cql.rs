//! Cassandra and `ScyllaDB`.

use std::time::Duration;

use larder_core::{Error, Result};
use larder_online_store::{CqlConfig, CqlCredentials, CqlFlavour, CqlStore, WriteTimestamp};
use larder_registry::RepoConfig;
use larder_registry::repo_config::{CassandraStore, CassandraWriteTimestamp};

/// The store that the settings describe; nothing is connected yet.
///
/// # Errors
/// `Unsupported` for Astra, `Invalid` for settings that contradict each other.
pub(super) fn store(config: &RepoConfig, settings: &CassandraStore) -> Result<CqlStore> {
    if settings.secure_bundle_path.is_some() {
        return Err(Error::unsupported("online_store.secure_bundle_path: Astra cannot be used")
            .with_hint("give the hosts of a Cassandra cluster"));
    }
    if settings.write_timestamp == CassandraWriteTimestamp::EventTime && !config.guard {
        return Err(Error::invalid(
            "online_store.write_timestamp: event_time and guard: false contradict each other",
        )
        .with_hint("rows written last can only win by write_timestamp: wall_clock"));
    }
    CqlStore::new(cql_config(settings)?)
}

fn cql_config(settings: &CassandraStore) -> Result<CqlConfig> {
    let flavour = if settings.scylla { CqlFlavour::ScyllaDb } else { CqlFlavour::Cassandra };
    let defaults = CqlConfig::new(flavour, &settings.hosts);
    let login = settings.username.as_ref().zip(settings.password.as_ref());
    let seconds = settings.request_timeout.and_then(|it| Duration::try_from_secs_f64(it).ok());
    Ok(CqlConfig {
        port: settings.port,
        keyspace: settings.keyspace.clone(),
        credentials: login.map(|(username, password)| CqlCredentials {
            username: username.clone(),
            password: password.expose().clone(),
        }),
        read_dc: settings.read_dc.clone(),
        write_dc: settings.write_dc.clone(),
        read_consistency: settings.read_consistency.parse()?,
        write_consistency: settings.write_consistency.parse()?,
        request_timeout: seconds.unwrap_or(defaults.request_timeout),
        read_concurrency: settings.read_concurrency as usize,
        write_concurrency: settings.write_concurrency as usize,
        write_timestamp: match settings.write_timestamp {
            CassandraWriteTimestamp::WallClock => WriteTimestamp::WallClock,
            CassandraWriteTimestamp::EventTime => WriteTimestamp::EventTime,
        },
        ..defaults
    })
}
