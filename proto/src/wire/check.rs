//! Whether stored bytes are a value at all, found out before they are copied into an answer.

use larder_core::{Error, Result, ValueType};

use super::json::{MAX_DEPTH, map_key_type};
use super::list::Items;
use super::message::{Content, Fields};
use super::value::{NULL_VAL, double, float, is_text, value_type};

const INT32: u8 = 3 << 3;
const INT64: u8 = 4 << 3;
const DOUBLE: u8 = (5 << 3) | 1;
const FLOAT: u8 = (6 << 3) | 5;
const BOOL: u8 = 7 << 3;

/// Whether `value` is an encoded `feast.types.Value` that can be read to its last byte.
///
/// What this accepts, [`write_value`](super::json::write_value) writes and a protobuf decoder decodes. Fields that
/// 0.67 does not know are skipped. Numbers, which nearly every stored value is, cost one comparison.
#[inline]
pub fn is_readable(value: &[u8]) -> bool {
    match *value {
        [] | [DOUBLE, _, _, _, _, _, _, _, _] | [FLOAT, _, _, _, _] => true,
        [INT32 | INT64 | BOOL, byte] => byte < 0x80,
        _ => check_value(value, 0).is_ok(),
    }
}

fn check_value(value: &[u8], depth: usize) -> Result<()> {
    if depth > MAX_DEPTH {
        return Err(Error::data(format!("a stored value nests deeper than {MAX_DEPTH} levels")));
    }
    for field in Fields::new(value) {
        let field = field?;
        match value_type(field.number) {
            Some(value_type) => check_content(value_type, field.content, depth)?,
            None if field.number == NULL_VAL => check_scalar(ValueType::Int32, field.content)?,
            None => {}
        }
    }
    Ok(())
}

fn check_content(value_type: ValueType, content: Content<'_>, depth: usize) -> Result<()> {
    match value_type {
        ValueType::ScalarMap => check_scalar_map(content.bytes()?, depth),
        ValueType::ZonedTimestamp => check_zoned(content.bytes()?),
        ValueType::Map | ValueType::Struct => check_map(content.bytes()?, depth),
        ValueType::MapList | ValueType::StructList => Items::new(ValueType::Map, content.bytes()?)
            .try_for_each(|map| check_map(map?.bytes()?, depth)),
        ValueType::ValueList | ValueType::ValueSet => {
            Items::new(ValueType::Unknown, content.bytes()?)
                .try_for_each(|value| check_value(value?.bytes()?, depth + 1))
        }
        _ => match value_type.list_element().or_else(|| value_type.set_element()) {
            Some(element) => Items::new(element, content.bytes()?)
                .try_for_each(|item| check_scalar(element, item?)),
            None => check_scalar(value_type, content),
        },
    }
}

fn check_scalar(value_type: ValueType, content: Content<'_>) -> Result<()> {
    match value_type {
        ValueType::Double => double(content).map(|_| ()),
        ValueType::Float => float(content).map(|_| ()),
        ValueType::Bytes => content.bytes().map(|_| ()),
        text if is_text(text) => content.text().map(|_| ()),
        _ => content.varint().map(|_| ()),
    }
}

/// A `Map`: entries with key 1 and value 2.
fn check_map(map: &[u8], depth: usize) -> Result<()> {
    check_entries(map, |part, content| match part {
        1 => check_scalar(ValueType::String, content),
        2 => check_value(content.bytes()?, depth + 1),
        _ => Ok(()),
    })
}

/// A `ScalarMap`: entries with a `MapKey` 1 and a value 2.
fn check_scalar_map(map: &[u8], depth: usize) -> Result<()> {
    check_entries(map, |part, content| match part {
        1 => check_map_key(content.bytes()?),
        2 => check_value(content.bytes()?, depth + 1),
        _ => Ok(()),
    })
}

fn check_map_key(key: &[u8]) -> Result<()> {
    Fields::new(key).try_for_each(|field| {
        let field = field?;
        map_key_type(field.number).map_or(Ok(()), |key| check_scalar(key, field.content))
    })
}

/// Seconds 1 and zone 2.
fn check_zoned(message: &[u8]) -> Result<()> {
    Fields::new(message).try_for_each(|field| {
        let field = field?;
        match field.number {
            1 => check_scalar(ValueType::Int64, field.content),
            2 => check_scalar(ValueType::String, field.content),
            _ => Ok(()),
        }
    })
}

/// The parts of the entries of a map, which are its field 1.
fn check_entries<'a>(map: &'a [u8], check: impl Fn(u32, Content<'a>) -> Result<()>) -> Result<()> {
    for entry in Fields::new(map) {
        let entry = entry?;
        if entry.number == 1 {
            for part in Fields::new(entry.content.bytes()?) {
                let part = part?;
                check(part.number, part.content)?;
            }
        }
    }
    Ok(())
}
