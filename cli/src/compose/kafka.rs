//! How the brokers of stream jobs are reached.

use larder_core::{Error, Result};
use larder_registry::RepoConfig;
use larder_registry::repo_config::KafkaConfig;
use larder_stream_features::KafkaConnection;

/// The cluster of a source that names its brokers, or the one of the configuration.
///
/// # Errors
/// `Invalid` when no brokers are named, or for a property that Larder sets itself.
pub(crate) fn kafka(config: &RepoConfig, servers: Option<&str>) -> Result<KafkaConnection> {
    let kafka = config.stream.kafka.as_ref();
    let configured = kafka.and_then(|kafka| kafka.bootstrap_servers.as_deref());
    let servers = servers.or(configured).ok_or_else(|| {
        Error::invalid("no Kafka brokers are named").with_hint(
            "set stream.kafka.bootstrap_servers in larder.yaml, or FS_KAFKA_BOOTSTRAP_SERVERS",
        )
    })?;
    let mut connection = KafkaConnection::new(servers);
    for (name, value) in kafka.map(KafkaConfig::client_properties).into_iter().flatten() {
        if name.starts_with("ssl.") && name.ends_with(".location") {
            connection.set(name, &config.resolve(value).to_string_lossy())?;
        } else {
            connection.set(name, value)?;
        }
    }
    Ok(connection)
}
