//! What a running server consists of, whatever it serves: listeners within limits, gate, metrics, drain.

use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use futures::future::try_join_all;
use hyper::body::Incoming;
use hyper::service::Service;
use larder_core::{Error, Result};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tonic::service::Routes;

use crate::gate::{Gate, GrpcGate};
use crate::listen::{Acceptor, Hand, Lanes, Prelude, serve_http};
use crate::metrics::{self, Metrics, Scraped, Served};
use crate::{ServerConfig, ServerTls};

/// What every listener needs.
pub(crate) struct Running {
    pub(crate) config: Arc<ServerConfig>,
    pub(crate) gate: Gate,
    pub(crate) stop: watch::Receiver<bool>,
    tls: Option<ServerTls>,
    slots: Arc<Semaphore>,
    /// Without, connections are served on the runtime that serves.
    lanes: Option<Lanes>,
}

impl Running {
    pub(crate) fn new(
        config: ServerConfig,
        metrics: Option<Arc<Metrics>>,
        tls: Option<ServerTls>,
        stop: watch::Receiver<bool>,
    ) -> Self {
        let slots = Arc::new(Semaphore::new(config.max_connections.min(Semaphore::MAX_PERMITS)));
        let config = Arc::new(config);
        let gate = Gate::new(Arc::clone(&config), metrics);
        Self { config, gate, stop, tls, slots, lanes: None }
    }

    /// The same, with lanes: for short requests, because what works long on a lane keeps its other connections waiting.
    ///
    /// # Errors
    /// As [`Lanes::open`].
    pub(crate) fn with_lanes(self) -> Result<Self> {
        let lanes = Some(Lanes::open(self.config.lanes)?);
        Ok(Self { lanes, ..self })
    }

    fn acceptor(&self, protocol: &str, prelude: Prelude) -> Result<Acceptor> {
        Ok(Acceptor {
            tls: self.tls.as_ref().map(|tls| tls.acceptor(protocol)).transpose()?,
            prelude,
            handshake_timeout: self.config.handshake_timeout,
            send_timeout: self.config.send_timeout,
            slots: Arc::clone(&self.slots),
        })
    }

    /// Serves HTTP until the signal.
    pub(crate) async fn http<S>(&self, service: S, listener: TcpListener) -> Result<()>
    where
        S: Service<hyper::Request<Incoming>, Response = Response, Error = std::convert::Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send,
    {
        let acceptor = self.acceptor("http/1.1", Prelude::None)?;
        let serve = |hand| {
            let (accepted, shaking) = acceptor.clone().take(hand, self.stop.clone());
            let (service, config) = (service.clone(), Arc::clone(&self.config));
            async move {
                tokio::join!(shaking, serve_http(accepted, service, &config));
                Ok(())
            }
        };
        self.serve(&acceptor, listener, serve).await
    }

    /// Serves gRPC until the signal, with flow-control windows of these sizes (`None`: HTTP/2's own).
    pub(crate) async fn grpc(
        &self,
        routes: Routes,
        listener: TcpListener,
        windows: Windows,
    ) -> Result<()> {
        let acceptor = self.acceptor("h2", Prelude::Http2)?;
        let serve = |hand| {
            let (accepted, shaking) = acceptor.clone().take(hand, self.stop.clone());
            let mut stop = self.stop.clone();
            let served = tonic::transport::Server::builder()
                .http2_keepalive_interval(Some(self.config.keep_alive))
                .http2_keepalive_timeout(Some(self.config.send_timeout))
                .max_concurrent_streams(MAX_STREAMS)
                .initial_stream_window_size(windows.stream)
                .initial_connection_window_size(windows.connection)
                .layer(GrpcGate(self.gate.clone()))
                .add_routes(routes.clone())
                .serve_with_incoming_shutdown(accepted, async move { stopped(&mut stop).await });
            async move {
                let ((), served) = tokio::join!(shaking, served);
                served.map_err(|error| Error::internal("gRPC listener failed").with_source(error))
            }
        };
        self.serve(&acceptor, listener, serve).await
    }

    /// Serves a listener's connections, and waits until all are done: dealt out to the lanes if there are any.
    async fn serve<F>(
        &self,
        acceptor: &Acceptor,
        listener: TcpListener,
        serve: impl Fn(Hand) -> F,
    ) -> Result<()>
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        let Some(lanes) = &self.lanes else {
            let (hands, accepting) = acceptor.deal(listener, 1, self.stop.clone());
            let served = try_join_all(hands.into_iter().map(serve));
            let (served, ()) = tokio::join!(served, accepting);
            return served.map(drop);
        };
        let (hands, accepting) = acceptor.deal(listener, lanes.len(), self.stop.clone());
        let runtimes = lanes.runtimes().zip(hands);
        let served = try_join_all(runtimes.map(|(lane, hand)| lane.spawn(serve(hand))));
        let (served, ()) = tokio::join!(served, accepting);
        let served = served.map_err(|error| Error::internal("a lane failed").with_source(error))?;
        served.into_iter().collect()
    }

    /// Serves the metrics, if there are any.
    pub(crate) async fn metrics(
        &self,
        served: Served,
        listener: Option<TcpListener>,
    ) -> Result<()> {
        let (Some(listener), Some(metrics)) = (listener, self.gate.metrics()) else {
            return Ok(());
        };
        let page = Scraped {
            metrics: Arc::clone(metrics),
            gate: self.gate.clone(),
            served,
            slots: (Arc::clone(&self.slots), self.config.max_connections),
        };
        metrics::serve_page(Arc::new(page), listener, &self.config, self.stop.clone()).await;
        Ok(())
    }

    /// Waits for the signal and then as long as open requests may take.
    pub(crate) async fn drained(&self) {
        drained(self.stop.clone(), self.config.drain).await;
        tracing::warn!("open requests were cut off at the end of the drain time");
    }
}

/// Flow-control windows of HTTP/2 in bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Windows {
    pub(crate) stream: Option<u32>,
    pub(crate) connection: Option<u32>,
}

/// Calls at once over one gRPC connection; more wait.
const MAX_STREAMS: u32 = 1024;

async fn drained(mut stop: watch::Receiver<bool>, drain: Duration) {
    stopped(&mut stop).await;
    tokio::time::sleep(drain).await;
}

/// Waits for the signal; a dropped sender counts as one.
pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stopped| *stopped).await.is_err() {
        tracing::debug!("the stop signal's sender is gone");
    }
}
