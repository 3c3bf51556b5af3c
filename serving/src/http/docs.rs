//! What the API says of itself: its OpenAPI document, and a page that shows it without help from elsewhere.

use axum::http::header;
use axum::response::{Html, IntoResponse};

/// The document; its paths are those of [`super::listed`].
pub(super) const OPENAPI: &str = include_str!("openapi.json");

/// `GET /openapi.json`.
pub(super) async fn openapi() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI)
}

/// `GET /docs` and `GET /redoc`.
pub(super) async fn page() -> Html<&'static str> {
    Html(include_str!("docs.html"))
}
