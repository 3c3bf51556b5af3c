//! `POST /get-online-features`.

use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use larder_core::{Error, FeatureRef, Selection};

use super::accept::wants_arrow;
use super::answer;
use super::body::Body;
use super::error::{Rejection, ShapeError};
use crate::FeatureServer;
use crate::arrow_answer;
use crate::feast_words::unread_reference;
use crate::gate::{LATE_VIEWS, late_views};
use crate::metrics::{Stage, Stages};
use crate::online::{Budget, OnlineRequest, RequestColumn};

/// The fields of the request body, before references are parsed.
struct Fields {
    service: Option<String>,
    features: Vec<String>,
    columns: Vec<RequestColumn>,
    full_feature_names: bool,
    include_view_versions: bool,
}

pub(super) async fn get_online_features(
    State(server): State<FeatureServer>,
    budget: Option<Extension<Budget>>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Rejection> {
    let budget = budget.map(|Extension(budget)| budget).unwrap_or_default();
    let fields = fields(&headers, &bytes)?;
    let service = server.online();
    let refuse = |error| Rejection::Service(error, service.config().compat);
    let request = request(fields)
        .map_err(|(error, reference)| unread_reference(error, &reference, service))
        .map_err(refuse)?;
    let answer = service.get_online_features_within(&request, budget).await.map_err(refuse)?;
    let encoding = Stages::start(service.metrics().map(Arc::as_ref), Stage::Encode);
    let (media_type, body) = if wants_arrow(&headers) {
        (arrow_answer::MEDIA_TYPE, arrow_answer::to_stream(&answer))
    } else {
        ("application/json", answer::to_json(&answer))
    };
    let body = body.map_err(refuse)?;
    encoding.end();
    let facts = Extension(answer.facts());
    let mut response = ([(header::CONTENT_TYPE, media_type)], facts, body).into_response();
    if let Some(names) = late_views(&answer) {
        response.headers_mut().insert(LATE_VIEWS, names);
    }
    Ok(response)
}

fn fields(headers: &HeaderMap, bytes: &Bytes) -> Result<Fields, ShapeError> {
    let mut body = Body::parse(headers, bytes)?;
    let fields = Fields {
        columns: body.take_columns("entities"),
        service: body.text("feature_service"),
        features: body.texts("features"),
        full_feature_names: body.flag("full_feature_names", false),
        include_view_versions: body.flag("include_feature_view_version_metadata", false),
    };
    body.finish()?;
    Ok(fields)
}

type Unread = (Error, String);

fn request(fields: Fields) -> Result<OnlineRequest, Unread> {
    // Feast 0.67: the service wins when both are given.
    let selection = match fields.service {
        Some(service) => Selection::Service(service),
        None => Selection::Features(parse_refs(&fields.features)?),
    };
    Ok(OnlineRequest {
        selection,
        full_feature_names: fields.full_feature_names,
        columns: fields.columns,
        include_view_versions: fields.include_view_versions,
    })
}

/// Parses references.
///
/// # Errors
/// `Invalid` for the first that is not one, with its text.
fn parse_refs(references: &[String]) -> Result<Vec<FeatureRef>, Unread> {
    let parse = |reference: &String| reference.parse().map_err(|error| (error, reference.clone()));
    references.iter().map(parse).collect()
}
