//! HTTP/1.1 over accepted connections.

use std::convert::Infallible;

use axum::response::Response;
use futures::StreamExt as _;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::task::JoinSet;

use super::accept::Accepted;
use crate::ServerConfig;

/// Serves connections until no more come, then lets open requests finish; idle connections are closed.
pub(crate) async fn serve_http<S>(mut accepted: Accepted, service: S, config: &ServerConfig)
where
    S: Service<Request<Incoming>, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    let mut protocol = http1::Builder::new();
    protocol.timer(TokioTimer::new()).header_read_timeout(config.keep_alive);
    let graceful = GracefulShutdown::new();
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            next = accepted.next() => {
                let Some(Ok(connection)) = next else { break };
                let served = protocol.serve_connection(TokioIo::new(connection), service.clone());
                let served = graceful.watch(served);
                open.spawn(async move {
                    if let Err(error) = served.await {
                        tracing::debug!(%error, "connection ended");
                    }
                });
            }
            Some(ended) = open.join_next() => report(ended),
        }
    }
    graceful.shutdown().await;
    while let Some(ended) = open.join_next().await {
        report(ended);
    }
}

/// A handler that panicked takes its connection along; nothing else.
fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a connection failed");
    }
}
