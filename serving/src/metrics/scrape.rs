//! The page that Prometheus scrapes.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use larder_core::{Clock, Error, Result};
use larder_online_store::OnlineStore;
use prometheus::process_collector::ProcessCollector;
use prometheus::{Registry, TextEncoder};
use tokio::sync::Semaphore;

use super::Metrics;
use crate::SharedCatalog;
use crate::gate::Gate;

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

/// Answers `/metrics`, and as Feast's server every other path.
pub(crate) fn router(scraped: Scraped) -> Router {
    Router::new().fallback(get(page)).with_state(scraped)
}

async fn page(State(scraped): State<Scraped>) -> Response {
    match scraped.text() {
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => {
            crate::status::log_server_fault(&error);
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

impl Scraped {
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
        TextEncoder::new()
            .encode_to_string(&self.metrics.registry.gather())
            .map_err(|error| Error::internal("the metrics cannot be written").with_source(error))
    }
}

/// CPU, memory, file descriptors and start of this process.
pub(super) fn register_process(registry: &Registry) -> Result<()> {
    registry
        .register(Box::new(ProcessCollector::for_self()))
        .map_err(|error| Error::internal("a metric cannot be registered").with_source(error))
}
