//! Values: domain, message and bytes.

use larder_core::{Error, Result, Value, ValueType};
use prost::Message as _;

use crate::feast::types::{self, map_key, value::Val};
use crate::wire::value as wire;

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

/// The value of a message; nothing set and `null_val` are both null.
pub fn value_from_proto(value: types::Value) -> Value {
    value.val.map_or(Value::Null, from_val)
}

fn from_val(val: Val) -> Value {
    use ValueType as T;
    match val {
        Val::NullVal(_) => Value::Null,
        Val::BytesVal(bytes) => Value::Bytes(bytes),
        Val::StringVal(text) => Value::String(text),
        Val::Int32Val(number) => Value::Int32(number),
        Val::Int64Val(number) => Value::Int64(number),
        Val::DoubleVal(number) => Value::Double(number),
        Val::FloatVal(number) => Value::Float(number),
        Val::BoolVal(truth) => Value::Bool(truth),
        Val::UnixTimestampVal(seconds) => Value::UnixTimestamp(seconds),
        Val::JsonVal(text) => Value::Json(text),
        Val::UuidVal(text) => Value::Uuid(text),
        Val::TimeUuidVal(text) => Value::TimeUuid(text),
        Val::DecimalVal(text) => Value::Decimal(text),
        Val::ZonedTimestampVal(at) => {
            Value::ZonedTimestamp { unix_timestamp: at.unix_timestamp, zone: at.zone }
        }
        Val::MapVal(map) => Value::Map(entries(map)),
        Val::StructVal(map) => Value::Struct(entries(map)),
        Val::MapListVal(list) => map_items(T::Map, list, Value::Map),
        Val::StructListVal(list) => map_items(T::Struct, list, Value::Struct),
        Val::ScalarMapVal(map) => Value::ScalarMap(map.val.into_iter().map(scalar_entry).collect()),
        Val::ListVal(list) => Value::NestedList(values(list)),
        Val::SetVal(list) => Value::NestedSet(values(list)),
        list @ (Val::BytesListVal(_)
        | Val::StringListVal(_)
        | Val::Int32ListVal(_)
        | Val::Int64ListVal(_)
        | Val::DoubleListVal(_)
        | Val::FloatListVal(_)
        | Val::BoolListVal(_)
        | Val::UnixTimestampListVal(_)
        | Val::JsonListVal(_)
        | Val::UuidListVal(_)
        | Val::TimeUuidListVal(_)
        | Val::DecimalListVal(_)) => from_list(list),
        set => from_set(set),
    }
}

fn from_list(list: Val) -> Value {
    use ValueType as T;
    match list {
        Val::BytesListVal(list) => items(Value::List, T::Bytes, list.val, Value::Bytes),
        Val::StringListVal(list) => items(Value::List, T::String, list.val, Value::String),
        Val::Int32ListVal(list) => items(Value::List, T::Int32, list.val, Value::Int32),
        Val::Int64ListVal(list) => items(Value::List, T::Int64, list.val, Value::Int64),
        Val::DoubleListVal(list) => items(Value::List, T::Double, list.val, Value::Double),
        Val::FloatListVal(list) => items(Value::List, T::Float, list.val, Value::Float),
        Val::BoolListVal(list) => items(Value::List, T::Bool, list.val, Value::Bool),
        Val::UnixTimestampListVal(list) => {
            items(Value::List, T::UnixTimestamp, list.val, Value::UnixTimestamp)
        }
        Val::JsonListVal(list) => items(Value::List, T::Json, list.val, Value::Json),
        Val::UuidListVal(list) => items(Value::List, T::Uuid, list.val, Value::Uuid),
        Val::TimeUuidListVal(list) => items(Value::List, T::TimeUuid, list.val, Value::TimeUuid),
        Val::DecimalListVal(list) => items(Value::List, T::Decimal, list.val, Value::Decimal),
        _ => unreachable!("called for lists only"),
    }
}

fn from_set(set: Val) -> Value {
    use ValueType as T;
    match set {
        Val::BytesSetVal(set) => items(Value::Set, T::Bytes, set.val, Value::Bytes),
        Val::StringSetVal(set) => items(Value::Set, T::String, set.val, Value::String),
        Val::Int32SetVal(set) => items(Value::Set, T::Int32, set.val, Value::Int32),
        Val::Int64SetVal(set) => items(Value::Set, T::Int64, set.val, Value::Int64),
        Val::DoubleSetVal(set) => items(Value::Set, T::Double, set.val, Value::Double),
        Val::FloatSetVal(set) => items(Value::Set, T::Float, set.val, Value::Float),
        Val::BoolSetVal(set) => items(Value::Set, T::Bool, set.val, Value::Bool),
        Val::UnixTimestampSetVal(set) => {
            items(Value::Set, T::UnixTimestamp, set.val, Value::UnixTimestamp)
        }
        Val::UuidSetVal(set) => items(Value::Set, T::Uuid, set.val, Value::Uuid),
        Val::TimeUuidSetVal(set) => items(Value::Set, T::TimeUuid, set.val, Value::TimeUuid),
        Val::DecimalSetVal(set) => items(Value::Set, T::Decimal, set.val, Value::Decimal),
        _ => unreachable!("called for sets only"),
    }
}

fn items<T>(
    collection: fn(ValueType, Vec<Value>) -> Value,
    element: ValueType,
    items: Vec<T>,
    item: fn(T) -> Value,
) -> Value {
    collection(element, items.into_iter().map(item).collect())
}

fn map_items(
    element: ValueType,
    list: types::MapList,
    item: fn(Vec<(String, Value)>) -> Value,
) -> Value {
    Value::List(element, list.val.into_iter().map(|map| item(entries(map))).collect())
}

fn entries(map: types::Map) -> Vec<(String, Value)> {
    map.val.into_iter().map(|(key, value)| (key, value_from_proto(value))).collect()
}

fn values(list: types::RepeatedValue) -> Vec<Value> {
    list.val.into_iter().map(value_from_proto).collect()
}

fn scalar_entry(entry: types::ScalarMapEntry) -> (Value, Value) {
    use map_key::Key;
    let key = match entry.key.and_then(|key| key.key) {
        None => Value::Null,
        Some(Key::Int32Key(number)) => Value::Int32(number),
        Some(Key::Int64Key(number)) => Value::Int64(number),
        Some(Key::FloatKey(number)) => Value::Float(number),
        Some(Key::DoubleKey(number)) => Value::Double(number),
        Some(Key::BoolKey(truth)) => Value::Bool(truth),
        Some(Key::UnixTimestampKey(seconds)) => Value::UnixTimestamp(seconds),
        Some(Key::BytesKey(bytes)) => Value::Bytes(bytes),
        Some(Key::UuidKey(text)) => Value::Uuid(text),
        Some(Key::TimeUuidKey(text)) => Value::TimeUuid(text),
        Some(Key::DecimalKey(text)) => Value::Decimal(text),
    };
    (key, entry.value.map_or(Value::Null, value_from_proto))
}

/// Appends the encoded message of a value; null is no bytes.
///
/// # Errors
/// Those of [`value_to_proto`].
pub fn encode_value(value: &Value, out: &mut Vec<u8>) -> Result<()> {
    match value {
        Value::Null => {}
        Value::Bytes(bytes) => wire::put_raw(bytes, out),
        Value::Int32(number) => wire::put_int32(*number, out),
        Value::Int64(number) => wire::put_int64(*number, out),
        Value::Double(number) => wire::put_double(*number, out),
        Value::Float(number) => wire::put_float(*number, out),
        Value::Bool(truth) => wire::put_bool(*truth, out),
        Value::UnixTimestamp(seconds) => wire::put_unix_timestamp(*seconds, out),
        Value::String(text)
        | Value::Json(text)
        | Value::Uuid(text)
        | Value::TimeUuid(text)
        | Value::Decimal(text) => wire::put_text(value.value_type(), text, out),
        nested => value_to_proto(nested)?.encode(out).expect("a vector grows as needed"),
    }
    Ok(())
}

/// The value behind encoded bytes.
///
/// # Errors
/// `Data` when the bytes are malformed.
pub fn decode_value(bytes: &[u8]) -> Result<Value> {
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    types::Value::decode(bytes)
        .map(value_from_proto)
        .map_err(|error| Error::data("a stored value cannot be decoded").with_source(error))
}
