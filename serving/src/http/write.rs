//! `POST /write-to-online-store`.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use serde_json::Value;

use super::body::Body;
use super::error::{Rejection, ShapeError};
use crate::gate::Facts;
use crate::{FeatureServer, WriteRequest};

/// 200 with `null`, as Feast.
pub(super) async fn write_to_online_store(
    State(server): State<FeatureServer>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Rejection> {
    let request = request(&headers, &bytes)?;
    let facts = Facts::rows(request.columns.first().map_or(0, |column| column.values.len()));
    let refuse = |error| Rejection::Service(error, server.online().config().compat);
    server.write_to_online_store(request).await.map_err(refuse)?;
    Ok((Extension(facts), Json(Value::Null)).into_response())
}

fn request(headers: &HeaderMap, bytes: &Bytes) -> Result<WriteRequest, ShapeError> {
    let mut body = Body::parse(headers, bytes)?;
    let view = body.required_text("feature_view_name");
    let columns = body.take_columns("df");
    body.flag("allow_registry_cache", true);
    let transform_on_write = body.flag("transform_on_write", true);
    body.finish()?;
    Ok(WriteRequest { view, columns, transform_on_write })
}
