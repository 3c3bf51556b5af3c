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

/// The request's shape is violated: every violation that was found.
#[derive(Debug)]
pub(crate) struct ShapeError(pub(crate) Vec<Violation>);

/// One violation of the request's shape, as FastAPI words it.
#[derive(Debug)]
pub(crate) struct Violation {
    /// FastAPI's error type.
    pub(crate) kind: &'static str,
    /// Where in the body.
    pub(crate) loc: Vec<Value>,
    /// What is wrong.
    pub(crate) message: &'static str,
    /// What was given.
    pub(crate) input: Value,
    /// Why it is no JSON, in Python's words.
    pub(crate) reason: Option<String>,
}

impl Violation {
    /// A violation in JSON that could be read.
    pub(crate) fn new(
        kind: &'static str,
        loc: Vec<Value>,
        message: &'static str,
        input: Value,
    ) -> Self {
        Self { kind, loc, message, input, reason: None }
    }

    fn into_json(self) -> Value {
        let mut detail = json!({
            "type": self.kind, "loc": self.loc, "msg": self.message, "input": self.input
        });
        if let Some(reason) = self.reason {
            detail["ctx"] = json!({ "error": reason });
        }
        detail
    }
}

impl From<ShapeError> for Rejection {
    fn from(error: ShapeError) -> Self {
        Self::Shape(error)
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        match self {
            Self::Shape(ShapeError(violations)) => {
                let detail: Value = violations.into_iter().map(Violation::into_json).collect();
                let facts = Extension(Facts::refused(ErrorKind::Invalid));
                (StatusCode::UNPROCESSABLE_ENTITY, facts, Json(json!({ "detail": detail })))
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
