//! JSON as values: what arrives over HTTP or as text in a column.

use std::io;

use larder_core::{Error, Result, Value, ValueType};
use serde::Serialize as _;
use serde_json::Value as Json;
use serde_json::ser::Formatter;

use super::cast::cast_value;
use super::value::encode_value;
use crate::wire::json::{write_float, write_value};

/// A JSON value as the declared type, see [`cast_value`]. Lists of floats may name `NaN` and the infinities, as answers do.
///
/// # Errors
/// `Invalid` when the value cannot be of that type.
pub fn value_from_json(json: &Json, value_type: ValueType) -> Result<Value> {
    match (json, value_type) {
        (Json::Null, _) => Ok(Value::Null),
        (json, ValueType::Json) => json_text(json).map(Value::Json),
        (Json::Array(items), ValueType::JsonList) => {
            let items = items.iter().map(|item| json_text(item).map(Value::Json));
            Ok(Value::List(ValueType::Json, items.collect::<Result<_>>()?))
        }
        (Json::Array(items), to) if is_of_floats(to) && items.iter().any(Json::is_string) => {
            let items = items.iter().map(|item| match item.as_str().and_then(special) {
                Some(number) => Ok(Value::Double(number)),
                None => cast_value(untyped(item)?, ValueType::Double),
            });
            cast_value(Value::List(ValueType::Double, items.collect::<Result<_>>()?), to)
        }
        (json, value_type) => cast_value(untyped(json)?, value_type),
    }
}

fn is_of_floats(value_type: ValueType) -> bool {
    let element = value_type.list_element().or_else(|| value_type.set_element());
    matches!(element, Some(ValueType::Double | ValueType::Float))
}

/// A number that JSON has no word for, by the name under which servers answer it.
fn special(name: &str) -> Option<f64> {
    match name {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

/// Text must be valid JSON and stays as it is; everything else is dumped as Python dumps it.
fn json_text(json: &Json) -> Result<String> {
    match json {
        Json::String(text) => parse_json(text).map(|_| text.clone()),
        other => dump(other),
    }
}

/// A JSON value without declared type, as Feast 0.67 infers it: whole numbers are 64-bit integers,
/// others doubles; a list has the type of its items, with null among numbers as NaN; an empty list is
/// one of integers; objects are maps.
///
/// # Errors
/// `Invalid` for a list that mixes types, or a number beyond 64 bits.
pub fn infer_value(json: &Json) -> Result<Value> {
    let value = untyped(json)?;
    Ok(match value {
        Value::List(ValueType::Int64 | ValueType::Double, items)
            if items.iter().any(Value::is_null) =>
        {
            let number = |item| match item {
                #[expect(clippy::cast_precision_loss, reason = "Feast makes a double list of it")]
                Value::Int64(number) => Value::Double(number as f64),
                Value::Null => Value::Double(f64::NAN),
                item => item,
            };
            Value::List(ValueType::Double, items.into_iter().map(number).collect())
        }
        value => value,
    })
}

/// The type of a column of JSON values without declared type: the type of its values, doubles if
/// whole numbers and others occur; `Unknown` when all are null.
///
/// # Errors
/// `Invalid` when the values have no common type.
pub fn infer_column_type<'a>(column: impl IntoIterator<Item = &'a Json>) -> Result<ValueType> {
    let mut common = ValueType::Unknown;
    for json in column {
        let found = infer_value(json)?.value_type();
        common = match (common, found) {
            (known, ValueType::Unknown) => known,
            (ValueType::Unknown, found) => found,
            (known, found) if known == found => known,
            (ValueType::Int64, ValueType::Double) | (ValueType::Double, ValueType::Int64) => {
                ValueType::Double
            }
            (ValueType::Int64List, ValueType::DoubleList)
            | (ValueType::DoubleList, ValueType::Int64List) => ValueType::DoubleList,
            (known, found) => {
                let (known, found) = (known.name(), found.name());
                return Err(Error::invalid(format!("a column mixes {known} and {found}")));
            }
        };
    }
    Ok(common)
}

/// The value with the type that it has in JSON; nulls inside lists stay.
pub(crate) fn untyped(json: &Json) -> Result<Value> {
    Ok(match json {
        Json::Null => Value::Null,
        Json::Bool(truth) => Value::Bool(*truth),
        Json::String(text) => Value::String(text.clone()),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Value::Int64(whole),
            (None, Some(float)) if number.is_f64() => Value::Double(float),
            _ => return Err(Error::invalid(format!("number {number} does not fit in 64 bits"))),
        },
        Json::Object(entries) => {
            let mut entries: Vec<(String, Value)> = entries
                .iter()
                .map(|(name, value)| Ok((name.clone(), infer_value(value)?)))
                .collect::<Result<_>>()?;
            entries.sort_by(|(left, _), (right, _)| left.cmp(right));
            Value::Map(entries)
        }
        Json::Array(items) => untyped_list(items)?,
    })
}

fn untyped_list(items: &[Json]) -> Result<Value> {
    let first = items.iter().find(|item| !item.is_null());
    let values: Vec<Value> = items.iter().map(untyped).collect::<Result<_>>()?;
    if matches!(first, Some(Json::Array(_))) {
        // Feast stores an empty inner collection as null.
        let inner = |value| match value {
            Value::List(_, items) if items.is_empty() => Value::Null,
            value => value,
        };
        return Ok(Value::NestedList(values.into_iter().map(inner).collect()));
    }
    let mut element = ValueType::Unknown;
    for value in &values {
        element = match (element, value.value_type()) {
            (known, ValueType::Unknown) => known,
            (ValueType::Unknown, found) => found,
            (known, found) if known == found => known,
            (ValueType::Int64, ValueType::Double) | (ValueType::Double, ValueType::Int64) => {
                ValueType::Double
            }
            (known, found) => {
                let (known, found) = (known.name(), found.name());
                return Err(Error::invalid(format!("a list mixes {known} and {found}")));
            }
        };
    }
    match element {
        ValueType::Unknown => Ok(Value::List(ValueType::Int64, values)),
        ValueType::Double => {
            let widen = |value| match value {
                #[expect(clippy::cast_precision_loss, reason = "the other items are doubles")]
                Value::Int64(number) => Value::Double(number as f64),
                value => value,
            };
            Ok(Value::List(element, values.into_iter().map(widen).collect()))
        }
        element => Ok(Value::List(element, values)),
    }
}

/// Parses JSON text.
pub(crate) fn parse_json(text: &str) -> Result<Json> {
    serde_json::from_str(text)
        .map_err(|error| Error::invalid("a text is not valid JSON").with_source(error))
}

/// A value as JSON text in Python's spelling.
pub(crate) fn to_python_json(value: &Value) -> Result<String> {
    let (mut encoded, mut compact) = (Vec::new(), Vec::new());
    encode_value(value, &mut encoded)?;
    write_value(&encoded, &mut compact)?;
    let json: Json = serde_json::from_slice(&compact)
        .map_err(|error| Error::internal("a value became invalid JSON").with_source(error))?;
    dump(&json)
}

/// JSON text as Python's `json.dumps` writes it: blanks after separators, everything but ASCII escaped.
fn dump(json: &Json) -> Result<String> {
    let mut out = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, Python);
    json.serialize(&mut serializer)
        .map_err(|error| Error::internal("a JSON value cannot be written").with_source(error))?;
    String::from_utf8(out)
        .map_err(|error| Error::internal("a JSON text is not UTF-8").with_source(error))
}

/// The separators and escapes of Python's `json.dumps`.
struct Python;

impl Formatter for Python {
    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn write_f64<W: ?Sized + io::Write>(&mut self, writer: &mut W, number: f64) -> io::Result<()> {
        let mut out = Vec::new();
        write_float(number, &mut out);
        writer.write_all(&out)
    }

    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        for character in fragment.chars() {
            if character.is_ascii() {
                write!(writer, "{character}")?;
            } else {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }
}
