//! Vector search, which no online store here offers: Feast's endpoints with the answers that it gives then.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use larder_core::{Catalog, Error, FeatureView};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use super::body::Body;
use super::error::Rejection;
use crate::FeatureServer;
use crate::feast_words::FeastWords;

/// `POST /search` and its deprecated alias `/retrieve-online-documents`.
pub(super) async fn search(
    State(server): State<FeatureServer>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Rejection> {
    let mut body = Body::parse(&headers, &bytes)?;
    body.text("feature_service");
    body.texts("features");
    body.flag("full_feature_names", false);
    body.flag("include_feature_view_version_metadata", false);
    body.whole_number("top_k");
    body.numbers("query");
    body.text("query_string");
    body.text("distance_metric");
    let api_version = body.whole_number("api_version").unwrap_or(1);
    body.finish()?;
    let store = server.online().store().name();
    let error =
        Error::unsupported(format!("online store {store} does not support online retrieval"))
            .with_hint("vector search is not offered")
            .with_source(FeastWords::of_search(store, api_version));
    Err(Rejection::Service(error, server.online().config().compat))
}

/// `GET /v1/vector_stores`: the views that declare a vector index.
pub(super) async fn list(State(server): State<FeatureServer>) -> Response {
    let snapshot = server.online().catalog().load();
    let data: Vec<Value> = indexed(snapshot.catalog())
        .map(|view| object(&snapshot.catalog().project().name, view))
        .collect();
    Json(json!({"object": "list", "data": data})).into_response()
}

/// `GET /v1/vector_stores/{vector_store_id}`.
pub(super) async fn get(State(server): State<FeatureServer>, Path(id): Path<String>) -> Response {
    let snapshot = server.online().catalog().load();
    let project = &snapshot.catalog().project().name;
    let found = indexed(snapshot.catalog()).find(|view| id_of(project, view) == id);
    match found {
        Some(view) => Json(object(project, view)).into_response(),
        None => missing(&id),
    }
}

/// `POST /v1/vector_stores/{vector_store_id}/search`.
pub(super) async fn search_one(
    State(server): State<FeatureServer>,
    Path(id): Path<String>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Rejection> {
    let mut body = Body::parse(&headers, &bytes)?;
    body.require("query");
    body.finish()?;
    let snapshot = server.online().catalog().load();
    let project = &snapshot.catalog().project().name;
    if !indexed(snapshot.catalog()).any(|view| id_of(project, view) == id) {
        return Ok(missing(&id));
    }
    let store = server.online().store().name();
    let message = format!("online store {store} does not support online retrieval");
    Ok(openai_error(StatusCode::UNPROCESSABLE_ENTITY, &message, "invalid_request_error"))
}

fn indexed(catalog: &Catalog) -> impl Iterator<Item = &FeatureView> {
    let views = catalog.feature_views().values();
    views.map(AsRef::as_ref).filter(|view| view.features.iter().any(|field| field.vector_index))
}

fn object(project: &str, view: &FeatureView) -> Value {
    let created = view.meta.created.map_or(0, |created| created.micros().div_euclid(1_000_000));
    json!({
        "id": id_of(project, view), "object": "vector_store", "name": view.name,
        "status": "completed", "created_at": created,
    })
}

/// Feast 0.67: `vs_` and the first 24 hex digits of the SHA-256 of `project:view`.
fn id_of(project: &str, view: &FeatureView) -> String {
    let digest = digest(&SHA256, format!("{project}:{}", view.name).as_bytes());
    digest.as_ref()[..12].iter().fold("vs_".to_owned(), |id, byte| id + &format!("{byte:02x}"))
}

fn missing(id: &str) -> Response {
    let message = format!("No vector store found with id '{id}'");
    openai_error(StatusCode::NOT_FOUND, &message, "not_found_error")
}

fn openai_error(status: StatusCode, message: &str, kind: &str) -> Response {
    (status, Json(json!({"error": {"message": message, "type": kind}}))).into_response()
}
