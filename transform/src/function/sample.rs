//! One made-up value per type, those with which Feast 0.67 tries functions out when they are applied.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Float32Array, Float64Array, Int32Array, Int64Array,
    ListArray, StringArray, TimestampSecondArray,
};
use arrow_buffer::OffsetBuffer;
use arrow_schema::Field;
use larder_core::ValueType;

/// Noon of a day like any other: Feast takes the present, but no check may depend on the hour.
const INSTANT: i64 = 1_704_110_400;

/// A column of one row.
pub(super) fn value(value_type: ValueType) -> ArrayRef {
    if let Some(element) = value_type.list_element().or_else(|| value_type.set_element()) {
        let field = Arc::new(Field::new("item", element.arrow_type(), true));
        return Arc::new(ListArray::new(
            field,
            OffsetBuffer::from_lengths([1]),
            value(element),
            None,
        ));
    }
    match value_type {
        ValueType::Bytes | ValueType::PdfBytes | ValueType::ImageBytes => {
            Arc::new(BinaryArray::from_vec(vec![b"hello world"]))
        }
        ValueType::Int32 => Arc::new(Int32Array::from(vec![1])),
        ValueType::Int64 => Arc::new(Int64Array::from(vec![1])),
        ValueType::Double => Arc::new(Float64Array::from(vec![1.0])),
        ValueType::Float => Arc::new(Float32Array::from(vec![1.0])),
        ValueType::Bool => Arc::new(BooleanArray::from(vec![true])),
        ValueType::UnixTimestamp => {
            Arc::new(TimestampSecondArray::from(vec![INSTANT]).with_timezone("UTC"))
        }
        ValueType::Map | ValueType::Struct | ValueType::Json => text("{}"),
        ValueType::Uuid | ValueType::TimeUuid => text("6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
        ValueType::Decimal => text("1.0"),
        _ => text("hello world"),
    }
}

fn text(value: &str) -> ArrayRef {
    Arc::new(StringArray::from(vec![value]))
}
