//! Request bodies as JSON, refused as FastAPI refuses what is none.

use axum::body::Bytes;
use axum::http::{HeaderMap, header};
use serde_json::{Map, Value};

use super::error::{ShapeError, Violation};
use super::python_json::fault;

/// What some programs write in front of UTF-8; Python's decoder skips it.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// The value of a body; the text of one that is not declared as JSON.
///
/// # Errors
/// 422 for an empty body, and for one that is no JSON with its place and Python's reason.
pub(super) fn decode(headers: &HeaderMap, bytes: &Bytes) -> Result<Value, ShapeError> {
    if bytes.is_empty() {
        let missing = Violation::new("missing", vec!["body".into()], "Field required", Value::Null);
        return Err(ShapeError(vec![missing]));
    }
    if !is_json(headers) {
        return Ok(Value::from(String::from_utf8_lossy(&bytes[..bytes.len().min(200)])));
    }
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    serde_json::from_slice(bytes).map_err(|error| no_json(bytes, &error))
}

/// What Python takes for JSON, as NaN, has the reason of the parser that refused it.
fn no_json(bytes: &[u8], error: &serde_json::Error) -> ShapeError {
    let (at, reason) = match fault(&String::from_utf8_lossy(bytes)) {
        Some(fault) => (fault.at, fault.reason.to_owned()),
        None => (offset_of(bytes, error.line(), error.column()), error.to_string()),
    };
    let loc = vec!["body".into(), at.into()];
    let empty = Value::Object(Map::new());
    let violation = Violation::new("json_invalid", loc, "JSON decode error", empty);
    ShapeError(vec![Violation { reason: Some(reason), ..violation }])
}

/// FastAPI reads a body as JSON when its type is `application/json` or `application/*+json`.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok())
    else {
        return false;
    };
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence
        .strip_prefix("application/")
        .is_some_and(|kind| kind == "json" || kind.ends_with("+json"))
}

fn offset_of(bytes: &[u8], line: usize, column: usize) -> usize {
    let before: usize = bytes
        .split_inclusive(|&byte| byte == b'\n')
        .take(line.saturating_sub(1))
        .map(<[u8]>::len)
        .sum();
    before + column.saturating_sub(1)
}
