//! Feast's HTTP API over the feature service.

mod accept;
mod answer;
mod body;
mod chat;
mod docs;
mod error;
mod materialize;
mod push;
mod read;
mod vectors;
mod write;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::routing::{get, post};

use crate::FeatureServer;

/// The routes of `feast serve` that Larder answers. The gate has limited the bodies.
pub(crate) fn router(server: FeatureServer) -> Router {
    Router::new()
        .route("/get-online-features", post(read::get_online_features))
        .route("/push", post(push::push))
        .route("/write-to-online-store", post(write::write_to_online_store))
        .route("/materialize", post(materialize::materialize))
        .route("/materialize-incremental", post(materialize::incremental))
        .route("/search", post(vectors::search))
        .route("/retrieve-online-documents", post(vectors::search))
        .route("/v1/vector_stores", get(vectors::list))
        .route("/v1/vector_stores/{id}", get(vectors::get))
        .route("/v1/vector_stores/{id}/search", post(vectors::search_one))
        .route("/chat", post(chat::chat).get(chat::page))
        .route("/openapi.json", get(docs::openapi))
        .route("/docs", get(docs::page))
        .route("/redoc", get(docs::page))
        .route("/health", get(health))
        .fallback(error::not_found)
        .method_not_allowed_fallback(error::method_not_allowed)
        .layer(DefaultBodyLimit::disable())
        .with_state(server)
}

/// 200 with an empty body while the store answers, 503 otherwise, as Feast.
async fn health(State(server): State<FeatureServer>) -> StatusCode {
    match server.online().store().health().await {
        Ok(()) => StatusCode::OK,
        Err(error) => {
            crate::status::log_server_fault(&error);
            StatusCode::SERVICE_UNAVAILABLE
        }
    }
}
