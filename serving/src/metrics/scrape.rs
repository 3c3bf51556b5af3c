//! The page that Prometheus scrapes.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use larder_core::{Error, Result};
use prometheus::process_collector::ProcessCollector;
use prometheus::{Registry, TextEncoder};
use tokio::sync::Semaphore;

use super::Metrics;
use crate::gate::Gate;
use crate::online::OnlineService;

/// What a page is made of.
#[derive(Debug, Clone)]
pub(crate) struct Scraped {
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) gate: Gate,
    pub(crate) online: OnlineService,
    /// Slots of connections, and how many there are.
    pub(crate) slots: (Arc<Semaphore>, usize),
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
        self.metrics.look_at_pool(self.online.store().as_ref());
        let snapshot = self.online.catalog().load();
        self.metrics.freshen(snapshot.catalog(), self.online.now());
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
