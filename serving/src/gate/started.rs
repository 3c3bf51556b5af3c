//! A request from its head to its answer, counted and logged in the end, however it ends.

use std::time::{Duration, Instant};

use larder_core::ErrorKind;
use tracing::Span;

use super::{Facts, Gate};
use crate::traces;

/// How a request came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http,
    Grpc,
}

impl Protocol {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Grpc => "grpc",
        }
    }

    /// The status of a request whose client went away: nginx' 499, gRPC's own code.
    fn abandoned(self) -> &'static str {
        match self {
            Self::Http => "499",
            Self::Grpc => "CANCELLED",
        }
    }
}

/// A request that has ended.
#[derive(Debug)]
pub(crate) struct Finished<'a> {
    pub(crate) protocol: Protocol,
    /// One of a few: unknown paths share one.
    pub(crate) endpoint: &'static str,
    /// HTTP status or gRPC code.
    pub(crate) status: &'a str,
    pub(crate) took: Duration,
    pub(crate) facts: Facts,
}

/// A request that has not ended yet; when it is dropped, its client went away.
#[derive(Debug)]
pub(super) struct Started {
    gate: Gate,
    protocol: Protocol,
    pub(super) endpoint: &'static str,
    method: axum::http::Method,
    path: String,
    since: Instant,
    span: Span,
    has_ended: bool,
}

impl Started {
    pub(super) fn new<B>(
        gate: &Gate,
        protocol: Protocol,
        endpoint: &'static str,
        request: &axum::http::Request<B>,
    ) -> Self {
        /// Longer paths than this are nobody's.
        const SHOWN: usize = 200;
        let is_logged = gate.config.access_log;
        let path = if is_logged {
            request.uri().path().chars().take(SHOWN).collect()
        } else {
            String::new()
        };
        Self {
            gate: gate.clone(),
            protocol,
            endpoint,
            method: request.method().clone(),
            path,
            since: Instant::now(),
            span: traces::request(protocol, endpoint, request),
            has_ended: false,
        }
    }

    /// The request's span.
    pub(super) fn span(&self) -> Span {
        self.span.clone()
    }

    /// Counts the request and logs its line.
    pub(super) fn finish(mut self, status: &str, facts: Facts) {
        self.end(status, facts);
    }

    fn end(&mut self, status: &str, facts: Facts) {
        self.has_ended = true;
        let took = self.since.elapsed();
        let done =
            Finished { protocol: self.protocol, endpoint: self.endpoint, status, took, facts };
        if let Some(metrics) = &self.gate.metrics {
            metrics.finished(&done);
        }
        traces::finish(&self.span, &done);
        if self.gate.config.access_log {
            tracing::info!(
                target: "access",
                protocol = self.protocol.name(),
                method = self.method.as_str(),
                path = self.path,
                status,
                rows = facts.rows,
                duration_ms = took.as_secs_f64() * 1e3,
                trace_id = traces::trace_id(&self.span),
            );
        }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        if !self.has_ended {
            self.end(self.protocol.abandoned(), Facts::refused(ErrorKind::Deadline));
        }
    }
}
