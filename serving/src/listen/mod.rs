//! Sockets: bound before anything starts, accepted within limits, encrypted if asked for.

mod accept;
mod connection;
mod http;
mod tls;

use std::net::SocketAddr;

use larder_core::{Error, ErrorKind, Result};
use tokio::net::TcpListener;

pub(crate) use accept::{Acceptor, Prelude};
pub(crate) use http::serve_http;
pub use tls::ServerTls;

/// Bound sockets; binding is apart from serving, so that a taken port is known before anything starts.
#[derive(Debug)]
pub struct Listeners {
    pub(crate) http: Option<TcpListener>,
    pub(crate) grpc: Option<TcpListener>,
    pub(crate) tls: Option<ServerTls>,
}

impl Listeners {
    /// Binds the addresses given; port 0 takes a free one.
    ///
    /// # Errors
    /// `Unavailable` naming the address that cannot be bound.
    pub async fn bind(http: Option<SocketAddr>, grpc: Option<SocketAddr>) -> Result<Self> {
        Ok(Self { http: bind(http).await?, grpc: bind(grpc).await?, tls: None })
    }

    /// Speaks TLS, and nothing else, on every socket.
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
