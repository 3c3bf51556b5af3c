//! Single cells of Arrow arrays as values.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Date64Type, Float16Type, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_cast::display::array_value_to_string;
use arrow_schema::{DataType, TimeUnit};
use larder_core::{Error, Result, Value, ValueType};

const SECONDS_PER_DAY: i64 = 86_400;

/// The cell as the value that its Arrow type suggests; dates and times are cut to seconds.
///
/// # Errors
/// `Invalid` for Arrow types without counterpart and for integers beyond 64 bits.
pub(crate) fn cell_value(array: &dyn Array, row: usize) -> Result<Value> {
    if array.is_null(row) {
        return Ok(Value::Null);
    }
    Ok(match array.data_type() {
        DataType::Null => Value::Null,
        DataType::Boolean => Value::Bool(array.as_boolean().value(row)),
        DataType::Int8 => Value::Int32(primitive::<Int8Type>(array, row).into()),
        DataType::Int16 => Value::Int32(primitive::<Int16Type>(array, row).into()),
        DataType::Int32 => Value::Int32(primitive::<Int32Type>(array, row)),
        DataType::UInt8 => Value::Int32(primitive::<UInt8Type>(array, row).into()),
        DataType::UInt16 => Value::Int32(primitive::<UInt16Type>(array, row).into()),
        DataType::Int64 => Value::Int64(primitive::<Int64Type>(array, row)),
        DataType::UInt32 => Value::Int64(primitive::<UInt32Type>(array, row).into()),
        DataType::UInt64 => {
            let number = primitive::<UInt64Type>(array, row);
            Value::Int64(i64::try_from(number).map_err(|error| {
                Error::invalid(format!("number {number} does not fit in 64 bits"))
                    .with_source(error)
            })?)
        }
        DataType::Float16 => Value::Float(primitive::<Float16Type>(array, row).to_f32()),
        DataType::Float32 => Value::Float(primitive::<Float32Type>(array, row)),
        DataType::Float64 => Value::Double(primitive::<Float64Type>(array, row)),
        DataType::Timestamp(unit, _) => Value::UnixTimestamp(timestamp_seconds(array, *unit, row)),
        DataType::Date32 => {
            Value::UnixTimestamp(i64::from(primitive::<Date32Type>(array, row)) * SECONDS_PER_DAY)
        }
        DataType::Date64 => Value::UnixTimestamp(primitive::<Date64Type>(array, row) / 1_000),
        DataType::Decimal32(..)
        | DataType::Decimal64(..)
        | DataType::Decimal128(..)
        | DataType::Decimal256(..) => Value::Decimal(shown(array, row)?),
        DataType::Utf8 => Value::String(array.as_string::<i32>().value(row).to_owned()),
        DataType::LargeUtf8 => Value::String(array.as_string::<i64>().value(row).to_owned()),
        DataType::Utf8View => Value::String(array.as_string_view().value(row).to_owned()),
        DataType::Binary => Value::Bytes(array.as_binary::<i32>().value(row).to_vec()),
        DataType::LargeBinary => Value::Bytes(array.as_binary::<i64>().value(row).to_vec()),
        DataType::BinaryView => Value::Bytes(array.as_binary_view().value(row).to_vec()),
        DataType::FixedSizeBinary(_) => {
            Value::Bytes(array.as_fixed_size_binary().value(row).to_vec())
        }
        DataType::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            cell_value(dictionary.values(), dictionary.normalized_keys()[row])?
        }
        _ => nested_value(array, row)?,
    })
}

fn primitive<T: ArrowPrimitiveType>(array: &dyn Array, row: usize) -> T::Native {
    array.as_primitive::<T>().value(row)
}

/// Whole seconds, towards zero as Feast cuts them.
pub(crate) fn timestamp_seconds(array: &dyn Array, unit: TimeUnit, row: usize) -> i64 {
    match unit {
        TimeUnit::Second => primitive::<TimestampSecondType>(array, row),
        TimeUnit::Millisecond => primitive::<TimestampMillisecondType>(array, row) / 1_000,
        TimeUnit::Microsecond => primitive::<TimestampMicrosecondType>(array, row) / 1_000_000,
        TimeUnit::Nanosecond => primitive::<TimestampNanosecondType>(array, row) / 1_000_000_000,
    }
}

fn shown(array: &dyn Array, row: usize) -> Result<String> {
    array_value_to_string(array, row)
        .map_err(|error| Error::invalid("a cell cannot be shown as text").with_source(error))
}

fn nested_value(array: &dyn Array, row: usize) -> Result<Value> {
    match array.data_type() {
        DataType::List(_) => list_value(&array.as_list::<i32>().value(row)),
        DataType::LargeList(_) => list_value(&array.as_list::<i64>().value(row)),
        DataType::FixedSizeList(..) => list_value(&array.as_fixed_size_list().value(row)),
        DataType::Struct(fields) => {
            let columns = array.as_struct().columns();
            let entries = fields
                .iter()
                .zip(columns)
                .map(|(field, column)| Ok((field.name().clone(), cell_value(column, row)?)));
            Ok(Value::Struct(sorted(entries.collect::<Result<_>>()?)))
        }
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            let (keys, values) = (entries.column(0), entries.column(1));
            let entries = (0..entries.len()).map(|entry| {
                let key = match cell_value(keys, entry)? {
                    Value::String(text) => text,
                    _ => shown(keys, entry)?,
                };
                Ok((key, cell_value(values, entry)?))
            });
            Ok(Value::Map(sorted(entries.collect::<Result<_>>()?)))
        }
        other => Err(Error::invalid(format!("no feature value for the column type {other}"))),
    }
}

fn sorted(mut entries: Vec<(String, Value)>) -> Vec<(String, Value)> {
    entries.sort_by(|(left, _), (right, _)| left.cmp(right));
    entries
}

fn list_value(items: &ArrayRef) -> Result<Value> {
    let element = ValueType::from_arrow(items.data_type())?;
    let values = (0..items.len()).map(|item| cell_value(items, item));
    let values: Vec<Value> = values.collect::<Result<_>>()?;
    Ok(match element {
        element if element.list_of().is_some() => {
            Value::List(element, values.into_iter().map(|value| plain(value, element)).collect())
        }
        _ => Value::NestedList(values),
    })
}

/// Large text is JSON to Feast's inference, but its cells are read as text here.
fn plain(value: Value, element: ValueType) -> Value {
    match (value, element) {
        (Value::String(text), ValueType::Json) => Value::Json(text),
        (value, _) => value,
    }
}
