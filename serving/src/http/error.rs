//! Error bodies: FastAPI's for malformed requests, Feast's doubly encoded detail for the rest.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use larder_core::{Compat, Error, ErrorKind};
use serde_json::{Value, json};

use crate::gate::Facts;
use crate::status::{log_server_fault, wire_status};

/// A request that cannot be answered.
#[derive(Debug)]
pub(crate) enum Rejection {
    /// The body is not of the documented shape.
    Shape(ShapeError),
    /// The service refused it.
    Service(Error, Compat),
}

/// The request's shape is violated; small enough to pass around.
#[derive(Debug)]
pub(crate) struct ShapeError(pub(crate) Box<Violation>);

/// One violation of the request's shape, as FastAPI words it.
#[derive(Debug)]
pub(crate) struct Violation {
    /// FastAPI's error type.
    pub(crate) kind: &'static str,
    /// Where in the body.
    pub(crate) loc: Vec<Value>,
    /// What is wrong.
    pub(crate) message: String,
    /// What was given.
    pub(crate) input: Value,
    /// Why it is no JSON, in Python's words.
    pub(crate) reason: Option<&'static str>,
}

impl From<ShapeError> for Rejection {
    fn from(error: ShapeError) -> Self {
        Self::Shape(error)
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        match self {
            Self::Shape(ShapeError(error)) => {
                let mut detail = json!({
                    "type": error.kind, "loc": error.loc, "msg": error.message, "input": error.input
                });
                if let Some(reason) = error.reason {
                    detail["ctx"] = json!({ "error": reason });
                }
                let facts = Extension(Facts::refused(ErrorKind::Invalid));
                (StatusCode::UNPROCESSABLE_ENTITY, facts, Json(json!({ "detail": [detail] })))
                    .into_response()
            }
            Self::Service(error, compat) => {
                log_server_fault(&error);
                let status = wire_status(&error, compat);
                // Feast encodes the detail twice: a JSON string that holds JSON.
                let facts = Extension(Facts::refused(error.kind()));
                (status.http, facts, Json(Value::from(status.detail()))).into_response()
            }
        }
    }
}

pub(crate) async fn not_found() -> Response {
    (StatusCode::NOT_FOUND, Json(json!({ "detail": "Not Found" }))).into_response()
}

pub(crate) async fn method_not_allowed() -> Response {
    (StatusCode::METHOD_NOT_ALLOWED, Json(json!({ "detail": "Method Not Allowed" })))
        .into_response()
}
