//! `POST /materialize` and `POST /materialize-incremental`.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use larder_core::{Error, Result, Timestamp};
use larder_proto::convert::parse_timestamp;
use serde_json::{Value, json};

use super::body::{Body, query_flag};
use super::error::{Rejection, ShapeError};
use crate::feast_words::{FeastWords, python_list};
use crate::{FeatureServer, MaterializeRequest, Window};

/// 200 with `null` when all is done; with `?async=true` 202 at once, or 409 for views that are worked on.
pub(super) async fn materialize(
    State(server): State<FeatureServer>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Rejection> {
    let body = Body::parse(&headers, &bytes)?;
    let (start, end) = (body.text("start_ts")?, body.text("end_ts")?);
    let all = body.flag("disable_event_timestamp", false)?;
    let how = How::read(&body, query.as_deref())?;
    answer(&server, how, range(start, end, all)).await
}

/// As [`materialize`], from where each view's last run ended.
pub(super) async fn incremental(
    State(server): State<FeatureServer>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Rejection> {
    let body = Body::parse(&headers, &bytes)?;
    let end = body.required_text("end_ts")?;
    let how = How::read(&body, query.as_deref())?;
    answer(&server, how, time(end).map(Window::Until)).await
}

/// What both requests have in common.
struct How {
    views: Option<Vec<String>>,
    version: Option<String>,
    is_async: bool,
    force: bool,
}

impl How {
    fn read(body: &Body, query: Option<&str>) -> Result<Self, ShapeError> {
        body.flag("full_feature_names", false)?;
        let names = body.texts("feature_views")?.into_iter().map(str::to_owned).collect();
        Ok(Self {
            views: body.has("feature_views").then_some(names),
            version: body.text("version")?.map(str::to_owned),
            is_async: query_flag(query, "async")?,
            force: query_flag(query, "force")?,
        })
    }
}

async fn answer(
    server: &FeatureServer,
    how: How,
    window: Result<Window>,
) -> Result<Response, Rejection> {
    let refuse = |error| Rejection::Service(error, server.online().config().compat);
    let window = window.map_err(refuse)?;
    let request = MaterializeRequest { views: how.views, window, version: how.version };
    let run = server.materialization(&request).map_err(refuse)?;
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

fn range(start: Option<&str>, end: Option<&str>, all: bool) -> Result<Window> {
    match (start, end) {
        _ if all => Ok(Window::All),
        (Some(start), Some(end)) => Window::range(time(start)?, time(end)?),
        _ => {
            let words = "start_ts and end_ts are required when disable_event_timestamp is False";
            Err(Error::invalid("start_ts and end_ts are missing")
                .with_hint("give both, or disable_event_timestamp: true")
                .with_source(FeastWords::bare(words)))
        }
    }
}

/// ISO 8601, UTC unless it says otherwise.
fn time(text: &str) -> Result<Timestamp> {
    parse_timestamp(text).map_err(|error| {
        error.with_source(FeastWords::bare(format!("Unknown string format: {text}")))
    })
}
