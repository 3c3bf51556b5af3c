//! The `serving` section of `larder.yaml`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use larder_core::Result;

use super::ByteSize;
use super::reader::Reader;
use super::secret::Secret;

/// Addresses, ports and limits of the servers. Ports are Feast's; 0 asks the system for a free one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServingConfig {
    /// Address to bind to.
    pub host: String,
    /// HTTP feature server.
    pub http_port: u16,
    /// gRPC feature server.
    pub grpc_port: u16,
    /// gRPC registry server.
    pub registry_port: u16,
    /// Arrow Flight offline server.
    pub offline_port: u16,
    /// Whether metrics are served; `feature_server.metrics.enabled` says so too.
    pub metrics: bool,
    /// Metrics over HTTP.
    pub metrics_port: u16,
    /// How often a server looks whether the registry changed.
    pub registry_check: Duration,
    /// How long open requests may go on after the shutdown signal.
    pub drain: Duration,
    /// Key and certificate, for servers that speak TLS.
    pub tls: Option<TlsFiles>,
    /// Limits of requests.
    pub limits: ServingLimits,
    /// Offline server.
    pub offline: OfflineServing,
}

/// What only the offline server has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfflineServing {
    /// What callers must present; `None` for nothing.
    pub token: Option<Secret<String>>,
    /// Largest message, which is the largest batch: Feast's client sends a whole table as one.
    pub message_bytes: ByteSize,
    /// Largest uploaded table.
    pub upload_bytes: ByteSize,
    /// Commands worked on at once.
    pub concurrent_commands: u32,
    /// Most tables that wait for their `DoGet`.
    pub pending: u32,
    /// Most bytes of them.
    pub pending_bytes: ByteSize,
    /// How long they wait.
    pub pending_ttl: Duration,
    /// How long open commands may go on after the shutdown signal.
    pub drain: Duration,
}

/// PEM files of a server that speaks TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// Unencrypted private key, absolute.
    pub key: PathBuf,
    /// Certificate chain, the server's own first, absolute.
    pub certificate: PathBuf,
}

/// Limits of requests; what exceeds one is refused, naming it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServingLimits {
    /// Largest request body.
    pub request_bytes: ByteSize,
    /// Most entity rows in one request.
    pub entity_rows: u32,
    /// Most rows of one bulk look-up.
    pub lookup_rows: u32,
    /// Most rows of one chunk of a bulk look-up.
    pub lookup_chunk_rows: u32,
    /// Bytes of stored values that one bulk look-up may hold.
    pub lookup_buffer_bytes: ByteSize,
    /// Time budget of one bulk look-up.
    pub lookup_timeout: Duration,
    /// Most candidates of one request for interaction features.
    pub candidates: u32,
    /// Most features in one request.
    pub features: u32,
    /// Requests worked on at once.
    pub concurrent_requests: u32,
    /// Time budget of one request.
    pub request_timeout: Duration,
    /// Most connections at once.
    pub connections: u32,
    /// Time for the TLS handshake.
    pub handshake_timeout: Duration,
    /// How long an HTTP connection may be without a complete request head.
    pub keep_alive: Duration,
    /// How long a request body may take to arrive.
    pub body_timeout: Duration,
    /// How long a client may take nothing of what is sent to it.
    pub send_timeout: Duration,
}

impl ServingConfig {
    pub(super) fn read(section: &Reader<'_>, repo_path: &Path) -> Result<Self> {
        let config = Self {
            host: section.text("host", "127.0.0.1")?,
            http_port: section.number("http_port", 6566)?,
            grpc_port: section.number("grpc_port", 6567)?,
            registry_port: section.number("registry_port", 6570)?,
            offline_port: section.number("offline_port", 8815)?,
            metrics: section.boolean("metrics", false)?,
            metrics_port: section.number("metrics_port", 8000)?,
            registry_check: Duration::from_millis(section.number("registry_check_ms", 1000)?),
            drain: Duration::from_millis(section.number("drain_ms", 10_000)?),
            tls: TlsFiles::read(&section.child("tls")?, repo_path)?,
            limits: ServingLimits::read(&section.child("limits")?)?,
            offline: OfflineServing::read(&section.child("offline")?)?,
        };
        section.finish()?;
        Ok(config)
    }
}

impl OfflineServing {
    fn read(section: &Reader<'_>) -> Result<Self> {
        let positive = |key, default| {
            let number: u32 = section.number(key, default)?;
            if number == 0 { Err(section.error(key, "must be greater than 0")) } else { Ok(number) }
        };
        let token = section.secret("token")?;
        if token.as_ref().is_some_and(|token| token.expose().trim().is_empty()) {
            return Err(section.error("token", "is empty"));
        }
        let config = Self {
            token,
            message_bytes: section.size("message_bytes", ByteSize((2 << 30) - 1))?,
            upload_bytes: section.size("upload_bytes", ByteSize(4 << 30))?,
            concurrent_commands: positive("concurrent_commands", 32)?,
            pending: section.number("pending", 64)?,
            pending_bytes: section.size("pending_bytes", ByteSize(1 << 30))?,
            pending_ttl: Duration::from_millis(positive("pending_ttl_ms", 300_000)?.into()),
            drain: Duration::from_millis(section.number("drain_ms", 60_000)?),
        };
        section.finish()?;
        Ok(config)
    }
}

impl ServingLimits {
    fn read(section: &Reader<'_>) -> Result<Self> {
        let time = |key, default| {
            let millis = section.number(key, default)?;
            if millis == 0 {
                Err(section.error(key, "must be greater than 0"))
            } else {
                Ok(Duration::from_millis(millis))
            }
        };
        let count = |key, default| {
            let count = section.number(key, default)?;
            if count == 0 { Err(section.error(key, "must be greater than 0")) } else { Ok(count) }
        };
        let limits = Self {
            request_bytes: section.size("request_bytes", ByteSize(8 << 20))?,
            entity_rows: section.number("entity_rows", 10_000)?,
            lookup_rows: section.number("lookup_rows", 10_000)?,
            lookup_chunk_rows: count("lookup_chunk_rows", 500)?,
            lookup_buffer_bytes: section.size("lookup_buffer_bytes", ByteSize(16 << 20))?,
            lookup_timeout: time("lookup_timeout_ms", 60_000)?,
            candidates: section.number("candidates", 1_000)?,
            features: section.number("features", 10_000)?,
            concurrent_requests: count("concurrent_requests", 1024)?,
            request_timeout: time("request_timeout_ms", 10_000)?,
            connections: count("connections", 16_384)?,
            handshake_timeout: time("handshake_timeout_ms", 10_000)?,
            keep_alive: time("keep_alive_ms", 30_000)?,
            body_timeout: time("body_timeout_ms", 30_000)?,
            send_timeout: time("send_timeout_ms", 30_000)?,
        };
        section.finish()?;
        Ok(limits)
    }
}

impl TlsFiles {
    fn read(section: &Reader<'_>, repo_path: &Path) -> Result<Option<Self>> {
        let (key, certificate) = (section.optional_text("key")?, section.optional_text("cert")?);
        section.finish()?;
        let alone = |given: &'static str, missing: &str| {
            section
                .error(given, format!("is of no use without {missing}"))
                .with_hint("TLS needs both: a key and its certificate, as PEM files")
        };
        match (key, certificate) {
            (Some(key), Some(certificate)) => Ok(Some(Self {
                key: repo_path.join(key),
                certificate: repo_path.join(certificate),
            })),
            (Some(_), None) => Err(alone("key", "a certificate")),
            (None, Some(_)) => Err(alone("cert", "a key")),
            (None, None) => Ok(None),
        }
    }
}
