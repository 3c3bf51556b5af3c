//! What a column of a row holds.

use larder_core::ValueType;
use larder_proto::wire::value::{
    put_bool, put_double, put_float, put_int32, put_int64, put_unix_timestamp, read_i64,
};

use crate::rows::SlotForm;

/// A feature as a schema names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Column {
    /// murmur3 of `<view>:<feature>`, as in Feast's layout.
    pub(super) hash: u32,
    /// Number of the value type; 0 when values may be of any.
    pub(super) number: u8,
}

/// How the values of a column are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Float,
    Double,
    Int32,
    Int64,
    UnixTimestamp,
    Bool,
    /// As encoded values.
    Variable,
}

/// Longest value of fixed width.
const WIDEST: usize = 8;

/// The bytes of a value of fixed width, at the front.
pub(super) type Raw = [u8; WIDEST];

impl Column {
    pub(super) fn form(self) -> Form {
        match ValueType::from_number(self.number.into()) {
            Some(ValueType::Float) => Form::Float,
            Some(ValueType::Double) => Form::Double,
            Some(ValueType::Int32) => Form::Int32,
            Some(ValueType::Int64) => Form::Int64,
            Some(ValueType::UnixTimestamp) => Form::UnixTimestamp,
            Some(ValueType::Bool) => Form::Bool,
            _ => Form::Variable,
        }
    }
}

impl Form {
    /// Bytes of a value; 0 for those of no fixed width.
    pub(super) fn width(self) -> usize {
        match self {
            Self::Double | Self::Int64 | Self::UnixTimestamp => 8,
            Self::Float | Self::Int32 => 4,
            Self::Bool => 1,
            Self::Variable => 0,
        }
    }

    /// The form of the encoded values, if all have the same length.
    pub(super) fn slot(self) -> Option<SlotForm> {
        let tag = match self {
            Self::Double => (5 << 3) | 1,
            Self::Float => (6 << 3) | 5,
            Self::Bool => 7 << 3,
            Self::Int32 | Self::Int64 | Self::UnixTimestamp | Self::Variable => return None,
        };
        Some(SlotForm { tag, width: self.width() })
    }

    /// An encoded value as a column of fixed width keeps it; `None` for one that could not be given back byte for byte.
    pub(super) fn raw(self, value: &[u8], scratch: &mut Vec<u8>) -> Option<Raw> {
        let mut raw = Raw::default();
        match self {
            Self::Double | Self::Float => {
                let slot = self.slot()?;
                let bytes = value.strip_prefix(&[slot.tag])?;
                raw[..slot.width].copy_from_slice(bytes.get(..slot.width)?);
                (bytes.len() == slot.width).then_some(raw)
            }
            Self::Variable => None,
            Self::Bool | Self::Int32 | Self::Int64 | Self::UnixTimestamp => {
                let number = read_i64(value).ok().flatten()?;
                raw = number.to_le_bytes();
                scratch.clear();
                self.put(&raw, scratch);
                (scratch == value).then_some(raw)
            }
        }
    }

    /// Appends the encoded value behind the bytes of a column of fixed width; whatever they are, there is one.
    pub(super) fn put(self, raw: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::Double => put_double(f64::from_le_bytes(front(raw)), out),
            Self::Float => put_float(f32::from_le_bytes(front(raw)), out),
            Self::Int32 => put_int32(i32::from_le_bytes(front(raw)), out),
            Self::Int64 => put_int64(i64::from_le_bytes(front(raw)), out),
            Self::UnixTimestamp => put_unix_timestamp(i64::from_le_bytes(front(raw)), out),
            Self::Bool => put_bool(front::<1>(raw) != [0], out),
            Self::Variable => out.extend_from_slice(raw),
        }
    }
}

/// The first bytes; zeros where there are none.
fn front<const N: usize>(raw: &[u8]) -> [u8; N] {
    raw.first_chunk().copied().unwrap_or([0; N])
}
