//! The page that Prometheus scrapes.

use std::fmt::Debug;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures::future::join_all;
use hyper_util::service::TowerToHyperService;
use larder_core::{Clock, Error, Result};
use larder_online_store::OnlineStore;
use prometheus::process_collector::ProcessCollector;
use prometheus::{Registry, TextEncoder};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

use super::Metrics;
use crate::gate::Gate;
use crate::listen::{Acceptor, Prelude, serve_http};
use crate::{ServerConfig, SharedCatalog};

/// Scrapers at once.
const CONNECTIONS: usize = 16;

/// What is scraped.
pub(crate) trait Page: Debug + Send + Sync {
    /// The page as it is now.
    ///
    /// # Errors
    /// `Internal` when it cannot be written.
    fn text(&self) -> Result<String>;
}

/// What a page is made of.
#[derive(Debug, Clone)]
pub(crate) struct Scraped {
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) gate: Gate,
    pub(crate) served: Served,
    /// Slots of connections, and how many there are.
    pub(crate) slots: (Arc<Semaphore>, usize),
}

/// What a server serves from, as far as it is measured when it is looked at.
#[derive(Debug, Clone)]
pub(crate) struct Served {
    pub(crate) catalog: SharedCatalog,
    pub(crate) clock: Arc<dyn Clock>,
    /// `None` for a server without one.
    pub(crate) online: Option<Arc<dyn OnlineStore>>,
}

/// Serves a page until the signal. It has slots of its own: a full server can still be looked at.
pub(crate) async fn serve_page(
    page: Arc<dyn Page>,
    listener: TcpListener,
    config: &ServerConfig,
    stop: watch::Receiver<bool>,
) {
    let acceptor = Acceptor {
        tls: None,
        prelude: Prelude::None,
        handshake_timeout: config.handshake_timeout,
        send_timeout: config.send_timeout,
        slots: Arc::new(Semaphore::new(CONNECTIONS)),
    };
    let service = TowerToHyperService::new(router(page));
    let (hands, accepting) = acceptor.deal(listener, 1, stop.clone());
    let served = hands.into_iter().map(|hand| {
        let (accepted, shaking) = acceptor.clone().take(hand, stop.clone());
        let served = serve_http(accepted, service.clone(), config);
        async { tokio::join!(shaking, served) }
    });
    tokio::join!(accepting, join_all(served));
}

/// Answers `/metrics`, and as Feast's server every other path.
fn router(page: Arc<dyn Page>) -> Router {
    Router::new().fallback(get(answer)).with_state(page)
}

async fn answer(State(page): State<Arc<dyn Page>>) -> Response {
    match page.text() {
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => {
            crate::status::log_server_fault(&error);
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Everything in a registry.
pub(super) fn text(registry: &Registry) -> Result<String> {
    TextEncoder::new()
        .encode_to_string(&registry.gather())
        .map_err(|error| Error::internal("the metrics cannot be written").with_source(error))
}

impl Page for Scraped {
    fn text(&self) -> Result<String> {
        let (slots, all) = &self.slots;
        let open = all.saturating_sub(slots.available_permits());
        self.metrics.connections.set(i64::try_from(open).unwrap_or(i64::MAX));
        let busy = self.gate.in_flight();
        self.metrics.in_flight.set(i64::try_from(busy).unwrap_or(i64::MAX));
        let Served { catalog, clock, online } = &self.served;
        if let Some(online) = online {
            self.metrics.look_at_pool(online.as_ref());
        }
        self.metrics.freshen(catalog.load().catalog(), clock.now());
        text(&self.metrics.registry)
    }
}

/// CPU, memory, file descriptors and start of this process.
pub(super) fn register_process(registry: &Registry) -> Result<()> {
    registry
        .register(Box::new(ProcessCollector::for_self()))
        .map_err(|error| Error::internal("a metric cannot be registered").with_source(error))
}
