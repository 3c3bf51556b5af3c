//! Values: domain, message and bytes.

mod read;
mod write;

use larder_core::{Error, Result, Value};
use prost::Message as _;

use crate::feast::types;
use crate::wire::value as wire;

pub use read::value_from_proto;
pub use write::value_to_proto;

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
        nested => out.extend_from_slice(&value_to_proto(nested)?.encode_to_vec()),
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
