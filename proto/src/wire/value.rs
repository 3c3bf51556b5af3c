//! Encoded `feast.types.Value` messages, read and written without decoding them.
//!
//! Zero bytes are null. Every other value is one field whose number is the number of its type.

use larder_core::{Error, Result, ValueType};

use super::message::{Content, Fields, put_bytes, put_tag, put_varint};

/// Field number of `null_val`, which Feast reads as null and never writes.
pub const NULL_VAL: u32 = 19;

/// The one field that is set, `None` for null (no bytes, or `null_val`).
///
/// When several members of the oneof are present the last one counts; unknown fields are skipped.
///
/// # Errors
/// `Data` when the bytes are malformed.
pub(crate) fn set_field(value: &[u8]) -> Result<Option<(ValueType, Content<'_>)>> {
    let mut set = None;
    for field in Fields::new(value) {
        let field = field?;
        if field.number == NULL_VAL {
            set = None;
        } else if let Some(value_type) = value_type(field.number) {
            set = Some((value_type, field.content));
        }
    }
    Ok(set)
}

/// The type of a field of `feast.types.Value`.
pub(crate) fn value_type(number: u32) -> Option<ValueType> {
    let value_type = ValueType::from_number(i32::try_from(number).ok()?)?;
    // These numbers exist in Python only; on the wire both are bytes.
    let has_field = !matches!(
        value_type,
        ValueType::Unknown | ValueType::PdfBytes | ValueType::ImageBytes | ValueType::Null
    );
    has_field.then_some(value_type)
}

/// The type of an encoded value, `None` for null.
///
/// # Errors
/// `Data` when the bytes are malformed.
pub fn value_case(value: &[u8]) -> Result<Option<ValueType>> {
    Ok(set_field(value)?.map(|(value_type, _)| value_type))
}

/// An integer of any integer type, a boolean as 0 or 1, or UTC seconds; `None` for null.
///
/// # Errors
/// `Data` when the bytes are malformed or hold another type.
pub fn read_i64(value: &[u8]) -> Result<Option<i64>> {
    let Some((value_type, content)) = set_field(value)? else {
        return Ok(None);
    };
    match value_type {
        ValueType::Int64 | ValueType::UnixTimestamp => Ok(Some(content.varint()?.cast_signed())),
        ValueType::Int32 => Ok(Some(i64::from(int32(content.varint()?)))),
        ValueType::Bool => Ok(Some(i64::from(content.varint()? != 0))),
        other => Err(mismatch("integer", other)),
    }
}

/// A float of either width or any number that [`read_i64`] reads; `None` for null.
///
/// # Errors
/// `Data` when the bytes are malformed or hold another type.
pub fn read_f64(value: &[u8]) -> Result<Option<f64>> {
    match set_field(value)? {
        None => Ok(None),
        Some((ValueType::Double, content)) => Ok(Some(double(content)?)),
        Some((ValueType::Float, content)) => Ok(Some(f64::from(float(content)?))),
        Some((ValueType::Int32 | ValueType::Int64 | ValueType::Bool, _)) => {
            Ok(read_i64(value)?.map(|number| number as f64))
        }
        Some((other, _)) => Err(mismatch("number", other)),
    }
}

/// The text of a string, JSON, uuid or decimal value; `None` for null.
///
/// # Errors
/// `Data` when the bytes are malformed or hold another type.
pub fn read_str(value: &[u8]) -> Result<Option<&str>> {
    match set_field(value)? {
        None => Ok(None),
        Some((value_type, content)) if is_text(value_type) => Ok(Some(content.text()?)),
        Some((other, _)) => Err(mismatch("text", other)),
    }
}

/// The raw bytes of a bytes or text value; `None` for null.
///
/// # Errors
/// `Data` when the bytes are malformed or hold another type.
pub fn read_bytes(value: &[u8]) -> Result<Option<&[u8]>> {
    match set_field(value)? {
        None => Ok(None),
        Some((value_type, content)) if value_type == ValueType::Bytes || is_text(value_type) => {
            Ok(Some(content.bytes()?))
        }
        Some((other, _)) => Err(mismatch("bytes", other)),
    }
}

/// A boolean; `None` for null.
///
/// # Errors
/// `Data` when the bytes are malformed or hold another type.
pub fn read_bool(value: &[u8]) -> Result<Option<bool>> {
    match set_field(value)? {
        None => Ok(None),
        Some((ValueType::Bool, content)) => Ok(Some(content.varint()? != 0)),
        Some((other, _)) => Err(mismatch("boolean", other)),
    }
}

fn mismatch(expected: &str, found: ValueType) -> Error {
    Error::data(format!("a stored value is of type {}, not {expected}", found.name()))
}

/// Whether values of this type are one text field.
pub(crate) fn is_text(value_type: ValueType) -> bool {
    matches!(
        value_type,
        ValueType::String
            | ValueType::Json
            | ValueType::Uuid
            | ValueType::TimeUuid
            | ValueType::Decimal
    )
}

/// An `int32` field: protobuf writes negative ones in 64 bits.
pub(crate) fn int32(number: u64) -> i32 {
    #[expect(clippy::cast_possible_truncation, reason = "protobuf keeps the low 32 bits")]
    {
        number as i32
    }
}

pub(crate) fn double(content: Content<'_>) -> Result<f64> {
    match content {
        Content::Fixed64(bits) => Ok(f64::from_bits(bits)),
        _ => Err(Error::data("a stored double has another wire type")),
    }
}

pub(crate) fn float(content: Content<'_>) -> Result<f32> {
    match content {
        Content::Fixed32(bits) => Ok(f32::from_bits(bits)),
        _ => Err(Error::data("a stored float has another wire type")),
    }
}

/// Appends an encoded `int32_val`.
pub fn put_int32(number: i32, out: &mut Vec<u8>) {
    put_tag(ValueType::Int32.number().cast_unsigned(), 0, out);
    put_varint(i64::from(number).cast_unsigned(), out);
}

/// Appends an encoded `int64_val`.
pub fn put_int64(number: i64, out: &mut Vec<u8>) {
    put_tag(ValueType::Int64.number().cast_unsigned(), 0, out);
    put_varint(number.cast_unsigned(), out);
}

/// Appends an encoded `unix_timestamp_val` of UTC seconds.
pub fn put_unix_timestamp(seconds: i64, out: &mut Vec<u8>) {
    put_tag(ValueType::UnixTimestamp.number().cast_unsigned(), 0, out);
    put_varint(seconds.cast_unsigned(), out);
}

/// Appends an encoded `bool_val`.
pub fn put_bool(truth: bool, out: &mut Vec<u8>) {
    put_tag(ValueType::Bool.number().cast_unsigned(), 0, out);
    out.push(u8::from(truth));
}

/// Appends an encoded `double_val`.
pub fn put_double(number: f64, out: &mut Vec<u8>) {
    put_tag(ValueType::Double.number().cast_unsigned(), 1, out);
    out.extend_from_slice(&number.to_le_bytes());
}

/// Appends an encoded `float_val`.
pub fn put_float(number: f32, out: &mut Vec<u8>) {
    put_tag(ValueType::Float.number().cast_unsigned(), 5, out);
    out.extend_from_slice(&number.to_le_bytes());
}

/// Appends an encoded `bytes_val`.
pub fn put_raw(bytes: &[u8], out: &mut Vec<u8>) {
    put_bytes(ValueType::Bytes.number().cast_unsigned(), bytes, out);
}

/// Appends an encoded value of one of the text types: string, JSON, uuid, time uuid, decimal.
pub fn put_text(value_type: ValueType, text: &str, out: &mut Vec<u8>) {
    debug_assert!(is_text(value_type), "{value_type:?} is not one text field");
    put_bytes(value_type.number().cast_unsigned(), text.as_bytes(), out);
}
