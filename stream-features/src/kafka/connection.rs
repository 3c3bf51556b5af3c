//! How brokers are reached.

use std::collections::BTreeMap;
use std::fmt;

use larder_core::{Error, Result};
use rdkafka::ClientConfig;

/// What makes every event count once; nobody else may set it.
const OWN: [&str; 14] = [
    "acks",
    "auto.offset.reset",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.gapless.guarantee",
    "enable.idempotence",
    "enable.partition.eof",
    "group.id",
    "group.instance.id",
    "group.protocol",
    "isolation.level",
    "partition.assignment.strategy",
    "request.required.acks",
    "transactional.id",
];

/// Addresses of brokers and what clients must know to be let in. Printing it shows no values but the addresses.
#[derive(Clone, PartialEq, Eq)]
pub struct KafkaConnection {
    servers: String,
    properties: BTreeMap<String, String>,
}

impl KafkaConnection {
    /// Brokers as `host:port`, separated by commas, without encryption and login.
    pub fn new(servers: &str) -> Self {
        Self { servers: servers.to_owned(), properties: BTreeMap::new() }
    }

    /// Sets a property under librdkafka's name, which is Kafka's own for most of them.
    ///
    /// # Errors
    /// `Invalid` for a property that Larder sets itself.
    pub fn set(&mut self, name: &str, value: &str) -> Result<()> {
        if OWN.contains(&name) {
            let message = format!("the Kafka property \"{name}\" cannot be set");
            return Err(Error::invalid(message)
                .with_hint("it is a part of how every event is made to count once"));
        }
        self.properties.insert(name.to_owned(), value.to_owned());
        Ok(())
    }

    /// The brokers.
    pub fn servers(&self) -> &str {
        &self.servers
    }

    /// What every client is told.
    pub(super) fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("client.id", "larder");
        for (name, value) in &self.properties {
            config.set(name, value);
        }
        config.set("bootstrap.servers", &self.servers);
        config
    }

    /// The value of a property, if it is set.
    pub(super) fn property(&self, name: &str) -> Option<&str> {
        self.properties.get(name).map(String::as_str)
    }
}

impl fmt::Debug for KafkaConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.properties.keys().map(String::as_str).collect();
        f.debug_struct("KafkaConnection")
            .field("servers", &self.servers)
            .field("properties", &names)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use larder_core::ErrorKind;

    use super::*;

    #[test]
    fn what_makes_events_count_once_cannot_be_set_and_no_value_is_printed() {
        let mut connection = KafkaConnection::new("broker:9092");
        connection.set("sasl.password", "opensesame").unwrap();
        assert!(!format!("{connection:?}").contains("opensesame"));
        let error = connection.set("isolation.level", "read_uncommitted").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert_eq!(connection.client().get("sasl.password"), Some("opensesame"));
        assert_eq!(connection.client().get("isolation.level"), None);
    }
}
