//! HTTP/1.1 over accepted connections.

use std::convert::Infallible;
use std::pin::pin;

use axum::response::Response;
use futures::StreamExt as _;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::accept::Accepted;
use crate::ServerConfig;
use crate::running::stopped;

/// Serves connections until no more come, then lets open requests finish; idle connections are closed.
pub(crate) async fn serve_http<S>(mut accepted: Accepted, service: S, config: &ServerConfig)
where
    S: Service<Request<Incoming>, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    let mut protocol = http1::Builder::new();
    protocol.timer(TokioTimer::new()).header_read_timeout(config.keep_alive);
    let (close, closing) = watch::channel(false);
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            next = accepted.next() => {
                let Some(Ok(connection)) = next else { break };
                let served = protocol.serve_connection(TokioIo::new(connection), service.clone());
                let mut closing = closing.clone();
                open.spawn(async move {
                    let mut served = pin!(served.with_upgrades());
                    let ended = tokio::select! {
                        ended = served.as_mut() => ended,
                        () = stopped(&mut closing) => {
                            served.as_mut().graceful_shutdown();
                            served.await
                        }
                    };
                    if let Err(error) = ended {
                        tracing::debug!(%error, "connection ended");
                    }
                });
            }
            Some(ended) = open.join_next() => report(ended),
        }
    }
    close.send_replace(true);
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
