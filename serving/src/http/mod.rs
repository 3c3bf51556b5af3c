//! Feast's HTTP API over the feature service.

mod accept;
mod answer;
mod body;
mod chat;
mod chat_socket;
mod decode;
mod docs;
mod error;
mod materialize;
mod push;
mod python_json;
mod read;
mod vectors;
mod write;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::routing::{MethodRouter, get, post};

pub(crate) use chat_socket::Chats;

use crate::FeatureServer;

/// A path and what answers there.
type Route = (&'static str, MethodRouter<FeatureServer>);

/// The routes of `feast serve` that Larder answers. The gate has limited the bodies.
pub(crate) fn router(server: FeatureServer, chats: Chats) -> Router {
    let routes = listed().into_iter().chain(unlisted(chats));
    routes
        .fold(Router::new(), |router, (path, methods)| router.route(path, methods))
        .fallback(error::not_found)
        .method_not_allowed_fallback(error::method_not_allowed)
        .layer(DefaultBodyLimit::disable())
        .with_state(server)
}

/// What the OpenAPI document lists.
fn listed() -> [Route; 11] {
    [
        ("/get-online-features", post(read::get_online_features)),
        ("/push", post(push::push)),
        ("/write-to-online-store", post(write::write_to_online_store)),
        ("/materialize", post(materialize::materialize)),
        ("/materialize-incremental", post(materialize::incremental)),
        ("/search", post(vectors::search)),
        ("/v1/vector_stores", get(vectors::list)),
        ("/v1/vector_stores/{vector_store_id}", get(vectors::get)),
        ("/v1/vector_stores/{vector_store_id}/search", post(vectors::search_one)),
        ("/chat", post(chat::chat).get(chat::page)),
        ("/health", get(health)),
    ]
}

/// What it leaves out, as Feast's does: a deprecated alias, the document itself, and what is no HTTP.
fn unlisted(chats: Chats) -> [Route; 5] {
    [
        ("/retrieve-online-documents", post(vectors::search)),
        ("/openapi.json", get(docs::openapi)),
        ("/docs", get(docs::page)),
        ("/redoc", get(docs::page)),
        ("/ws/chat", get(move |upgrade| chats.open(upgrade))),
    ]
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use tokio::sync::watch;

    use super::*;
    use crate::gate::is_known;

    fn document() -> serde_json::Value {
        serde_json::from_str(docs::OPENAPI).unwrap()
    }

    #[test]
    fn the_document_lists_the_paths_that_are_answered() {
        let document = document();
        let documented: BTreeSet<&str> =
            document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
        let answered: BTreeSet<&str> = listed().into_iter().map(|(path, _)| path).collect();
        assert_eq!(documented, answered);
    }

    #[test]
    fn every_path_has_a_name_among_the_metrics() {
        let chats = Chats::new(watch::channel(false).1);
        for (path, _) in listed().into_iter().chain(unlisted(chats)) {
            assert!(is_known(path), "{path}");
        }
    }
}
