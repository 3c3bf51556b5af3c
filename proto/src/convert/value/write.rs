//! Values to messages.

use larder_core::{Error, Result, Value, ValueType};

use crate::feast::types::{self, map_key, value::Val};

/// Feast's marker for a missing instant inside lists.
const NOT_A_TIME: i64 = i64::MIN;

/// The message of a value; null is the message with nothing set.
///
/// Feast 0.67: a null inside a list or set becomes an empty text, zero, false or the smallest 64-bit
/// integer (unix timestamps).
///
/// # Errors
/// `Invalid` when an item of a list or set is not of its element type, or a scalar map has a key that
/// is no scalar.
pub fn value_to_proto(value: &Value) -> Result<types::Value> {
    Ok(types::Value { val: to_val(value)? })
}

fn to_val(value: &Value) -> Result<Option<Val>> {
    Ok(Some(match value {
        Value::Null => return Ok(None),
        Value::Bytes(bytes) => Val::BytesVal(bytes.clone()),
        Value::String(text) => Val::StringVal(text.clone()),
        Value::Int32(number) => Val::Int32Val(*number),
        Value::Int64(number) => Val::Int64Val(*number),
        Value::Double(number) => Val::DoubleVal(*number),
        Value::Float(number) => Val::FloatVal(*number),
        Value::Bool(truth) => Val::BoolVal(*truth),
        Value::UnixTimestamp(seconds) => Val::UnixTimestampVal(*seconds),
        Value::Json(text) => Val::JsonVal(text.clone()),
        Value::Uuid(text) => Val::UuidVal(text.clone()),
        Value::TimeUuid(text) => Val::TimeUuidVal(text.clone()),
        Value::Decimal(text) => Val::DecimalVal(text.clone()),
        Value::ZonedTimestamp { unix_timestamp, zone } => {
            Val::ZonedTimestampVal(types::ZonedTimestamp {
                unix_timestamp: *unix_timestamp,
                zone: zone.clone(),
            })
        }
        Value::Map(entries) => Val::MapVal(map(entries)?),
        Value::Struct(entries) => Val::StructVal(map(entries)?),
        Value::ScalarMap(entries) => Val::ScalarMapVal(scalar_map(entries)?),
        Value::List(element, items) => list(*element, items)?,
        Value::Set(element, items) => set(*element, items)?,
        Value::NestedList(items) => Val::ListVal(repeated(items)?),
        Value::NestedSet(items) => Val::SetVal(repeated(items)?),
    }))
}

fn list(element: ValueType, items: &[Value]) -> Result<Val> {
    Ok(match element {
        ValueType::Bytes => Val::BytesListVal(types::BytesList { val: bytes(items)? }),
        ValueType::String => Val::StringListVal(texts(element, items)?),
        ValueType::Int32 => Val::Int32ListVal(types::Int32List { val: int32s(items)? }),
        ValueType::Int64 => Val::Int64ListVal(types::Int64List { val: int64s(items)? }),
        ValueType::Double => Val::DoubleListVal(types::DoubleList { val: doubles(items)? }),
        ValueType::Float => Val::FloatListVal(types::FloatList { val: floats(items)? }),
        ValueType::Bool => Val::BoolListVal(types::BoolList { val: bools(items)? }),
        ValueType::UnixTimestamp => {
            Val::UnixTimestampListVal(types::Int64List { val: instants(items)? })
        }
        ValueType::Json => Val::JsonListVal(texts(element, items)?),
        ValueType::Uuid => Val::UuidListVal(texts(element, items)?),
        ValueType::TimeUuid => Val::TimeUuidListVal(texts(element, items)?),
        ValueType::Decimal => Val::DecimalListVal(texts(element, items)?),
        ValueType::Map => Val::MapListVal(maps(element, items)?),
        ValueType::Struct => Val::StructListVal(maps(element, items)?),
        other => return Err(no_collection("list", other)),
    })
}

fn set(element: ValueType, items: &[Value]) -> Result<Val> {
    let texts = |items| texts(element, items).map(|list| types::StringSet { val: list.val });
    Ok(match element {
        ValueType::Bytes => Val::BytesSetVal(types::BytesSet { val: bytes(items)? }),
        ValueType::String => Val::StringSetVal(texts(items)?),
        ValueType::Int32 => Val::Int32SetVal(types::Int32Set { val: int32s(items)? }),
        ValueType::Int64 => Val::Int64SetVal(types::Int64Set { val: int64s(items)? }),
        ValueType::Double => Val::DoubleSetVal(types::DoubleSet { val: doubles(items)? }),
        ValueType::Float => Val::FloatSetVal(types::FloatSet { val: floats(items)? }),
        ValueType::Bool => Val::BoolSetVal(types::BoolSet { val: bools(items)? }),
        ValueType::UnixTimestamp => {
            Val::UnixTimestampSetVal(types::Int64Set { val: instants(items)? })
        }
        ValueType::Uuid => Val::UuidSetVal(texts(items)?),
        ValueType::TimeUuid => Val::TimeUuidSetVal(texts(items)?),
        ValueType::Decimal => Val::DecimalSetVal(texts(items)?),
        other => return Err(no_collection("set", other)),
    })
}

fn no_collection(what: &str, element: ValueType) -> Error {
    Error::invalid(format!("there is no {what} of {}", element.name()))
}

/// The items of a list, with `null` in the place of nulls.
fn each<T: Clone>(
    element: ValueType,
    items: &[Value],
    null: &T,
    read: impl Fn(&Value) -> Option<T>,
) -> Result<Vec<T>> {
    let convert = |item: &Value| match item {
        Value::Null => Ok(null.clone()),
        item => read(item).ok_or_else(|| {
            let (found, expected) = (item.value_type().name(), element.name());
            Error::invalid(format!("a list of {expected} holds an item of type {found}"))
        }),
    };
    items.iter().map(convert).collect()
}

macro_rules! readers {
    ($($name:ident, $variant:ident, $target:ty, $null:expr;)+) => {
        $(fn $name(items: &[Value]) -> Result<Vec<$target>> {
            each(ValueType::$variant, items, &$null, |item| match item {
                Value::$variant(content) => Some(content.clone()),
                _ => None,
            })
        })+
    };
}

readers! {
    bytes, Bytes, Vec<u8>, Vec::new();
    int32s, Int32, i32, 0;
    int64s, Int64, i64, 0;
    doubles, Double, f64, 0.0;
    floats, Float, f32, 0.0;
    bools, Bool, bool, false;
    instants, UnixTimestamp, i64, NOT_A_TIME;
}

fn texts(element: ValueType, items: &[Value]) -> Result<types::StringList> {
    let read = |item: &Value| match item {
        Value::String(text)
        | Value::Json(text)
        | Value::Uuid(text)
        | Value::TimeUuid(text)
        | Value::Decimal(text)
            if item.value_type() == element =>
        {
            Some(text.clone())
        }
        _ => None,
    };
    Ok(types::StringList { val: each(element, items, &String::new(), read)? })
}

fn maps(element: ValueType, items: &[Value]) -> Result<types::MapList> {
    let read = |item: &Value| match item {
        Value::Map(entries) | Value::Struct(entries) if item.value_type() == element => {
            Some(map(entries))
        }
        _ => None,
    };
    let mut val = Vec::with_capacity(items.len());
    for item in items {
        match item {
            Value::Null => val.push(types::Map::default()),
            item => val.push(read(item).ok_or_else(|| {
                let (found, expected) = (item.value_type().name(), element.name());
                Error::invalid(format!("a list of {expected} holds an item of type {found}"))
            })??),
        }
    }
    Ok(types::MapList { val })
}

fn map(entries: &[(String, Value)]) -> Result<types::Map> {
    let convert = |(key, value): &(String, Value)| Ok((key.clone(), value_to_proto(value)?));
    Ok(types::Map { val: entries.iter().map(convert).collect::<Result<_>>()? })
}

fn repeated(items: &[Value]) -> Result<types::RepeatedValue> {
    Ok(types::RepeatedValue { val: items.iter().map(value_to_proto).collect::<Result<_>>()? })
}

fn scalar_map(entries: &[(Value, Value)]) -> Result<types::ScalarMap> {
    let convert = |(key, value): &(Value, Value)| {
        Ok(types::ScalarMapEntry {
            key: Some(types::MapKey { key: map_key(key)? }),
            value: Some(value_to_proto(value)?),
        })
    };
    Ok(types::ScalarMap { val: entries.iter().map(convert).collect::<Result<_>>()? })
}

fn map_key(key: &Value) -> Result<Option<map_key::Key>> {
    use map_key::Key;
    Ok(Some(match key {
        Value::Null => return Ok(None),
        Value::Int32(number) => Key::Int32Key(*number),
        Value::Int64(number) => Key::Int64Key(*number),
        Value::Float(number) => Key::FloatKey(*number),
        Value::Double(number) => Key::DoubleKey(*number),
        Value::Bool(truth) => Key::BoolKey(*truth),
        Value::UnixTimestamp(seconds) => Key::UnixTimestampKey(*seconds),
        Value::Bytes(bytes) => Key::BytesKey(bytes.clone()),
        Value::Uuid(text) => Key::UuidKey(text.clone()),
        Value::TimeUuid(text) => Key::TimeUuidKey(text.clone()),
        Value::Decimal(text) => Key::DecimalKey(text.clone()),
        other => {
            let name = other.value_type().name();
            return Err(Error::invalid(format!("a scalar map cannot have keys of type {name}")));
        }
    }))
}
