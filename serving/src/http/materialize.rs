//! `POST /materialize` and `POST /materialize-incremental`.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use larder_core::{Error, Result, Timestamp};
use larder_proto::convert::parse_timestamp;
use serde_json::{Value, json};

use super::body::Body;
use super::error::Rejection;
use crate::feast_words::{FeastWords, python_list};
use crate::{FeatureServer, MaterializeRequest, Window};

/// 200 with `null` when all is done; with `?async=true` 202 at once, or 409 for views that are worked on.
pub(super) async fn materialize(
    State(server): State<FeatureServer>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Rejection> {
    let mut body = Body::parse(&headers, &bytes)?;
    let how = How::read(&mut body, query.as_deref());
    let (start, end) = (body.text("start_ts"), body.text("end_ts"));
    let views = views(&mut body);
    let all = body.flag("disable_event_timestamp", false);
    let version = version(&mut body);
    body.finish()?;
    let window = range(start.as_deref(), end.as_deref(), all);
    answer(&server, how, MaterializeRequest { views, version, window }).await
}

/// As [`materialize`], from where each view's last run ended.
pub(super) async fn incremental(
    State(server): State<FeatureServer>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Rejection> {
    let mut body = Body::parse(&headers, &bytes)?;
    let how = How::read(&mut body, query.as_deref());
    let end = body.required_text("end_ts");
    let (views, version) = (views(&mut body), version(&mut body));
    body.finish()?;
    let window = time(&end, "").map(Window::Until);
    answer(&server, how, MaterializeRequest { views, version, window }).await
}

/// How a run is done.
#[derive(Debug, Clone, Copy)]
struct How {
    is_async: bool,
    force: bool,
}

impl How {
    fn read(body: &mut Body, query: Option<&str>) -> Self {
        let is_async = body.query_flag(query, "async");
        Self { is_async, force: body.query_flag(query, "force") }
    }
}

fn views(body: &mut Body) -> Option<Vec<String>> {
    body.has("feature_views").then(|| body.texts("feature_views"))
}

fn version(body: &mut Body) -> Option<String> {
    body.flag("full_feature_names", false);
    body.text("version")
}

async fn answer(
    server: &FeatureServer,
    how: How,
    request: MaterializeRequest,
) -> Result<Response, Rejection> {
    let refuse = |error| Rejection::Service(error, server.online().config().compat);
    let run = server.materialization(request).map_err(refuse)?;
    if !how.is_async {
        server.materialize(run).await.map_err(refuse)?;
        return Ok(Json(Value::Null).into_response());
    }
    let views = run.views();
    let busy = server.materialize_later(run, how.force).map_err(refuse)?;
    if busy.is_empty() {
        let accepted = json!({"status": "accepted", "feature_views": views});
        return Ok((StatusCode::ACCEPTED, Json(accepted)).into_response());
    }
    Ok((StatusCode::CONFLICT, Json(conflict(&busy))).into_response())
}

/// Feast 0.67's words.
fn conflict(busy: &[String]) -> Value {
    let names = python_list(busy);
    let error = format!(
        "Cannot start async materialization — the following feature views are already in MATERIALIZING state: \
         {names}. Use ?force=true to override."
    );
    json!({"error": error, "feature_views": busy})
}

fn range<'a>(start: Option<&'a str>, end: Option<&'a str>, all: bool) -> Result<Window> {
    let given = |text: Option<&'a str>| text.filter(|text| !text.is_empty());
    let label = "Invalid timestamp format: ";
    match (given(start), given(end)) {
        _ if all => Ok(Window::All),
        (Some(start), Some(end)) => Window::range(time(start, label)?, time(end, label)?),
        _ => {
            let words = "start_ts and end_ts are required when disable_event_timestamp is False";
            Err(Error::invalid("start_ts and end_ts are missing")
                .with_hint("give both, or disable_event_timestamp: true")
                .with_source(FeastWords::bare(words)))
        }
    }
}

/// ISO 8601, UTC unless it says otherwise; `label` stands before Feast's words.
fn time(text: &str, label: &str) -> Result<Timestamp> {
    parse_timestamp(text).map_err(|error| {
        let what = match text.trim() {
            "" => "String does not contain a date",
            _ => "Unknown string format",
        };
        error.with_source(FeastWords::bare(format!("{label}{what}: {text}")))
    })
}
