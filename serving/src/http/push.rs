//! `POST /push`.

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};

use super::body::Body;
use super::error::{Rejection, ShapeError};
use crate::FeatureServer;
use crate::gate::Facts;
use crate::push::{PushRequest, PushTarget, Pushed};

/// 200 with an empty body, as Feast; 202 where rows wait for others.
pub(super) async fn push(
    State(server): State<FeatureServer>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Rejection> {
    let (source, to, request_columns) = fields(&headers, &bytes)?;
    let refuse = |error| Rejection::Service(error, server.online().config().compat);
    let to: PushTarget = to.parse().map_err(refuse)?;
    let facts = Facts::rows(request_columns.first().map_or(0, |column| column.values.len()));
    let request = PushRequest { source, to, columns: request_columns, may_wait: true };
    let status = match server.push(request).await.map_err(refuse)? {
        Pushed::Written => StatusCode::OK,
        Pushed::Accepted => StatusCode::ACCEPTED,
    };
    Ok((status, Extension(facts)).into_response())
}

type Fields = (String, String, Vec<crate::online::RequestColumn>);

fn fields(headers: &HeaderMap, bytes: &Bytes) -> Result<Fields, ShapeError> {
    let mut body = Body::parse(headers, bytes)?;
    let source = body.required_text("push_source_name");
    let columns = body.take_columns("df");
    body.flag("allow_registry_cache", true);
    let to = body.text_or("to", "online");
    // Only on-demand views are computed on write, and none has a push source.
    body.flag("transform_on_write", true);
    body.finish()?;
    Ok((source, to, columns))
}
