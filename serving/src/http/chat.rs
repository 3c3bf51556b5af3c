//! `/chat`, which Feast 0.67 answers with a dummy.

use axum::Json;
use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::response::{Html, IntoResponse as _, Response};
use serde_json::json;

use super::body::Body;
use super::error::Rejection;

/// The dummy.
pub(super) async fn chat(headers: HeaderMap, bytes: Bytes) -> Result<Response, Rejection> {
    let mut body = Body::parse(&headers, &bytes)?;
    body.required_objects("messages", |message| {
        message.required_text("role");
        message.required_text("content");
    });
    body.finish()?;
    let text = "This is a dummy response from the Feast feature server.";
    Ok(Json(json!({ "response": text })).into_response())
}

/// A page where Feast has its chat.
pub(super) async fn page() -> Html<&'static str> {
    Html("<!doctype html><title>Chat</title><p>POST to /chat: the answer is Feast's dummy.</p>\n")
}
