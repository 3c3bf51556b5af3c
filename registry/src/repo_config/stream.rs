//! The `stream` section of `larder.yaml`.

use std::collections::BTreeMap;

use larder_core::Result;
use larder_object_storage::ObjectUri;

use super::reader::Reader;
use super::secret::Secret;
use crate::yaml::Value;

/// Where stream jobs find their events.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StreamConfig {
    /// The Kafka cluster; `None` when none is named.
    pub kafka: Option<KafkaConfig>,
    /// Where the state of jobs over topics is kept: `s3://bucket/prefix` or a folder; `None` is the repository's own.
    pub state: Option<String>,
}

/// The `kafka` section. Names are Kafka's, with underscores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaConfig {
    /// Brokers as `host:port`, separated by commas; `None` leaves it to sources that name their own.
    pub bootstrap_servers: Option<String>,
    /// `plaintext`, `ssl`, `sasl_plaintext` or `sasl_ssl`.
    pub security_protocol: &'static str,
    /// `PLAIN`, `SCRAM-SHA-256`, `SCRAM-SHA-512` or `OAUTHBEARER`.
    pub sasl_mechanism: Option<String>,
    /// User.
    pub sasl_username: Option<String>,
    /// Password of the user.
    pub sasl_password: Option<Secret<String>>,
    /// PEM file of the authorities that the brokers' certificates are of; those of the system when left out.
    pub ssl_ca_location: Option<String>,
    /// PEM file of the client's certificate.
    pub ssl_certificate_location: Option<String>,
    /// PEM file of the client's key.
    pub ssl_key_location: Option<String>,
    /// Password of that file.
    pub ssl_key_password: Option<Secret<String>>,
    /// Copies of every partition of topics that are made here.
    pub replication: i32,
    /// Further properties under librdkafka's names.
    pub properties: BTreeMap<String, Secret<String>>,
}

/// As the configuration writes them, and as the client knows them.
const PROTOCOLS: [(&str, &str); 8] = [
    ("plaintext", "plaintext"),
    ("ssl", "ssl"),
    ("sasl_plaintext", "sasl_plaintext"),
    ("sasl_ssl", "sasl_ssl"),
    ("PLAINTEXT", "plaintext"),
    ("SSL", "ssl"),
    ("SASL_PLAINTEXT", "sasl_plaintext"),
    ("SASL_SSL", "sasl_ssl"),
];

impl StreamConfig {
    pub(super) fn read(section: &Reader<'_>) -> Result<Self> {
        let kafka = KafkaConfig::read(&section.child("kafka")?)?;
        let state = section.optional_text("state")?;
        if let Some(state) = &state {
            check_state(section, state)?;
        }
        section.finish()?;
        Ok(Self { kafka, state })
    }
}

/// Refuses what is neither an object store that can be used nor a folder.
fn check_state(section: &Reader<'_>, state: &str) -> Result<()> {
    if ObjectUri::is_one(state) {
        return ObjectUri::parse(state)
            .map(drop)
            .map_err(|error| section.error("state", error.message()));
    }
    if state.is_empty() || state.contains("://") {
        return Err(section.error("state", "is neither s3://BUCKET/PREFIX nor a folder"));
    }
    Ok(())
}

impl KafkaConfig {
    fn read(section: &Reader<'_>) -> Result<Option<Self>> {
        if section.section().is_none() {
            return Ok(None);
        }
        let names =
            |map: &BTreeMap<String, String>| map.keys().cloned().collect::<Vec<_>>().join(",");
        let properties = section.optional("properties", Value::text_map, names)?;
        let properties = properties.unwrap_or_default().into_iter();
        let config = Self {
            bootstrap_servers: section.optional_text("bootstrap_servers")?,
            security_protocol: section.choice("security_protocol", "plaintext", &PROTOCOLS)?,
            sasl_mechanism: section.optional_text("sasl_mechanism")?,
            sasl_username: section.optional_text("sasl_username")?,
            sasl_password: section.secret("sasl_password")?,
            ssl_ca_location: section.optional_text("ssl_ca_location")?,
            ssl_certificate_location: section.optional_text("ssl_certificate_location")?,
            ssl_key_location: section.optional_text("ssl_key_location")?,
            ssl_key_password: section.secret("ssl_key_password")?,
            replication: section.number("replication", 3)?,
            properties: properties.map(|(name, value)| (name, Secret::new(value))).collect(),
        };
        config.check(section)?;
        section.finish()?;
        Ok(Some(config))
    }

    fn check(&self, section: &Reader<'_>) -> Result<()> {
        if self.replication < 1 {
            return Err(section.error("replication", "must be greater than 0"));
        }
        if self.sasl_username.is_some() != self.sasl_password.is_some() {
            let given =
                if self.sasl_username.is_some() { "sasl_username" } else { "sasl_password" };
            return Err(section.error(given, "is given alone: a login is both"));
        }
        let is_sasl = self.security_protocol.starts_with("sasl");
        if self.sasl_username.is_some() && !is_sasl {
            return Err(section
                .error("sasl_username", "needs security_protocol sasl_ssl or sasl_plaintext"));
        }
        Ok(())
    }

    /// Every property that is set, but for the brokers, under librdkafka's names.
    pub fn client_properties(&self) -> Vec<(&str, &str)> {
        let named = [
            ("sasl.mechanism", self.sasl_mechanism.as_ref()),
            ("sasl.username", self.sasl_username.as_ref()),
            ("sasl.password", self.sasl_password.as_ref().map(Secret::expose)),
            ("ssl.ca.location", self.ssl_ca_location.as_ref()),
            ("ssl.certificate.location", self.ssl_certificate_location.as_ref()),
            ("ssl.key.location", self.ssl_key_location.as_ref()),
            ("ssl.key.password", self.ssl_key_password.as_ref().map(Secret::expose)),
        ];
        let mut all = vec![("security.protocol", self.security_protocol)];
        all.extend(named.into_iter().filter_map(|(name, value)| Some((name, value?.as_str()))));
        let further = self.properties.iter();
        all.extend(further.map(|(name, value)| (name.as_str(), value.expose().as_str())));
        all
    }
}
