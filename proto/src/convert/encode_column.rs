//! Arrow arrays as encoded values.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{ArrowPrimitiveType, Float32Type, Float64Type, Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, TimeUnit};
use larder_core::{Error, Result, Value, ValueType};

use super::cast::cast_value;
use super::cell::{cell_value, timestamp_seconds};
use super::value::encode_value;
use crate::wire::message::{put_bytes, put_tag, put_varint};
use crate::wire::value;

/// The encoded values of a column, one after the other in one allocation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EncodedColumn {
    data: Vec<u8>,
    /// End of each row in `data`.
    ends: Vec<u32>,
}

impl EncodedColumn {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The encoded value of a row; no bytes are null.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn get(&self, row: usize) -> &[u8] {
        let start = if row == 0 { 0 } else { self.ends[row - 1] as usize };
        &self.data[start..self.ends[row] as usize]
    }

    /// Bytes of all values together.
    pub fn bytes(&self) -> usize {
        self.data.len()
    }

    /// The encoded values of all rows.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> + Clone {
        (0..self.len()).map(|row| self.get(row))
    }

    /// These values, one row each.
    ///
    /// # Errors
    /// Those of [`encode_value`]; `Invalid` when they take more than 4 GiB.
    pub fn of_values<'a>(values: impl IntoIterator<Item = &'a Value>) -> Result<Self> {
        let mut column = Self::default();
        for value in values {
            encode_value(value, &mut column.data)?;
            column.end_row()?;
        }
        Ok(column)
    }

    /// Ends the current row.
    fn end_row(&mut self) -> Result<()> {
        let end = u32::try_from(self.data.len()).map_err(|error| {
            Error::invalid("the values of a column take more than 4 GiB")
                .with_hint("write in smaller batches")
                .with_source(error)
        })?;
        self.ends.push(end);
        Ok(())
    }
}

/// The encoded values of an Arrow array as this feature type, cast as [`cast_value`] does.
///
/// Null, NaN in a scalar column and an empty dictionary slot are null (no bytes). Arrow types are read
/// as the value that they suggest: dates and timestamps as UTC seconds, decimals as text, structs and
/// maps by name.
///
/// # Errors
/// `Invalid` when a value cannot be of the type, or the column takes more than 4 GiB.
pub fn encode_column(array: &dyn Array, value_type: ValueType) -> Result<EncodedColumn> {
    let mut column = EncodedColumn {
        data: Vec::with_capacity(array.len() * 10),
        ends: Vec::with_capacity(array.len()),
    };
    for_each_row(array, value_type, &mut column)
        .map_err(|error| error.context(format_args!("row {}", column.len())))?;
    Ok(column)
}

/// Columns whose Arrow type is the natural one of the feature type are written without values between.
fn for_each_row(
    array: &dyn Array,
    value_type: ValueType,
    column: &mut EncodedColumn,
) -> Result<()> {
    match (array.data_type(), value_type) {
        (DataType::Int64, ValueType::Int64) => {
            primitives::<Int64Type>(array, column, value::put_int64)
        }
        (DataType::Int32, ValueType::Int32) => {
            primitives::<Int32Type>(array, column, value::put_int32)
        }
        (DataType::Float64, ValueType::Double) => {
            primitives::<Float64Type>(array, column, |number, out| {
                if !number.is_nan() {
                    value::put_double(number, out);
                }
            })
        }
        (DataType::Float32, ValueType::Float) => {
            primitives::<Float32Type>(array, column, |number, out| {
                if !number.is_nan() {
                    value::put_float(number, out);
                }
            })
        }
        (DataType::Boolean, ValueType::Bool) => {
            let array = array.as_boolean();
            rows(array, column, |row, out| value::put_bool(array.value(row), out))
        }
        (DataType::Utf8, ValueType::String) => {
            let array = array.as_string::<i32>();
            rows(array, column, |row, out| value::put_text(value_type, array.value(row), out))
        }
        (DataType::Binary, ValueType::Bytes) => {
            let array = array.as_binary::<i32>();
            rows(array, column, |row, out| value::put_raw(array.value(row), out))
        }
        (DataType::Timestamp(unit, _), ValueType::UnixTimestamp) => {
            timestamps(array, *unit, column)
        }
        (DataType::List(_), ValueType::FloatList | ValueType::DoubleList) => {
            let lists = array.as_list::<i32>();
            vectors(lists, value_type, column, |row| lists.value(row))
        }
        (DataType::FixedSizeList(..), ValueType::FloatList | ValueType::DoubleList) => {
            let lists = array.as_fixed_size_list();
            vectors(lists, value_type, column, |row| lists.value(row))
        }
        _ => any_rows(array, value_type, column),
    }
}

fn any_rows(array: &dyn Array, value_type: ValueType, column: &mut EncodedColumn) -> Result<()> {
    for row in 0..array.len() {
        let value = cast_value(cell_value(array, row)?, value_type)?;
        encode_value(&value, &mut column.data)?;
        column.end_row()?;
    }
    Ok(())
}

fn rows(
    array: &dyn Array,
    column: &mut EncodedColumn,
    mut put: impl FnMut(usize, &mut Vec<u8>),
) -> Result<()> {
    for row in 0..array.len() {
        if array.is_valid(row) {
            put(row, &mut column.data);
        }
        column.end_row()?;
    }
    Ok(())
}

fn primitives<T: ArrowPrimitiveType>(
    array: &dyn Array,
    column: &mut EncodedColumn,
    put: impl Fn(T::Native, &mut Vec<u8>),
) -> Result<()> {
    let array = array.as_primitive::<T>();
    rows(array, column, |row, out| put(array.value(row), out))
}

fn timestamps(array: &dyn Array, unit: TimeUnit, column: &mut EncodedColumn) -> Result<()> {
    rows(array, column, |row, out| {
        value::put_unix_timestamp(timestamp_seconds(array, unit, row), out);
    })
}

/// Lists of floats without nulls, such as embeddings, are copied; others take the general way.
fn vectors(
    array: &dyn Array,
    value_type: ValueType,
    column: &mut EncodedColumn,
    items: impl Fn(usize) -> ArrayRef,
) -> Result<()> {
    for row in 0..array.len() {
        if array.is_valid(row) {
            let items = items(row);
            match (items.data_type(), value_type) {
                (DataType::Float32, ValueType::FloatList) if items.null_count() == 0 => {
                    let bytes = items.as_primitive::<Float32Type>().values().iter();
                    let bytes: Vec<u8> = bytes.flat_map(|number| number.to_le_bytes()).collect();
                    put_packed(value_type, &bytes, &mut column.data);
                }
                (DataType::Float64, ValueType::DoubleList) if items.null_count() == 0 => {
                    let bytes = items.as_primitive::<Float64Type>().values().iter();
                    let bytes: Vec<u8> = bytes.flat_map(|number| number.to_le_bytes()).collect();
                    put_packed(value_type, &bytes, &mut column.data);
                }
                _ => {
                    let value = cast_value(cell_value(array, row)?, value_type)?;
                    encode_value(&value, &mut column.data)?;
                }
            }
        }
        column.end_row()?;
    }
    Ok(())
}

/// A list value with packed numbers; an empty list is an empty message.
fn put_packed(value_type: ValueType, packed: &[u8], out: &mut Vec<u8>) {
    let number = value_type.number().cast_unsigned();
    if packed.is_empty() {
        put_bytes(number, packed, out);
        return;
    }
    let mut header = Vec::with_capacity(8);
    put_tag(1, 2, &mut header);
    put_varint(packed.len() as u64, &mut header);
    put_tag(number, 2, out);
    put_varint((header.len() + packed.len()) as u64, out);
    out.extend_from_slice(&header);
    out.extend_from_slice(packed);
}
