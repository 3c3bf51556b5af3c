//! What an operator can set about serving.

use std::time::Duration;

use larder_core::Compat;
use larder_online_store::WriteGuard;

use crate::OfflineBatching;

/// Settings of the feature service; data only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceConfig {
    /// Whether Feast's own answers are given where they are wrong.
    pub compat: Compat,
    /// Largest number of entity rows of one request.
    pub max_rows: usize,
    /// Largest number of rows of one bulk look-up.
    pub max_lookup_rows: usize,
    /// Largest number of rows of one chunk of a bulk look-up.
    pub lookup_chunk_rows: usize,
    /// Bytes of stored values that one bulk look-up may hold; a row that is wider is held alone.
    pub lookup_buffer_bytes: usize,
    /// Largest number of candidates of one request for interaction features.
    pub max_candidates: usize,
    /// Largest number of features of one request, inputs of on-demand views included.
    pub max_features: usize,
    /// Largest number of rows of one push.
    pub max_push_rows: usize,
    /// Rows that are pushed to batch sources over HTTP wait for others; written at once without.
    pub offline_batching: Option<OfflineBatching>,
    /// Whether a view is served while it is being materialized. Feast 0.67 refuses by default.
    pub serve_while_materializing: bool,
    /// Version of the entity key layout, 2 or 3.
    pub entity_key_version: u32,
    /// Whether an older row is kept from replacing a newer one.
    pub guard: WriteGuard,
    /// How far before the end of the last run an incremental materialization reads, for rows that came late.
    pub overlap: Duration,
}

impl Default for ServiceConfig {
    fn default() -> Self {
        Self {
            compat: Compat::Larder,
            max_rows: 10_000,
            max_lookup_rows: 10_000,
            lookup_chunk_rows: 500,
            lookup_buffer_bytes: 16 << 20,
            max_candidates: 1_000,
            max_features: 10_000,
            max_push_rows: 100_000,
            offline_batching: None,
            serve_while_materializing: true,
            entity_key_version: 3,
            guard: WriteGuard::EventTime,
            overlap: Duration::ZERO,
        }
    }
}

/// Settings of the listeners; data only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerConfig {
    /// Threads that serve connections, each its own.
    pub lanes: usize,
    /// Largest request body in bytes, HTTP and gRPC.
    pub max_body_bytes: usize,
    /// Requests worked on at once, HTTP and gRPC together; more are told to come back.
    pub max_concurrent_requests: usize,
    /// Most connections at once, HTTP and gRPC together; further clients wait to be accepted.
    pub max_connections: usize,
    /// Time budget of one request.
    pub request_timeout: Duration,
    /// Time budget of one bulk look-up, from its beginning to the end of its stream.
    pub lookup_timeout: Duration,
    /// Time for the TLS handshake, and over gRPC for the first bytes of HTTP/2.
    pub handshake_timeout: Duration,
    /// How long an HTTP connection may be without a complete request head.
    pub keep_alive: Duration,
    /// How long the body of an HTTP request may take to arrive.
    pub body_timeout: Duration,
    /// How long a client may take no byte of what is sent to it.
    pub send_timeout: Duration,
    /// How long open requests may go on after the shutdown signal.
    pub drain: Duration,
    /// How often the registry is looked at for changes.
    pub registry_poll: Duration,
    /// Whether every request is logged (target `access`, level info).
    pub access_log: bool,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            lanes: std::thread::available_parallelism().map_or(1, usize::from),
            max_body_bytes: 8 << 20,
            max_concurrent_requests: 1024,
            max_connections: 16_384,
            request_timeout: Duration::from_secs(10),
            lookup_timeout: Duration::from_mins(1),
            handshake_timeout: Duration::from_secs(10),
            keep_alive: Duration::from_secs(30),
            body_timeout: Duration::from_secs(30),
            send_timeout: Duration::from_secs(30),
            drain: Duration::from_secs(10),
            registry_poll: Duration::from_millis(500),
            access_log: true,
        }
    }
}
