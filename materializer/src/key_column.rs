//! Join key columns: Arrow arrays read as key values without copying.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Int32Type, Int64Type, TimestampSecondType};
use arrow_array::{Array, ArrayRef};
use arrow_cast::{CastOptions, cast_with_options};
use larder_core::{Error, Field, Result, ValueType};
use larder_proto::wire::entity_key::KeyValue;

/// A join key column in the type in which it is stored.
#[derive(Debug)]
pub(crate) struct KeyColumn {
    array: ArrayRef,
    value_type: ValueType,
}

impl KeyColumn {
    /// Casts a column to the declared type; an undeclared type is that of the column.
    ///
    /// # Errors
    /// `Invalid` when the values do not fit the type, or the type cannot be a join key's.
    pub(crate) fn new(field: &Field, array: &ArrayRef) -> Result<Self> {
        let value_type = match field.value_type {
            ValueType::Unknown => ValueType::from_arrow(array.data_type())?,
            declared => declared,
        };
        if !value_type.can_be_join_key() {
            return Err(Error::invalid(format!(
                "join key \"{}\" is of type {}, which cannot be a key",
                field.name,
                value_type.name()
            )));
        }
        let safe = CastOptions { safe: false, ..CastOptions::default() };
        let array = cast_with_options(array, &value_type.arrow_type(), &safe).map_err(|error| {
            Error::invalid(format!(
                "join key \"{}\" cannot be read as {}",
                field.name,
                value_type.name()
            ))
            .with_source(error)
        })?;
        Ok(Self { array, value_type })
    }

    /// The value of a row, `None` when it is null.
    pub(crate) fn value(&self, row: usize) -> Option<KeyValue<'_>> {
        if self.array.is_null(row) {
            return None;
        }
        Some(match self.value_type {
            ValueType::Bytes => KeyValue::Bytes(self.array.as_binary::<i32>().value(row)),
            ValueType::String => KeyValue::String(self.array.as_string::<i32>().value(row)),
            ValueType::Int32 => KeyValue::Int32(self.array.as_primitive::<Int32Type>().value(row)),
            ValueType::Int64 => KeyValue::Int64(self.array.as_primitive::<Int64Type>().value(row)),
            ValueType::UnixTimestamp => {
                KeyValue::UnixTimestamp(self.array.as_primitive::<TimestampSecondType>().value(row))
            }
            other => unreachable!("{} was refused when the column was made", other.name()),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{Float64Array, Int32Array, Int64Array, StringArray};
    use larder_core::ErrorKind;

    use super::*;

    fn column(value_type: ValueType, array: impl Array + 'static) -> Result<KeyColumn> {
        let array: ArrayRef = Arc::new(array);
        KeyColumn::new(&Field::new("key", value_type), &array)
    }

    #[test]
    fn values_are_read_in_the_declared_type() {
        let narrow = Int32Array::from(vec![Some(7), None]);
        let wide = column(ValueType::Int64, narrow.clone()).unwrap();
        assert_eq!(wide.value(0), Some(KeyValue::Int64(7)));
        assert_eq!(wide.value(1), None);
        let undeclared = column(ValueType::Unknown, narrow.clone()).unwrap();
        assert_eq!(undeclared.value(0), Some(KeyValue::Int32(7)));
        let text = column(ValueType::String, narrow).unwrap();
        assert_eq!(text.value(0), Some(KeyValue::String("7")));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let kind = |result: Result<KeyColumn>| result.unwrap_err().kind();
        let large = Int64Array::from(vec![i64::from(i32::MAX) + 1]);
        assert_eq!(kind(column(ValueType::Int32, large)), ErrorKind::Invalid);
        let words = StringArray::from(vec!["x"]);
        assert_eq!(kind(column(ValueType::Int64, words)), ErrorKind::Invalid);
        let floats = Float64Array::from(vec![0.5]);
        assert_eq!(kind(column(ValueType::Unknown, floats)), ErrorKind::Invalid);
    }
}
