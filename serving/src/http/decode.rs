//! Request bodies as JSON, refused as FastAPI refuses what is none.

use axum::body::Bytes;
use axum::http::{HeaderMap, header};
use serde_json::{Map, Value};

use super::error::{ShapeError, Violation};

/// The value of a body; the text of one that is not declared as JSON.
///
/// # Errors
/// 422 for an empty body, and for one that is no JSON with its place and Python's reason.
pub(super) fn decode(headers: &HeaderMap, bytes: &Bytes) -> Result<Value, ShapeError> {
    let body = || vec!["body".into()];
    if bytes.is_empty() {
        let missing = Violation::new("missing", body(), "Field required", Value::Null);
        return Err(ShapeError(vec![missing]));
    }
    if !is_json(headers) {
        return Ok(Value::from(String::from_utf8_lossy(&bytes[..bytes.len().min(200)])));
    }
    serde_json::from_slice(bytes).map_err(|error| {
        let mut loc = body();
        loc.push(offset_of(bytes, error.line(), error.column()).into());
        let empty = Value::Object(Map::new());
        let violation = Violation::new("json_invalid", loc, "JSON decode error", empty);
        ShapeError(vec![Violation { reason: Some(pythons_reason(&error)), ..violation }])
    })
}

/// What Python's decoder says where `serde_json` stops.
fn pythons_reason(error: &serde_json::Error) -> &'static str {
    let text = error.to_string();
    let says = |words: &str| text.starts_with(words);
    if says("key must be a string") || says("EOF while parsing an object") {
        "Expecting property name enclosed in double quotes"
    } else if says("expected `:`") {
        "Expecting ':' delimiter"
    } else if says("expected `,`") || says("EOF while parsing a list") {
        "Expecting ',' delimiter"
    } else if says("EOF while parsing a string") {
        "Unterminated string starting at"
    } else if says("trailing characters") {
        "Extra data"
    } else {
        "Expecting value"
    }
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
