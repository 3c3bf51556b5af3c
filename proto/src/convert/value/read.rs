//! Values from messages.

use larder_core::{Value, ValueType};

use crate::feast::types::{self, map_key, value::Val};

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
