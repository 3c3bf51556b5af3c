//! Encoded values as JSON, as Feast 0.67's HTTP server writes them.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, FixedOffset, Offset as _, TimeZone as _, Utc};
use chrono_tz::Tz;
use larder_core::{Error, Result, ValueType};

use super::list::Items;
use super::message::{Content, Fields, find_bytes};
use super::value::{double, float, int32, is_text, set_field};
use super::{float::write_finite, timestamp};

/// Maps and lists may nest this deep.
pub(super) const MAX_DEPTH: usize = 64;

/// Feast's marker for a missing instant.
const NOT_A_TIME: i64 = i64::MIN;

/// Appends one encoded `feast.types.Value` as JSON text, straight from its bytes.
///
/// Null is `null`; bytes are base64; integers are never quoted; floats look as Python prints them and
/// those that JSON cannot hold are the texts `"NaN"`, `"Infinity"` and `"-Infinity"`; unix timestamps
/// are seconds; zoned timestamps are ISO 8601 in their zone. Feast 0.67: scalar maps are `null`.
///
/// # Errors
/// `Data` when the bytes are malformed or nest deeper than 64 levels; `out` may then hold a part.
#[inline]
pub fn write_value(value: &[u8], out: &mut Vec<u8>) -> Result<()> {
    if write_lone_scalar(value, out) { Ok(()) } else { write_nested(value, 0, out) }
}

/// Writes a null or a number that is the only field of its message, as nearly every stored value is.
///
/// Such a message needs no walk over its fields.
#[inline]
fn write_lone_scalar(value: &[u8], out: &mut Vec<u8>) -> bool {
    const DOUBLE: u8 = (5 << 3) | 1;
    const FLOAT: u8 = (6 << 3) | 5;
    match value {
        [] => out.extend_from_slice(b"null"),
        [DOUBLE, bits @ ..] if bits.len() == 8 => {
            let bits = bits.first_chunk().expect("eight bytes");
            write_float(f64::from_le_bytes(*bits), out);
        }
        [FLOAT, bits @ ..] if bits.len() == 4 => {
            let bits = bits.first_chunk().expect("four bytes");
            write_float(f64::from(f32::from_le_bytes(*bits)), out);
        }
        _ => return false,
    }
    true
}

/// A map, struct, nested list, scalar map or zoned timestamp as text in a column: the timestamp
/// without quotes, a scalar map as an object.
///
/// # Errors
/// As [`write_value`].
pub(crate) fn nested_text(value: &[u8]) -> Result<Option<String>> {
    let mut out = Vec::new();
    match set_field(value)? {
        None => return Ok(None),
        Some((ValueType::ZonedTimestamp, content)) => return zoned_message(content.bytes()?),
        Some((ValueType::ScalarMap, content)) => write_scalar_map(content.bytes()?, &mut out)?,
        Some(_) => write_value(value, &mut out)?,
    }
    Ok(Some(String::from_utf8(out).expect("JSON is written as UTF-8")))
}

/// A `ScalarMap`: entries with a key of one of ten types, whose text becomes the name.
fn write_scalar_map(map: &[u8], out: &mut Vec<u8>) -> Result<()> {
    out.push(b'{');
    for (index, entry) in Items::new(ValueType::Map, map).enumerate() {
        if index > 0 {
            out.push(b',');
        }
        let entry = entry?.bytes()?;
        let mut name = Vec::new();
        for key in Fields::new(find_bytes(entry, 1)?.unwrap_or_default()) {
            let key = key?;
            let number = key.number;
            let key_type = map_key_type(number).ok_or_else(|| {
                Error::data(format!("a scalar map has a key of unknown type {number}"))
            })?;
            name.clear();
            write_scalar(key_type, key.content, &mut name)?;
        }
        if name.first() == Some(&b'"') {
            out.extend_from_slice(&name);
        } else {
            write_str(std::str::from_utf8(&name).expect("scalars are ASCII"), out);
        }
        out.push(b':');
        write_nested(find_bytes(entry, 2)?.unwrap_or_default(), 1, out)?;
    }
    out.push(b'}');
    Ok(())
}

/// The type of a field of `feast.types.MapKey`.
pub(super) fn map_key_type(number: u32) -> Option<ValueType> {
    Some(match number {
        1 => ValueType::Int32,
        2 => ValueType::Int64,
        3 => ValueType::Float,
        4 => ValueType::Double,
        5 => ValueType::Bool,
        6 => ValueType::UnixTimestamp,
        7 => ValueType::Bytes,
        8 => ValueType::Uuid,
        9 => ValueType::TimeUuid,
        10 => ValueType::Decimal,
        _ => return None,
    })
}

fn write_nested(value: &[u8], depth: usize, out: &mut Vec<u8>) -> Result<()> {
    if depth > MAX_DEPTH {
        return Err(Error::data(format!("a stored value nests deeper than {MAX_DEPTH} levels")));
    }
    let Some((value_type, content)) = set_field(value)? else {
        out.extend_from_slice(b"null");
        return Ok(());
    };
    match value_type {
        ValueType::ScalarMap => out.extend_from_slice(b"null"),
        ValueType::ZonedTimestamp => write_zoned(content.bytes()?, out)?,
        ValueType::Map | ValueType::Struct => write_map(content.bytes()?, depth, out)?,
        ValueType::MapList | ValueType::StructList => {
            let items = Items::new(ValueType::Map, content.bytes()?);
            write_array(items, out, |map, out| write_map(map.bytes()?, depth, out))?;
        }
        ValueType::ValueList | ValueType::ValueSet => {
            let items = Items::new(ValueType::Unknown, content.bytes()?);
            write_array(items, out, |value, out| write_nested(value.bytes()?, depth + 1, out))?;
        }
        _ => match value_type.list_element().or_else(|| value_type.set_element()) {
            Some(element) => {
                let items = Items::new(element, content.bytes()?);
                write_array(items, out, |item, out| write_scalar(element, item, out))?;
            }
            None => write_scalar(value_type, content, out)?,
        },
    }
    Ok(())
}

fn write_scalar(value_type: ValueType, content: Content<'_>, out: &mut Vec<u8>) -> Result<()> {
    match value_type {
        ValueType::Bytes => write_base64(content.bytes()?, out),
        ValueType::Int32 => write_integer(i64::from(int32(content.varint()?)), out),
        ValueType::Int64 | ValueType::UnixTimestamp => {
            write_integer(content.varint()?.cast_signed(), out);
        }
        ValueType::Bool => write_bool(content.varint()?, out),
        ValueType::Double => write_float(double(content)?, out),
        ValueType::Float => write_float(f64::from(float(content)?), out),
        text if is_text(text) => write_str(content.text()?, out),
        other => return Err(Error::data(format!("a list of {} cannot be read", other.name()))),
    }
    Ok(())
}

/// The items of a list between brackets.
fn write_array<'a>(
    items: Items<'a>,
    out: &mut Vec<u8>,
    mut write: impl FnMut(Content<'a>, &mut Vec<u8>) -> Result<()>,
) -> Result<()> {
    out.push(b'[');
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(item?, out)?;
    }
    out.push(b']');
    Ok(())
}

/// A `Map`: entries with key 1 and value 2, either absent when empty.
fn write_map(map: &[u8], depth: usize, out: &mut Vec<u8>) -> Result<()> {
    out.push(b'{');
    let mut first = true;
    for field in Fields::new(map) {
        let field = field?;
        if field.number != 1 {
            continue;
        }
        if !std::mem::take(&mut first) {
            out.push(b',');
        }
        let (mut key, mut value) = ("", &[][..]);
        for part in Fields::new(field.content.bytes()?) {
            let part = part?;
            match part.number {
                1 => key = part.content.text()?,
                2 => value = part.content.bytes()?,
                _ => {}
            }
        }
        write_str(key, out);
        out.push(b':');
        write_nested(value, depth + 1, out)?;
    }
    out.push(b'}');
    Ok(())
}

/// Appends a JSON string: only `"`, `\` and control characters are escaped.
pub fn write_str(text: &str, out: &mut Vec<u8>) {
    put_json(text, out);
}

/// Appends a JSON number, never through a float.
pub fn write_integer(number: i64, out: &mut Vec<u8>) {
    put_json(&number, out);
}

fn put_json<T: serde::Serialize + ?Sized>(scalar: &T, out: &mut Vec<u8>) {
    serde_json::to_writer(out, scalar).expect("a scalar can be written to memory");
}

/// Appends a float as Python prints it; NaN and the infinities as texts.
#[inline]
pub fn write_float(number: f64, out: &mut Vec<u8>) {
    if number.is_finite() {
        write_finite(number, out);
    } else {
        write_no_number(number, out);
    }
}

#[cold]
fn write_no_number(number: f64, out: &mut Vec<u8>) {
    if number.is_nan() {
        out.extend_from_slice(b"\"NaN\"");
    } else if number > 0.0 {
        out.extend_from_slice(b"\"Infinity\"");
    } else {
        out.extend_from_slice(b"\"-Infinity\"");
    }
}

fn write_bool(number: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(if number == 0 { b"false" } else { b"true" });
}

fn write_base64(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, 0);
    let written =
        STANDARD.encode_slice(bytes, &mut out[start..]).expect("four bytes for every three");
    out.truncate(start + written);
    out.push(b'"');
}

fn write_zoned(message: &[u8], out: &mut Vec<u8>) -> Result<()> {
    match zoned_message(message)? {
        Some(text) => write_str(&text, out),
        None => out.extend_from_slice(b"null"),
    }
    Ok(())
}

fn zoned_message(message: &[u8]) -> Result<Option<String>> {
    let (mut seconds, mut zone) = (0, "");
    for field in Fields::new(message) {
        let field = field?;
        match field.number {
            1 => seconds = field.content.varint()?.cast_signed(),
            2 => zone = field.content.text()?,
            _ => {}
        }
    }
    Ok(zoned_text(seconds, zone))
}

/// ISO 8601 text of an instant in its zone; `None` for Feast's missing instant and beyond the calendar.
///
/// The zone is an IANA name or an offset such as `UTC-07:00`, `-07:00` or `+0530`; anything else
/// counts as UTC.
pub fn zoned_text(seconds: i64, zone: &str) -> Option<String> {
    if seconds == NOT_A_TIME {
        return None;
    }
    let at: DateTime<Utc> = DateTime::from_timestamp(seconds, 0)?;
    let offset = match zone.parse::<Tz>() {
        Ok(zone) => zone.offset_from_utc_datetime(&at.naive_utc()).fix(),
        Err(_) => fixed_offset(zone).unwrap_or_else(|| Utc.fix()),
    };
    let shift = offset.local_minus_utc();
    let mut out = Vec::with_capacity(32);
    timestamp::write_seconds(seconds.checked_add(i64::from(shift))?, &mut out);
    let mut text = String::from_utf8(out).ok()?;
    let size = shift.abs();
    let sign = if shift < 0 { '-' } else { '+' };
    write!(text, "{sign}{:02}:{:02}", size / 3_600, size / 60 % 60).ok()?;
    // Local mean times before standard zones have odd seconds.
    if size % 60 != 0 {
        write!(text, ":{:02}", size % 60).ok()?;
    }
    Some(text)
}

/// The offset in `[UTC|GMT]±HH[:]MM`, `None` for anything else or for a day and more.
fn fixed_offset(zone: &str) -> Option<FixedOffset> {
    let zone = zone.trim();
    let zone = zone.strip_prefix("UTC").or_else(|| zone.strip_prefix("GMT")).unwrap_or(zone);
    let (sign, digits) = match zone.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = digits.split_at_checked(2)?;
    let minutes = minutes.strip_prefix(':').unwrap_or(minutes);
    let two_digits = |text: &str| -> Option<i32> {
        (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| text.parse().ok())?
    };
    FixedOffset::east_opt(sign * (two_digits(hours)? * 3_600 + two_digits(minutes)? * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_names_or_offsets_and_else_utc() {
        for (zone, expected) in [
            ("America/Los_Angeles", Some("2023-11-14T14:13:20-08:00")),
            ("", Some("2023-11-14T22:13:20+00:00")),
            ("UTC", Some("2023-11-14T22:13:20+00:00")),
            ("GMT+01:00", Some("2023-11-14T23:13:20+01:00")),
            ("+0530", Some("2023-11-15T03:43:20+05:30")),
            ("-07:00", Some("2023-11-14T15:13:20-07:00")),
            ("+5", Some("2023-11-14T22:13:20+00:00")),
            ("nowhere", Some("2023-11-14T22:13:20+00:00")),
        ] {
            assert_eq!(zoned_text(1_700_000_000, zone).as_deref(), expected, "{zone}");
        }
        assert_eq!(zoned_text(NOT_A_TIME, "UTC"), None);
    }

    #[test]
    fn a_value_that_nests_too_deep_is_refused() {
        let mut value = Vec::new();
        for _ in 0..=MAX_DEPTH + 1 {
            let mut list = Vec::new();
            super::super::message::put_bytes(1, &value, &mut list);
            value.clear();
            super::super::message::put_bytes(42, &list, &mut value);
        }
        let error = write_value(&value, &mut Vec::new()).unwrap_err();
        assert_eq!(error.kind(), larder_core::ErrorKind::Data);
    }

    #[test]
    fn numbers_that_are_not_packed_are_read_too() {
        let value = [0x72, 4, 0x08, 1, 0x08, 2];
        let mut out = Vec::new();
        write_value(&value, &mut out).unwrap();
        assert_eq!(out, b"[1,2]");
    }
}
