//! Request bodies, checked as FastAPI checks them: 422 with the place of the first violation.

use axum::body::Bytes;
use axum::http::{HeaderMap, header};
use serde_json::{Map, Value};

use super::error::{ShapeError, Violation};
use crate::online::{RequestColumn, RequestValues};

/// A JSON object body.
#[derive(Debug)]
pub(crate) struct Body(Map<String, Value>);

impl Body {
    /// Parses the body; an empty one and one that is not declared as JSON are refused.
    pub(crate) fn parse(headers: &HeaderMap, bytes: &Bytes) -> Result<Self, ShapeError> {
        if bytes.is_empty() {
            return Err(shape("missing", vec!["body".into()], "Field required", Value::Null));
        }
        let value: Value = if is_json(headers) {
            serde_json::from_slice(bytes).map_err(|error| {
                let position = offset_of(bytes, error.line(), error.column());
                shape(
                    "json_invalid",
                    vec!["body".into(), position.into()],
                    "JSON decode error",
                    Value::Object(Map::new()),
                )
            })?
        } else {
            Value::from(String::from_utf8_lossy(&bytes[..bytes.len().min(200)]))
        };
        match value {
            Value::Object(map) => Ok(Self(map)),
            other => Err(shape(
                "model_attributes_type",
                vec!["body".into()],
                "Input should be a valid dictionary or object to extract fields from",
                other,
            )),
        }
    }

    /// A required or optional text.
    pub(crate) fn text(&self, field: &str) -> Result<Option<&str>, ShapeError> {
        match self.0.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(shape(
                "string_type",
                at(field),
                "Input should be a valid string",
                other.clone(),
            )),
        }
    }

    /// A required text.
    pub(crate) fn required_text(&self, field: &str) -> Result<&str, ShapeError> {
        self.text(field)?.ok_or_else(|| self.required(field))
    }

    /// A required list of anything.
    pub(crate) fn required_list(&self, field: &str) -> Result<&[Value], ShapeError> {
        match self.0.get(field) {
            None => Err(self.required(field)),
            Some(Value::Array(items)) => Ok(items),
            Some(other) => {
                Err(shape("list_type", at(field), "Input should be a valid list", other.clone()))
            }
        }
    }

    /// A flag; pydantic also takes the usual words and numbers for one.
    pub(crate) fn flag(&self, field: &str, default: bool) -> Result<bool, ShapeError> {
        let message = "Input should be a valid boolean, unable to interpret input";
        match self.0.get(field) {
            None => Ok(default),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(Value::Number(number)) if number.as_f64() == Some(0.0) => Ok(false),
            Some(Value::Number(number)) if number.as_f64() == Some(1.0) => Ok(true),
            Some(Value::String(word)) => match word.to_ascii_lowercase().as_str() {
                "true" | "t" | "yes" | "y" | "on" | "1" => Ok(true),
                "false" | "f" | "no" | "n" | "off" | "0" => Ok(false),
                _ => Err(shape("bool_parsing", at(field), message, Value::from(word.as_str()))),
            },
            Some(other) => {
                Err(shape("bool_type", at(field), "Input should be a valid boolean", other.clone()))
            }
        }
    }

    /// A list of texts; absent and null are empty.
    pub(crate) fn texts(&self, field: &str) -> Result<Vec<&str>, ShapeError> {
        let items = match self.0.get(field) {
            None | Some(Value::Null) => return Ok(Vec::new()),
            Some(Value::Array(items)) => items,
            Some(other) => {
                return Err(shape(
                    "list_type",
                    at(field),
                    "Input should be a valid list",
                    other.clone(),
                ));
            }
        };
        items
            .iter()
            .enumerate()
            .map(|(index, item)| {
                item.as_str().ok_or_else(|| {
                    let loc = vec!["body".into(), field.into(), index.into()];
                    shape("string_type", loc, "Input should be a valid string", item.clone())
                })
            })
            .collect()
    }

    /// A required object of arrays, taken out of the body.
    pub(crate) fn take_columns(&mut self, field: &str) -> Result<Vec<RequestColumn>, ShapeError> {
        let columns = match self.0.remove(field) {
            None => return Err(self.required(field)),
            Some(Value::Object(columns)) => columns,
            Some(other) => {
                return Err(shape(
                    "dict_type",
                    at(field),
                    "Input should be a valid dictionary",
                    other,
                ));
            }
        };
        columns
            .into_iter()
            .map(|(name, values)| match values {
                Value::Array(values) => {
                    Ok(RequestColumn { name, values: RequestValues::Json(values) })
                }
                other => {
                    let loc = vec!["body".into(), field.into(), name.into()];
                    Err(shape("list_type", loc, "Input should be a valid list", other))
                }
            })
            .collect()
    }

    fn required(&self, field: &str) -> ShapeError {
        shape("missing", at(field), "Field required", Value::Object(self.0.clone()))
    }
}

fn at(field: &str) -> Vec<Value> {
    vec!["body".into(), field.into()]
}

fn shape(kind: &'static str, loc: Vec<Value>, message: &str, input: Value) -> ShapeError {
    ShapeError(Box::new(Violation { kind, loc, message: message.to_owned(), input }))
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
