//! Fields of a request body, checked as FastAPI checks them: 422 with every violation and its place.

use axum::body::Bytes;
use axum::http::HeaderMap;
use serde_json::{Map, Value};

use super::decode::decode;
use super::error::{ShapeError, Violation};
use crate::online::{RequestColumn, RequestValues};

const NO_TEXT: &str = "Input should be a valid string";
const NO_LIST: &str = "Input should be a valid list";
const NO_DICTIONARY: &str = "Input should be a valid dictionary";
const NO_OBJECT: &str = "Input should be a valid dictionary or object to extract fields from";
const NO_FLAG: &str = "Input should be a valid boolean, unable to interpret input";

/// A JSON object and what is wrong with it. Fields are read in the order of Feast's models, which is that of the
/// violations; one that violates its type reads as empty, and [`Body::finish`] refuses it.
#[derive(Debug)]
pub(crate) struct Body {
    loc: Vec<Value>,
    fields: Map<String, Value>,
    violations: Vec<Violation>,
}

impl Body {
    /// Parses the body; an empty one and one that is not declared as JSON are refused.
    pub(crate) fn parse(headers: &HeaderMap, bytes: &Bytes) -> Result<Self, ShapeError> {
        Self::of(decode(headers, bytes)?, vec!["body".into()])
    }

    fn of(value: Value, loc: Vec<Value>) -> Result<Self, ShapeError> {
        match value {
            Value::Object(fields) => Ok(Self { loc, fields, violations: Vec::new() }),
            other => {
                let violation = Violation::new("model_attributes_type", loc, NO_OBJECT, other);
                Err(ShapeError(vec![violation]))
            }
        }
    }

    /// The end of reading.
    ///
    /// # Errors
    /// The violations, if there were any.
    pub(crate) fn finish(self) -> Result<(), ShapeError> {
        if self.violations.is_empty() { Ok(()) } else { Err(ShapeError(self.violations)) }
    }

    /// A flag of the query string, before the fields of the body; the last one counts.
    pub(crate) fn query_flag(&mut self, query: Option<&str>, name: &str) -> bool {
        let mut pairs =
            query.unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
        let Some((_, word)) = pairs.rfind(|(key, _)| *key == name) else { return false };
        flag_of(word).unwrap_or_else(|| {
            let loc = vec!["query".into(), name.into()];
            self.violations.push(Violation::new("bool_parsing", loc, NO_FLAG, word.into()));
            false
        })
    }

    /// A text that may be absent or null.
    pub(crate) fn text(&mut self, field: &str) -> Option<String> {
        self.has(field).then(|| self.text_or(field, ""))
    }

    /// A text that may be absent.
    pub(crate) fn text_or(&mut self, field: &str, default: &str) -> String {
        match self.fields.get(field) {
            None => {}
            Some(Value::String(text)) => return text.clone(),
            Some(other) => {
                let other = other.clone();
                self.violate("string_type", self.at(field), NO_TEXT, other);
            }
        }
        default.to_owned()
    }

    /// A text that must be there.
    pub(crate) fn required_text(&mut self, field: &str) -> String {
        self.require(field);
        self.text_or(field, "")
    }

    /// Requires a field, of whatever type; whether it is there.
    pub(crate) fn require(&mut self, field: &str) -> bool {
        let is_there = self.fields.contains_key(field);
        if !is_there {
            let whole = Value::Object(self.fields.clone());
            self.violate("missing", self.at(field), "Field required", whole);
        }
        is_there
    }

    /// A list of objects that must be there, each read by `read`.
    pub(crate) fn required_objects(&mut self, field: &str, read: impl Fn(&mut Self)) {
        if !self.require(field) {
            return;
        }
        for (index, item) in self.list(field).into_iter().enumerate() {
            let mut loc = self.at(field);
            loc.push(index.into());
            match Self::of(item, loc) {
                Ok(mut item) => {
                    read(&mut item);
                    self.violations.append(&mut item.violations);
                }
                Err(ShapeError(mut violations)) => self.violations.append(&mut violations),
            }
        }
    }

    /// A flag; pydantic also takes the usual words and numbers for one.
    pub(crate) fn flag(&mut self, field: &str, default: bool) -> bool {
        let (kind, message) = match self.fields.get(field) {
            None => return default,
            Some(Value::Bool(flag)) => return *flag,
            Some(Value::Number(number)) if number.as_f64() == Some(0.0) => return false,
            Some(Value::Number(number)) if number.as_f64() == Some(1.0) => return true,
            Some(Value::Number(number)) if !number.is_f64() => ("bool_parsing", NO_FLAG),
            Some(Value::String(word)) => match flag_of(word) {
                Some(flag) => return flag,
                None => ("bool_parsing", NO_FLAG),
            },
            Some(_) => ("bool_type", "Input should be a valid boolean"),
        };
        self.violate(kind, self.at(field), message, self.fields[field].clone());
        default
    }

    /// A list of texts that may be absent.
    pub(crate) fn texts(&mut self, field: &str) -> Vec<String> {
        let mut texts = Vec::new();
        for (index, item) in self.list(field).into_iter().enumerate() {
            if let Value::String(text) = item {
                texts.push(text);
            } else {
                let mut loc = self.at(field);
                loc.push(index.into());
                self.violate("string_type", loc, NO_TEXT, item);
            }
        }
        texts
    }

    /// A list of numbers that may be absent or null.
    pub(crate) fn numbers(&mut self, field: &str) {
        if !self.has(field) {
            return;
        }
        for (index, item) in self.list(field).into_iter().enumerate() {
            let mut loc = self.at(field);
            loc.push(index.into());
            match &item {
                Value::Number(_) | Value::Bool(_) => {}
                Value::String(text) if text.trim().parse::<f64>().is_ok() => {}
                Value::String(_) => {
                    let message =
                        "Input should be a valid number, unable to parse string as a number";
                    self.violate("float_parsing", loc, message, item);
                }
                _ => self.violate("float_type", loc, "Input should be a valid number", item),
            }
        }
    }

    fn list(&mut self, field: &str) -> Vec<Value> {
        match self.fields.get(field) {
            None => Vec::new(),
            Some(Value::Array(items)) => items.clone(),
            Some(other) => {
                let other = other.clone();
                self.violate("list_type", self.at(field), NO_LIST, other);
                Vec::new()
            }
        }
    }

    /// A whole number that may be absent or null, as pydantic reads one.
    pub(crate) fn whole_number(&mut self, field: &str) -> Option<i64> {
        let (kind, message) = match self.fields.get(field)? {
            Value::Null => return None,
            Value::Bool(flag) => return Some((*flag).into()),
            Value::Number(number) => match number.as_i64().or_else(|| whole(number.as_f64()?)) {
                Some(number) => return Some(number),
                None => (
                    "int_from_float",
                    "Input should be a valid integer, got a number with a fractional part",
                ),
            },
            Value::String(text) => match text.trim().parse() {
                Ok(number) => return Some(number),
                Err(_) => (
                    "int_parsing",
                    "Input should be a valid integer, unable to parse string as an integer",
                ),
            },
            _ => ("int_type", "Input should be a valid integer"),
        };
        self.violate(kind, self.at(field), message, self.fields[field].clone());
        None
    }

    /// Whether a field has a value.
    pub(crate) fn has(&self, field: &str) -> bool {
        self.fields.get(field).is_some_and(|value| !value.is_null())
    }

    /// A required object of arrays, taken out of the body.
    pub(crate) fn take_columns(&mut self, field: &str) -> Vec<RequestColumn> {
        if !self.require(field) {
            return Vec::new();
        }
        let columns = match self.fields.remove(field) {
            Some(Value::Object(columns)) => columns,
            other => {
                let other = other.unwrap_or_default();
                self.violate("dict_type", self.at(field), NO_DICTIONARY, other);
                return Vec::new();
            }
        };
        let mut taken = Vec::with_capacity(columns.len());
        for (name, values) in columns {
            if let Value::Array(values) = values {
                taken.push(RequestColumn { name, values: RequestValues::Json(values) });
            } else {
                let mut loc = self.at(field);
                loc.push(name.into());
                self.violate("list_type", loc, NO_LIST, values);
            }
        }
        taken
    }

    fn at(&self, field: &str) -> Vec<Value> {
        let mut loc = self.loc.clone();
        loc.push(field.into());
        loc
    }

    fn violate(
        &mut self,
        kind: &'static str,
        loc: Vec<Value>,
        message: &'static str,
        input: Value,
    ) {
        self.violations.push(Violation::new(kind, loc, message, input));
    }
}

/// The flag behind one of the words that pydantic takes for it.
fn flag_of(word: &str) -> Option<bool> {
    match word.to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "y" | "on" | "1" => Some(true),
        "false" | "f" | "no" | "n" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// A float without fraction as the number that it is.
#[expect(clippy::cast_possible_truncation, reason = "whole and small enough")]
fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64)
}
