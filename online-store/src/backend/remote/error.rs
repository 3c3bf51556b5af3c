//! From what a server says, or does not say, to kinds.

use std::time::Duration;

use hyper::StatusCode;
use larder_core::{Error, ErrorKind};
use serde_json::Value as Json;

/// Longest text of a server that is repeated.
const MAX_SAID: usize = 500;

/// Why a request failed.
#[derive(Debug)]
pub(super) enum Fault {
    /// No connection, or one that broke; what was said about it.
    Connection(String),
    /// No answer within this time.
    Timeout(Duration),
    /// No turn within this time.
    Busy(Duration),
    /// An answer that is no success.
    Status(StatusCode, String),
    /// An answer longer than this many bytes.
    TooLong(usize),
    /// An answer that is none of a feature server.
    Shape(String),
    /// No token to send.
    Token(String),
}

impl Fault {
    /// Whether the same request may be answered in a moment (Feast also sends what was answered with 500 again).
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Connection(_) => true,
            Self::Status(status, _) => matches!(status.as_u16(), 429 | 502..=504),
            _ => false,
        }
    }

    /// Whether another view of the same request may be the reason.
    pub(super) fn is_about_a_view(&self) -> bool {
        matches!(self, Self::Status(status, _) if matches!(status.as_u16(), 400 | 403 | 404 | 422 | 500))
    }

    /// The error to show.
    pub(super) fn error(&self, server: &str) -> Error {
        match self {
            Self::Connection(said) => unavailable(format!("{server} cannot be reached: {said}"))
                .with_hint(if said.contains("ertificate") {
                    "online_store.cert names the authority to trust"
                } else {
                    "is a feature server running at online_store.path?"
                }),
            Self::Timeout(time) => Error::new(
                ErrorKind::Deadline,
                format!("{server} did not answer within {} ms", time.as_millis()),
            )
            .with_hint("online_store.request_timeout in larder.yaml gives it more time"),
            Self::Busy(time) => unavailable(format!(
                "{server} has too many requests to answer: no turn within {} ms",
                time.as_millis()
            )),
            Self::Status(status, body) => refused(server, *status, body),
            Self::TooLong(bytes) => {
                Error::invalid(format!("{server} answered with more than {bytes} bytes"))
                    .with_hint("ask for fewer keys or features at a time")
            }
            Self::Shape(what) => {
                Error::data(format!("{server} answered what is no answer: {what}"))
                    .with_hint("is a feature server running at online_store.path?")
            }
            Self::Token(said) => Error::new(
                ErrorKind::PermissionDenied,
                format!("there is no token for {server}: {said}"),
            )
            .with_hint("set one in the auth section"),
        }
    }
}

fn unavailable(message: String) -> Error {
    Error::new(ErrorKind::Unavailable, message)
}

fn refused(server: &str, status: StatusCode, body: &str) -> Error {
    let (kind, hint) = match status.as_u16() {
        401 => (ErrorKind::PermissionDenied, "is the token of the auth section right?"),
        403 => (ErrorKind::PermissionDenied, ""),
        404 => (ErrorKind::NotFound, "apply the repository to the registry of that server"),
        408 | 504 => (ErrorKind::Deadline, ""),
        409 => (ErrorKind::Conflict, ""),
        400..500 if status != StatusCode::TOO_MANY_REQUESTS => (ErrorKind::Invalid, ""),
        // Feast answers many a client's mistake with 500.
        _ => (ErrorKind::Unavailable, "the log of that server says more"),
    };
    let said = said(body);
    let number = status.as_u16();
    let error = Error::new(kind, format!("{server} answered {number}: {said}"));
    if hint.is_empty() { error } else { error.with_hint(hint) }
}

/// The message inside an error body: Feast's exceptions are JSON inside a JSON text, FastAPI has `detail`.
fn said(body: &str) -> String {
    let json: Json = serde_json::from_str(body).unwrap_or_else(|_| body.into());
    let inner = json.as_str().and_then(|text| serde_json::from_str::<Json>(text).ok());
    let json = inner.filter(Json::is_object).unwrap_or(json);
    let text = match (&json["message"], &json["detail"], &json) {
        (Json::String(text), _, _) | (_, Json::String(text), _) | (_, _, Json::String(text)) => {
            text.clone()
        }
        _ => json.to_string(),
    };
    match text.char_indices().nth(MAX_SAID) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_lead_to_kinds() {
        for (status, kind) in [
            (400, ErrorKind::Invalid),
            (401, ErrorKind::PermissionDenied),
            (403, ErrorKind::PermissionDenied),
            (404, ErrorKind::NotFound),
            (409, ErrorKind::Conflict),
            (413, ErrorKind::Invalid),
            (422, ErrorKind::Invalid),
            (429, ErrorKind::Unavailable),
            (500, ErrorKind::Unavailable),
            (503, ErrorKind::Unavailable),
            (504, ErrorKind::Deadline),
        ] {
            let fault = Fault::Status(StatusCode::from_u16(status).unwrap(), String::new());
            assert_eq!(fault.error("x").kind(), kind, "{status}");
        }
    }

    #[test]
    fn the_words_of_every_kind_of_server_are_found() {
        let of_feast =
            r#""{\"module\": \"feast.errors\", \"class\": \"X\", \"message\": \"no view\"}""#;
        for (body, expected) in [
            (of_feast, "no view"),
            (r#"{"detail":"Not Found"}"#, "Not Found"),
            (r#""'Feature x not found in projection v'""#, "'Feature x not found in projection v'"),
            (r#"{"detail":[{"loc":["body"]}]}"#, r#"{"detail":[{"loc":["body"]}]}"#),
            ("<html>", "<html>"),
            ("", ""),
        ] {
            assert_eq!(said(body), expected);
        }
        assert!(said(&"é".repeat(5000)).len() < 1100);
    }
}
