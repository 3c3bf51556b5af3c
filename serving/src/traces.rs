//! Spans of requests and their stages, for a subscriber that exports them.
//!
//! They are `tracing` spans of one target. Where no subscriber wants it, a span is one look at a cached flag.

use axum::http::{HeaderMap, Method, Request};
use opentelemetry::global;
use opentelemetry::propagation::Extractor;
use opentelemetry::trace::TraceContextExt as _;
use tracing::field::Empty;
use tracing::{Span, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::gate::{Finished, Protocol};

/// The target of all spans; they have the level info.
pub const TRACES: &str = "larder::traces";

/// The span of a request, which continues the trace that the client names in `traceparent`.
pub(crate) fn request<B>(protocol: Protocol, endpoint: &'static str, request: &Request<B>) -> Span {
    let span = match protocol {
        Protocol::Http => of_http(endpoint, request.method()),
        Protocol::Grpc => of_grpc(endpoint),
    };
    if !span.is_disabled() {
        let headers = Headers(request.headers());
        let context = global::get_text_map_propagator(|propagator| propagator.extract(&headers));
        // It fails for spans that nobody exports, which need no parent.
        drop(span.set_parent(context));
    }
    span
}

fn of_http(route: &'static str, method: &Method) -> Span {
    info_span!(
        target: TRACES,
        "request",
        otel.name = %format_args!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = Empty,
        error.type = Empty,
        http.request.method = method.as_str(),
        http.route = route,
        http.response.status_code = Empty,
        larder.rows = Empty,
    )
}

fn of_grpc(path: &'static str) -> Span {
    info_span!(
        target: TRACES,
        "request",
        otel.name = path.trim_start_matches('/'),
        otel.kind = "server",
        otel.status_code = Empty,
        error.type = Empty,
        rpc.system.name = "grpc",
        rpc.method = path.trim_start_matches('/'),
        rpc.response.status_code = Empty,
        larder.rows = Empty,
    )
}

/// Says how a request ended.
pub(crate) fn finish(span: &Span, done: &Finished<'_>) {
    if span.is_disabled() {
        return;
    }
    match done.protocol {
        Protocol::Grpc => drop(span.record("rpc.response.status_code", done.status)),
        Protocol::Http => {
            if let Ok(status) = done.status.parse::<u16>() {
                span.record("http.response.status_code", status);
            }
        }
    }
    span.record("larder.rows", done.facts.rows);
    if let Some(kind) = done.facts.kind {
        span.record("error.type", kind.as_str());
        if crate::status::is_server_fault(kind) {
            span.record("otel.status_code", "ERROR");
        }
    }
}

/// The id of the trace that a span belongs to, if somebody keeps it.
pub(crate) fn trace_id(span: &Span) -> Option<String> {
    if span.is_disabled() {
        return None;
    }
    let context = span.context();
    let id = context.span().span_context().trace_id();
    (id != opentelemetry::TraceId::INVALID).then(|| id.to_string())
}

/// A part of the current request.
pub(crate) fn stage(name: &'static str) -> Span {
    info_span!(target: TRACES, "stage", otel.name = name)
}

/// Headers, or metadata.
struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(axum::http::HeaderName::as_str).collect()
    }
}
