//! Values as another type.

use std::collections::HashSet;

use larder_core::{Error, Result, Value, ValueType};

use super::instant::{offset_name, parse_instant};
use super::json::{parse_json, to_python_json, untyped};
use super::value::encode_value;
use crate::wire::json::write_float;

/// The value as `to`, as Feast 0.67 casts what it is given to the declared type of a feature or entity.
///
/// - Numbers come from numbers, booleans and numeric text; floats are cut to integers.
/// - Text comes from anything that Python's `str` writes plainly.
/// - Unix timestamps come from seconds (number or text) and, unlike in Feast, from ISO 8601 text and
///   from floats.
/// - Bytes come from base64 text.
/// - Maps, structs, lists and sets come from JSON text; items of lists are cast one by one.
/// - NaN in a scalar column is null, and so is a collection where a scalar is wanted.
/// - `Unknown` leaves the value as it is.
///
/// # Errors
/// `Invalid` when there is no such cast, or the number does not fit.
pub fn cast_value(value: Value, to: ValueType) -> Result<Value> {
    match (&value, to) {
        (Value::Null, _) | (_, ValueType::Null) => return Ok(Value::Null),
        (_, ValueType::Unknown) => return Ok(value),
        (Value::Double(number), _) if number.is_nan() => return Ok(Value::Null),
        (Value::Float(number), _) if number.is_nan() => return Ok(Value::Null),
        _ if value.value_type() == to => return Ok(value),
        _ => {}
    }
    match to {
        ValueType::Map => map(value, Value::Map, to),
        ValueType::Struct => map(value, Value::Struct, to),
        ValueType::ScalarMap => scalar_map(value),
        ValueType::ValueList => nested(value, Value::NestedList, to),
        ValueType::ValueSet => nested(value, Value::NestedSet, to),
        ValueType::Json => json(value),
        _ => match (to.list_element(), to.set_element()) {
            (Some(element), _) => Ok(Value::List(element, items(value, element, to)?)),
            (_, Some(element)) => Ok(Value::Set(element, distinct(items(value, element, to)?)?)),
            _ if is_collection(&value) => Ok(Value::Null),
            _ => scalar(value, to),
        },
    }
}

fn is_collection(value: &Value) -> bool {
    matches!(
        value,
        Value::Map(_)
            | Value::Struct(_)
            | Value::ScalarMap(_)
            | Value::List(..)
            | Value::Set(..)
            | Value::NestedList(_)
            | Value::NestedSet(_)
    )
}

fn no_cast(value: &Value, to: ValueType) -> Error {
    let shown = match value {
        Value::String(text) => format!(" \"{}\"", text.chars().take(60).collect::<String>()),
        _ => String::new(),
    };
    let from = value.value_type().name();
    Error::invalid(format!("a value{shown} of type {from} cannot become {}", to.name()))
}

fn scalar(value: Value, to: ValueType) -> Result<Value> {
    Ok(match to {
        ValueType::Int32 => {
            let number = integer(&value, to)?;
            Value::Int32(
                i32::try_from(number).map_err(|error| no_cast(&value, to).with_source(error))?,
            )
        }
        ValueType::Int64 => Value::Int64(integer(&value, to)?),
        ValueType::Double => not_nan(Value::Double(float(&value, to)?)),
        #[expect(clippy::cast_possible_truncation, reason = "a 32-bit float is asked for")]
        ValueType::Float => not_nan(Value::Float(float(&value, to)? as f32)),
        ValueType::Bool => match value {
            Value::Int32(number) => Value::Bool(number != 0),
            Value::Int64(number) => Value::Bool(number != 0),
            // A column of booleans with nulls may arrive as floats.
            Value::Double(0.0) | Value::Float(0.0) => Value::Bool(false),
            Value::Double(1.0) | Value::Float(1.0) => Value::Bool(true),
            value => return Err(no_cast(&value, to)),
        },
        ValueType::UnixTimestamp => Value::UnixTimestamp(seconds(&value)?),
        ValueType::ZonedTimestamp => zoned(&value)?,
        ValueType::String => Value::String(text(value, to)?),
        ValueType::Uuid => Value::Uuid(uuid(value, to)?),
        ValueType::TimeUuid => Value::TimeUuid(uuid(value, to)?),
        ValueType::Decimal if !matches!(value, Value::Bool(_)) => Value::Decimal(text(value, to)?),
        ValueType::Bytes | ValueType::PdfBytes | ValueType::ImageBytes => bytes(value, to)?,
        other => return Err(no_cast(&value, other)),
    })
}

fn not_nan(value: Value) -> Value {
    match value {
        Value::Double(number) if number.is_nan() => Value::Null,
        Value::Float(number) if number.is_nan() => Value::Null,
        value => value,
    }
}

fn integer(value: &Value, to: ValueType) -> Result<i64> {
    let whole = |number: f64| -> Option<i64> {
        // 2^63 itself is out of range; -2^63 is in it.
        let fits = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&number);
        #[expect(clippy::cast_possible_truncation, reason = "in range; Feast cuts the fraction")]
        fits.then_some(number as i64)
    };
    match value {
        Value::Int32(number) => Some(i64::from(*number)),
        Value::Int64(number) | Value::UnixTimestamp(number) => Some(*number),
        Value::Bool(truth) => Some(i64::from(*truth)),
        Value::Double(number) => whole(*number),
        Value::Float(number) => whole(f64::from(*number)),
        Value::String(text) | Value::Decimal(text) => text.trim().parse().ok(),
        _ => None,
    }
    .ok_or_else(|| no_cast(value, to))
}

fn float(value: &Value, to: ValueType) -> Result<f64> {
    match value {
        Value::Double(number) => Some(*number),
        Value::Float(number) => Some(f64::from(*number)),
        Value::String(text) | Value::Decimal(text) => text.trim().parse().ok(),
        other => integer(other, to).ok().map(|number| number as f64),
    }
    .ok_or_else(|| no_cast(value, to))
}

fn seconds(value: &Value) -> Result<i64> {
    match value {
        Value::ZonedTimestamp { unix_timestamp, .. } => Ok(*unix_timestamp),
        Value::String(text) => match text.trim().parse() {
            Ok(number) => Ok(number),
            Err(_) => Ok(parse_instant(text)?.at.seconds()),
        },
        other => integer(other, ValueType::UnixTimestamp),
    }
}

fn zoned(value: &Value) -> Result<Value> {
    match value {
        Value::UnixTimestamp(seconds) => {
            Ok(Value::ZonedTimestamp { unix_timestamp: *seconds, zone: String::new() })
        }
        Value::String(text) => {
            let instant = parse_instant(text)?;
            Ok(Value::ZonedTimestamp {
                unix_timestamp: instant.at.seconds(),
                zone: instant.offset.map(offset_name).unwrap_or_default(),
            })
        }
        other => Err(no_cast(other, ValueType::ZonedTimestamp)),
    }
}

/// What Python's `str` writes.
fn text(value: Value, to: ValueType) -> Result<String> {
    let python_float = |number: f64| {
        if number.is_finite() {
            let mut out = Vec::new();
            write_float(number, &mut out);
            String::from_utf8(out).expect("a float is ASCII")
        } else {
            if number > 0.0 { "inf" } else { "-inf" }.to_owned()
        }
    };
    Ok(match value {
        Value::String(text)
        | Value::Json(text)
        | Value::Uuid(text)
        | Value::TimeUuid(text)
        | Value::Decimal(text) => text,
        Value::Int32(number) => number.to_string(),
        Value::Int64(number) | Value::UnixTimestamp(number) => number.to_string(),
        Value::Double(number) => python_float(number),
        Value::Float(number) => python_float(f64::from(number)),
        Value::Bool(truth) => if truth { "True" } else { "False" }.to_owned(),
        other => return Err(no_cast(&other, to)),
    })
}

fn uuid(value: Value, to: ValueType) -> Result<String> {
    match value {
        Value::String(text) | Value::Uuid(text) | Value::TimeUuid(text) => Ok(text),
        // Parquet stores uuids as sixteen bytes.
        Value::Bytes(bytes) if bytes.len() == 16 => Ok(uuid_text(&bytes)),
        other => Err(no_cast(&other, to)),
    }
}

const HEX: &[u8; 16] = b"0123456789abcdef";

fn uuid_text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(36);
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.extend([byte >> 4, byte & 15].map(|digit| char::from(HEX[usize::from(digit)])));
    }
    text
}

fn bytes(value: Value, to: ValueType) -> Result<Value> {
    use base64::Engine as _;
    match value {
        // The Python-only types of bytes.
        Value::Bytes(bytes) => Ok(Value::Bytes(bytes)),
        Value::String(text) => {
            let decoded = base64::engine::general_purpose::STANDARD.decode(&text);
            decoded.map(Value::Bytes).map_err(|error| {
                Error::invalid("a bytes value is no base64 text").with_source(error)
            })
        }
        other => Err(no_cast(&other, to)),
    }
}

/// Valid JSON text stays as it is; everything else is dumped as Python dumps it.
fn json(value: Value) -> Result<Value> {
    match value {
        Value::String(text) => {
            parse_json(&text)?;
            Ok(Value::Json(text))
        }
        other => Ok(Value::Json(to_python_json(&other)?)),
    }
}

fn from_text(text: &str) -> Result<Value> {
    untyped(&parse_json(text)?)
}

fn map(value: Value, make: fn(Vec<(String, Value)>) -> Value, to: ValueType) -> Result<Value> {
    match value {
        Value::Map(entries) | Value::Struct(entries) => Ok(make(entries)),
        Value::String(text) | Value::Json(text) => match from_text(&text)? {
            Value::Null => Ok(Value::Null),
            Value::Map(entries) => Ok(make(entries)),
            other => Err(no_cast(&other, to)),
        },
        other => Err(no_cast(&other, to)),
    }
}

/// Keys arrive as JSON keys: whole numbers, other numbers, booleans or uuids.
fn scalar_map(value: Value) -> Result<Value> {
    let Value::Map(entries) = map(value, Value::Map, ValueType::ScalarMap)? else {
        return Ok(Value::Null);
    };
    let key = |text: &str| match (text, text.parse::<i64>(), text.parse::<f64>()) {
        ("true" | "True", ..) => Value::Bool(true),
        ("false" | "False", ..) => Value::Bool(false),
        (_, Ok(number), _) => Value::Int64(number),
        (_, _, Ok(number)) => Value::Double(number),
        _ => Value::Uuid(text.to_owned()),
    };
    let entries = entries.into_iter().map(|(name, value)| (key(&name), value));
    Ok(Value::ScalarMap(entries.collect()))
}

fn nested(value: Value, make: fn(Vec<Value>) -> Value, to: ValueType) -> Result<Value> {
    // Feast stores an empty inner collection as null.
    let inner = |item| match item {
        Value::List(_, items) | Value::Set(_, items) if items.is_empty() => Value::Null,
        item => item,
    };
    match value {
        Value::NestedList(items) | Value::NestedSet(items) => {
            Ok(make(items.into_iter().map(inner).collect()))
        }
        Value::List(_, items) if items.iter().all(Value::is_null) => Ok(make(items)),
        Value::String(text) | Value::Json(text) => nested(from_text(&text)?, make, to),
        other => Err(no_cast(&other, to)),
    }
}

fn items(value: Value, element: ValueType, to: ValueType) -> Result<Vec<Value>> {
    match value {
        Value::List(_, items) | Value::Set(_, items) => {
            items.into_iter().map(|item| item_as(item, element)).collect()
        }
        Value::NestedList(inner) if inner.iter().all(Value::is_null) => Ok(inner),
        Value::String(text) if text.is_empty() => Ok(Vec::new()),
        Value::String(text) | Value::Json(text) => match from_text(&text)? {
            Value::String(_) => Err(no_cast(&Value::String(text), to)),
            list => items(list, element, to),
        },
        // Feast parses list cells that arrive as bytes.
        Value::Bytes(bytes) => match String::from_utf8(bytes) {
            Ok(text) => items(Value::String(text), element, to),
            Err(error) => Err(Error::invalid("a list is no JSON text").with_source(error)),
        },
        other => Err(no_cast(&other, to)),
    }
}

/// Inside a list NaN is a number like any other.
fn item_as(item: Value, element: ValueType) -> Result<Value> {
    match (&item, element) {
        (Value::Double(_), ValueType::Double) | (Value::Float(_), ValueType::Float) => Ok(item),
        #[expect(clippy::cast_possible_truncation, reason = "a 32-bit float is asked for")]
        (Value::Double(number), ValueType::Float) => Ok(Value::Float(*number as f32)),
        (Value::Float(number), ValueType::Double) => Ok(Value::Double(f64::from(*number))),
        (item, element) if is_collection(item) && !is_map(element) => Err(no_cast(item, element)),
        _ => cast_value(item, element),
    }
}

fn is_map(value_type: ValueType) -> bool {
    matches!(value_type, ValueType::Map | ValueType::Struct | ValueType::Json)
}

/// The items without repetitions, in order; two are the same if their bytes are.
fn distinct(items: Vec<Value>) -> Result<Vec<Value>> {
    let mut seen = HashSet::with_capacity(items.len());
    let mut kept = Vec::with_capacity(items.len());
    for item in items {
        let mut encoded = Vec::new();
        encode_value(&item, &mut encoded)?;
        if seen.insert(encoded) {
            kept.push(item);
        }
    }
    Ok(kept)
}
