//! Options of the online stores.

use std::path::PathBuf;

use super::ByteSize;
use super::secret::Secret;

/// LMDB in a folder: Larder's default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddedStore {
    /// Folder, absolute.
    pub path: PathBuf,
    /// Address space to start with; it grows by itself.
    pub map_size: ByteSize,
    /// Whether a write is on disk before it is acknowledged.
    pub sync: bool,
}

/// Feast's SQLite layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteStore {
    /// File, absolute.
    pub path: PathBuf,
    /// Whether vectors are stored for search.
    pub vector_enabled: bool,
    /// Whether tables have the numeric column `value_num` (`enable_openai_compatible_store`).
    pub value_num: bool,
    /// Whether the first write turns the file's journal into a write-ahead log.
    pub write_ahead_log: bool,
    /// Address space for reading the file without copies; 0 reads through the operating system.
    pub map_size: ByteSize,
}

/// Which Redis it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedisClientKind {
    /// One server.
    Redis,
    /// A cluster.
    Cluster,
    /// Sentinels that name the master.
    Sentinel,
}

/// How rows are laid out in Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedisLayout {
    /// Feast's: one hash field per feature.
    Feast,
    /// One hash field per view holding the whole row; only Larder reads it.
    Packed,
}

/// Feast's Redis layout, or Larder's packed one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisStore {
    /// Which Redis it is.
    pub kind: RedisClientKind,
    /// Hosts and options as Feast writes them: `host:6379,ssl=true,password=...`.
    pub connection_string: Secret<String>,
    /// Expiry of keys, if any.
    pub key_ttl_seconds: Option<u32>,
    /// Whether teardown scans all keys.
    pub full_scan_for_deletion: bool,
    /// Whether writes skip the event-time check inside a batch.
    pub skip_dedup: bool,
    /// Name of the master when sentinels are used.
    pub sentinel_master: String,
    /// How rows are laid out.
    pub layout: RedisLayout,
}

/// The write time that decides between two values of a feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CassandraWriteTimestamp {
    /// When it was written, as in Feast.
    WallClock,
    /// The row's event time.
    EventTime,
}

/// Feast's CQL layout on Cassandra or `ScyllaDB`.
#[derive(Debug, Clone, PartialEq)]
pub struct CassandraStore {
    /// Whether the type was `scylladb`.
    pub scylla: bool,
    /// Contact points, of all data centers.
    pub hosts: Vec<String>,
    /// Bundle of an Astra database, which Larder cannot use.
    pub secure_bundle_path: Option<String>,
    /// Port.
    pub port: u16,
    /// Keyspace.
    pub keyspace: String,
    /// User, if any.
    pub username: Option<String>,
    /// Password, if any.
    pub password: Option<Secret<String>>,
    /// Data center that reads prefer.
    pub read_dc: Option<String>,
    /// Data center that writes prefer.
    pub write_dc: Option<String>,
    /// Consistency level of reads, as CQL writes it.
    pub read_consistency: &'static str,
    /// Consistency level of writes, as CQL writes it.
    pub write_consistency: &'static str,
    /// Seconds after which a request is given up.
    pub request_timeout: Option<f64>,
    /// Requests in flight while reading.
    pub read_concurrency: u32,
    /// Requests in flight while writing.
    pub write_concurrency: u32,
    /// What decides between two values of a feature.
    pub write_timestamp: CassandraWriteTimestamp,
}

/// Another feature server.
#[derive(Debug, Clone, PartialEq)]
pub struct RemoteStore {
    /// URL.
    pub path: String,
    /// Certificate; empty when none.
    pub cert: String,
    /// Connections kept open.
    pub connection_pool_size: u32,
    /// Seconds an idle connection is kept.
    pub connection_idle_timeout: u32,
    /// Retries.
    pub connection_retries: u32,
    /// Seconds within which a connection must be made.
    pub connect_timeout: f64,
    /// Seconds after which a request is given up.
    pub request_timeout: f64,
    /// Keys or rows of one request.
    pub rows_per_request: u32,
}

/// A store of Feast's that Larder cannot use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherStore {
    /// The type as written.
    pub kind: String,
}

/// The options that Feast 0.67 knows for a type; `None` for types whose options Larder does not know.
pub(super) fn feast_keys(kind: &str) -> Option<&'static [&'static str]> {
    Some(match kind {
        "sqlite" | "feast.infra.online_stores.sqlite.SqliteOnlineStore" => &[
            "type",
            "path",
            "text_search_enabled",
            "enable_openai_compatible_store",
            "vector_enabled",
            "similarity",
        ],
        "redis" => &[
            "type",
            "redis_type",
            "client",
            "sentinel_master",
            "connection_string",
            "key_ttl_seconds",
            "full_scan_for_deletion",
            "skip_dedup",
        ],
        "cassandra" => &[
            "type",
            "hosts",
            "secure_bundle_path",
            "port",
            "keyspace",
            "username",
            "password",
            "protocol_version",
            "request_timeout",
            "datacenters",
            "routing",
            "load_balancing",
            "read_concurrency",
            "write_concurrency",
        ],
        "scylladb" => &[
            "type",
            "hosts",
            "port",
            "keyspace",
            "username",
            "password",
            "local_dc",
            "request_timeout",
            "read_concurrency",
            "write_concurrency",
            "vector_similarity_function",
        ],
        "remote" => &[
            "type",
            "path",
            "cert",
            "connection_pool_size",
            "connection_idle_timeout",
            "connection_retries",
        ],
        _ => return None,
    })
}
