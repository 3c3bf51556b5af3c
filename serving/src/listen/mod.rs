//! Sockets: bound before anything starts, accepted within limits, encrypted if asked for.

mod accept;
mod connection;
mod http;
mod lanes;
mod outgoing;
mod stream;
mod tls;

use std::net::SocketAddr;

use larder_core::{Error, ErrorKind, Result};
use tokio::net::TcpListener;

pub(crate) use accept::{Acceptor, Hand, Prelude};
pub(crate) use http::serve_http;
pub(crate) use lanes::Lanes;
pub use tls::ServerTls;

/// Bound sockets; binding is apart from serving, so that a taken port is known before anything starts.
#[derive(Debug)]
pub struct Listeners {
    pub(crate) http: Option<TcpListener>,
    pub(crate) grpc: Option<TcpListener>,
    pub(crate) metrics: Option<TcpListener>,
    pub(crate) tls: Option<ServerTls>,
}

/// Where to listen; what has no address is not served, port 0 takes a free one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Addresses {
    /// HTTP feature server.
    pub http: Option<SocketAddr>,
    /// gRPC feature server.
    pub grpc: Option<SocketAddr>,
    /// Metrics, always over plain HTTP.
    pub metrics: Option<SocketAddr>,
}

impl Listeners {
    /// Binds the addresses given.
    ///
    /// # Errors
    /// `Unavailable` naming the address that cannot be bound.
    pub async fn bind(addresses: Addresses) -> Result<Self> {
        Ok(Self {
            http: bind(addresses.http).await?,
            grpc: bind(addresses.grpc).await?,
            metrics: bind(addresses.metrics).await?,
            tls: None,
        })
    }

    /// Speaks TLS, and nothing else, over HTTP and gRPC.
    pub fn with_tls(self, tls: Option<ServerTls>) -> Self {
        Self { tls, ..self }
    }

    /// Address of the HTTP listener.
    pub fn http(&self) -> Option<SocketAddr> {
        self.http.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    /// Address of the gRPC listener.
    pub fn grpc(&self) -> Option<SocketAddr> {
        self.grpc.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    /// Address of the metrics listener.
    pub fn metrics(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().and_then(|listener| listener.local_addr().ok())
    }
}

async fn bind(address: Option<SocketAddr>) -> Result<Option<TcpListener>> {
    let Some(address) = address else { return Ok(None) };
    let listener = TcpListener::bind(address).await.map_err(|error| {
        Error::new(ErrorKind::Unavailable, format!("cannot listen on {address}"))
            .with_source(error)
            .with_hint("choose another port, or end the process that listens there")
    })?;
    Ok(Some(listener))
}
