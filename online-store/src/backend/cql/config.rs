//! Settings of the CQL store.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use larder_core::{Error, Result};
use scylla::statement::Consistency;

/// Whose tables and rules: Feast has one store for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CqlFlavour {
    /// `type: cassandra`: the keyspace must exist, rows never expire, created times are not stored.
    Cassandra,
    /// `type: scylladb`: `update` makes the keyspace, rows expire with the view's ttl, created times are stored.
    ScyllaDb,
}

impl CqlFlavour {
    /// The store's type in configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cassandra => "cassandra",
            Self::ScyllaDb => "scylladb",
        }
    }
}

/// The write time that decides which of two values of a feature the database keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WriteTimestamp {
    /// When it was written, as Feast does: the last write wins, whatever its event time.
    #[default]
    WallClock,
    /// The row's event time, in microseconds: an older value never replaces a newer one.
    ///
    /// Only for tables that Feast does not write: its wall-clock times are later than almost every event time, so a row
    /// that Feast wrote once would hide all of ours.
    EventTime,
}

/// How many replicas must answer, by its name in CQL, for instance `LOCAL_QUORUM`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CqlConsistency(pub(super) Consistency);

/// The levels that reads and writes of rows can have.
const LEVELS: [(&str, Consistency); 8] = [
    ("ONE", Consistency::One),
    ("TWO", Consistency::Two),
    ("THREE", Consistency::Three),
    ("QUORUM", Consistency::Quorum),
    ("ALL", Consistency::All),
    ("LOCAL_ONE", Consistency::LocalOne),
    ("LOCAL_QUORUM", Consistency::LocalQuorum),
    ("EACH_QUORUM", Consistency::EachQuorum),
];

impl FromStr for CqlConsistency {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = LEVELS.iter().find(|(name, _)| *name == text);
        found.map(|&(_, level)| Self(level)).ok_or_else(|| {
            let names: Vec<&str> = LEVELS.iter().map(|&(name, _)| name).collect();
            Error::invalid(format!("\"{text}\" is no consistency level"))
                .with_hint(format!("use one of {}", names.join(", ")))
        })
    }
}

impl fmt::Display for CqlConsistency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = LEVELS.iter().find(|(_, level)| *level == self.0).map_or("", |&(name, _)| name);
        f.write_str(name)
    }
}

/// A user and a password, which is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct CqlCredentials {
    /// User.
    pub username: String,
    /// Password.
    pub password: String,
}

impl fmt::Debug for CqlCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CqlCredentials").field("username", &self.username).finish_non_exhaustive()
    }
}

/// A cluster and how to use it; plain data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CqlConfig {
    /// Whose tables and rules.
    pub flavour: CqlFlavour,
    /// Names or addresses of some nodes; the others are learnt from these.
    pub hosts: Vec<String>,
    /// Port of every node.
    pub port: u16,
    /// Keyspace, as it is written in quotes.
    pub keyspace: String,
    /// Login, when the cluster wants one.
    pub credentials: Option<CqlCredentials>,
    /// Data center whose nodes answer reads; `None` for any.
    pub read_dc: Option<String>,
    /// Data center whose nodes take writes; `None` for any.
    pub write_dc: Option<String>,
    /// Replicas that answer a read.
    pub read_consistency: CqlConsistency,
    /// Replicas that confirm a write.
    pub write_consistency: CqlConsistency,
    /// How long one statement may take, retries included; also the time for connecting.
    pub request_timeout: Duration,
    /// Statements in flight while reading, over all calls; at least 1.
    pub read_concurrency: usize,
    /// Statements in flight while writing, over all calls; at least 1.
    pub write_concurrency: usize,
    /// What decides between two values of a feature.
    pub write_timestamp: WriteTimestamp,
}

impl CqlConfig {
    /// Feast's defaults for this flavour: port 9042, `feast_keyspace`, 10 seconds, 100 statements in flight, and
    /// `LOCAL_ONE` on Cassandra, `LOCAL_QUORUM` on `ScyllaDB`.
    pub fn new(flavour: CqlFlavour, hosts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let consistency = CqlConsistency(match flavour {
            CqlFlavour::Cassandra => Consistency::LocalOne,
            CqlFlavour::ScyllaDb => Consistency::LocalQuorum,
        });
        Self {
            flavour,
            hosts: hosts.into_iter().map(Into::into).collect(),
            port: 9042,
            keyspace: "feast_keyspace".to_owned(),
            credentials: None,
            read_dc: None,
            write_dc: None,
            read_consistency: consistency,
            write_consistency: consistency,
            request_timeout: Duration::from_secs(10),
            read_concurrency: 100,
            write_concurrency: 100,
            write_timestamp: WriteTimestamp::WallClock,
        }
    }

    /// Nodes as the driver takes them.
    pub(super) fn addresses(&self) -> Vec<String> {
        let address = |host: &String| {
            if host.contains(':') && !host.starts_with('[') {
                format!("[{host}]:{}", self.port) // IPv6
            } else {
                format!("{host}:{}", self.port)
            }
        };
        self.hosts.iter().map(address).collect()
    }
}

#[cfg(test)]
mod tests {
    use larder_core::ErrorKind;

    use super::*;

    #[test]
    fn consistency_levels_are_read_by_their_names_in_cql() {
        for (name, _) in LEVELS {
            assert_eq!(name.parse::<CqlConsistency>().unwrap().to_string(), name);
        }
        for odd in ["local_quorum", "SERIAL", "ANY", ""] {
            assert_eq!(odd.parse::<CqlConsistency>().unwrap_err().kind(), ErrorKind::Invalid);
        }
    }

    #[test]
    fn a_password_is_not_printed() {
        let mut config = CqlConfig::new(CqlFlavour::Cassandra, ["a"]);
        config.credentials =
            Some(CqlCredentials { username: "user".to_owned(), password: "secret".to_owned() });
        let text = format!("{config:?}");
        assert!(text.contains("user") && !text.contains("secret"), "{text}");
    }

    #[test]
    fn every_address_gets_the_port() {
        let config = CqlConfig::new(CqlFlavour::Cassandra, ["node", "10.0.0.1", "::1", "[::2]"]);
        assert_eq!(config.addresses(), ["node:9042", "10.0.0.1:9042", "[::1]:9042", "[::2]:9042"]);
    }
}
