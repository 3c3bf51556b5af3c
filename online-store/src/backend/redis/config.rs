//! Settings of the Redis store.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use larder_core::Result;

use super::connection_string;

/// Where Redis is and how to use it; plain data.
#[derive(Debug, Clone, PartialEq)]
pub struct RedisConfig {
    /// What kind of Redis `nodes` are.
    pub topology: RedisTopology,
    /// Addresses, at least one. A single Redis is the first of them, as in Feast.
    pub nodes: Vec<RedisNode>,
    /// User and password.
    pub credentials: RedisCredentials,
    /// Number of the database.
    pub database: i64,
    /// TLS, when the server speaks it.
    pub tls: Option<RedisTls>,
    /// How long making a connection may take.
    pub connect_timeout: Duration,
    /// How long an answer may take.
    pub response_timeout: Duration,
    /// Connections to a server, over which requests are dealt: of each kind so many, to every node of a cluster.
    pub connections: usize,
    /// Pipelines that may wait for an answer at one time; more than these wait for their turn.
    pub max_in_flight: usize,
    /// Whether replicas of a cluster may answer reads.
    pub read_from_replicas: bool,
    /// How rows are laid out.
    pub layout: RedisLayout,
    /// Seconds after which a row goes, counted from the last write that was accepted under its key.
    pub key_ttl_seconds: Option<u32>,
    /// Whether `update` looks for the rows of removed views (Feast: `full_scan_for_deletion`).
    pub remove_rows: bool,
    /// Which of two rows wins.
    pub guard: RedisGuard,
}

impl RedisConfig {
    /// The Redis of a connection string as Feast writes it: `host:port` and `option=value`, separated by commas.
    ///
    /// One second to connect and three to answer unless the string says otherwise.
    ///
    /// # Errors
    /// `Invalid` for addresses and options that Feast's client would refuse as well; `Unsupported` for options that
    /// only Feast's client knows and that change what is connected to.
    pub fn new(topology: RedisTopology, connection_string: &str) -> Result<Self> {
        let mut config = Self {
            topology,
            nodes: Vec::new(),
            credentials: RedisCredentials::default(),
            database: 0,
            tls: None,
            connect_timeout: Duration::from_secs(1),
            response_timeout: Duration::from_secs(3),
            connections: std::thread::available_parallelism().map_or(2, |cores| cores.get().max(2)),
            max_in_flight: 256,
            read_from_replicas: false,
            layout: RedisLayout::default(),
            key_ttl_seconds: None,
            remove_rows: true,
            guard: RedisGuard::default(),
        };
        connection_string::read_into(connection_string, &mut config)?;
        Ok(config)
    }
}

/// What kind of Redis it is (Feast: `redis_type`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RedisTopology {
    /// One server.
    Single,
    /// A cluster; the nodes are those to ask first.
    Cluster,
    /// The nodes are sentinels, which know the master of this name.
    Sentinel {
        /// Feast: `sentinel_master`.
        master: String,
    },
}

/// The address of a server.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RedisNode {
    /// Name or IPv4 address.
    pub host: String,
    /// Port.
    pub port: u16,
}

impl fmt::Display for RedisNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// How rows are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RedisLayout {
    /// Feast's: one hash field per feature.
    #[default]
    Feast,
    /// One hash field per view that holds the whole row; Feast does not read it.
    Packed,
}

/// Which of two rows wins when a write asks for the event-time guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RedisGuard {
    /// The later one, as the guard says.
    #[default]
    EventTime,
    /// Feast's own rule: of rows with the same time the first, and a stored time at or before 1970 protects nothing.
    /// In the packed layout, which Feast does not know, as `EventTime`.
    Feast,
    /// The row written last (Feast: `skip_dedup: true`).
    Off,
}

/// Who logs in. Never printed.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct RedisCredentials {
    /// User; Redis's `default` when there is none.
    pub username: Option<String>,
    /// Password.
    pub password: Option<String>,
}

impl fmt::Debug for RedisCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// How a server and a client prove who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisTls {
    /// File of the authorities to trust; the system's when there is none.
    pub authorities: Option<PathBuf>,
    /// Files of the client's certificate and its key.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// Whether the server's certificate is checked at all.
    pub verify: bool,
    /// Whether it must be for the server's name.
    pub verify_name: bool,
}

impl Default for RedisTls {
    fn default() -> Self {
        Self { authorities: None, identity: None, verify: true, verify_name: true }
    }
}
