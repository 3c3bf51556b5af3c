//! Typed access to a kernel's argument, column or constant alike.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    DurationMicrosecondType, Float64Type, Int64Type, TimestampMicrosecondType, TimestampSecondType,
};
use arrow_array::{Array, ArrayRef, BooleanArray, ListArray, PrimitiveArray, StringArray};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, TimeUnit};
use datafusion::common::{Result, internal_err};
use datafusion::logical_expr::ColumnarValue;

/// An argument: a column, or a constant that stands for every row.
#[derive(Debug)]
pub(crate) struct Operand {
    array: ArrayRef,
    stride: usize,
}

impl Operand {
    pub(crate) fn new(value: ColumnarValue) -> Result<Self> {
        Ok(match value {
            ColumnarValue::Array(array) => Self { array, stride: 1 },
            ColumnarValue::Scalar(scalar) => Self { array: scalar.to_array()?, stride: 0 },
        })
    }

    /// Type of the values.
    pub(crate) fn data_type(&self) -> &DataType {
        self.array.data_type()
    }

    /// The values; one of them when the operand is a constant.
    pub(crate) fn array(&self) -> &ArrayRef {
        &self.array
    }

    /// Position of a row's value in [`Self::array`].
    pub(crate) fn index(&self, row: usize) -> usize {
        row * self.stride
    }

    /// Whether the row has no value.
    pub(crate) fn is_null(&self, row: usize) -> bool {
        self.array.is_null(self.index(row))
    }

    /// Whether every row has a value.
    pub(crate) fn is_whole(&self) -> bool {
        self.array.null_count() == 0
    }

    pub(crate) fn ints(&self) -> Result<Ints<'_>> {
        match self.array.data_type() {
            DataType::Int64 => Ok(Column { array: self.array.as_primitive(), stride: self.stride }),
            other => internal_err!("kernel wants int64, not {other}"),
        }
    }

    pub(crate) fn floats(&self) -> Result<Floats<'_>> {
        match self.array.data_type() {
            DataType::Float64 => {
                Ok(Column { array: self.array.as_primitive(), stride: self.stride })
            }
            other => internal_err!("kernel wants float64, not {other}"),
        }
    }

    pub(crate) fn bools(&self) -> Result<Bools<'_>> {
        let Some(array) = self.array.as_boolean_opt() else {
            return internal_err!("kernel wants boolean, not {}", self.array.data_type());
        };
        Ok(Bools { array, stride: self.stride })
    }

    pub(crate) fn texts(&self) -> Result<Texts<'_>> {
        let Some(array) = self.array.as_string_opt::<i32>() else {
            return internal_err!("kernel wants utf8, not {}", self.array.data_type());
        };
        Ok(Texts { array, stride: self.stride })
    }

    pub(crate) fn lists(&self) -> Result<Lists<'_>> {
        let Some(array) = self.array.as_list_opt::<i32>() else {
            return internal_err!("kernel wants a list, not {}", self.array.data_type());
        };
        Ok(Lists { array, stride: self.stride })
    }

    /// Instants or durations in microseconds.
    pub(crate) fn micros(&self) -> Result<Micros<'_>> {
        let array: &dyn Array = self.array.as_ref();
        let values: &[i64] = match array.data_type() {
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                self.array.as_primitive::<TimestampMicrosecondType>().values()
            }
            DataType::Duration(TimeUnit::Microsecond) => {
                self.array.as_primitive::<DurationMicrosecondType>().values()
            }
            other => return internal_err!("kernel wants microseconds, not {other}"),
        };
        Ok(Micros { values, array, stride: self.stride })
    }

    /// The instant of a row in microseconds since the epoch.
    pub(crate) fn instant(&self, row: usize) -> Result<Option<i64>> {
        let row = self.index(row);
        if self.array.is_null(row) {
            return Ok(None);
        }
        match self.array.data_type() {
            DataType::Timestamp(TimeUnit::Second, _) => {
                let seconds = self.array.as_primitive::<TimestampSecondType>().value(row);
                Ok(seconds.checked_mul(1_000_000))
            }
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                Ok(Some(self.array.as_primitive::<TimestampMicrosecondType>().value(row)))
            }
            other => internal_err!("kernel wants a timestamp, not {other}"),
        }
    }
}

/// Numbers of one primitive type.
pub(crate) struct Column<'a, T: arrow_array::ArrowPrimitiveType> {
    array: &'a PrimitiveArray<T>,
    stride: usize,
}

pub(crate) type Ints<'a> = Column<'a, Int64Type>;
pub(crate) type Floats<'a> = Column<'a, Float64Type>;

impl<T: arrow_array::ArrowPrimitiveType> Column<'_, T> {
    /// The value of every row, or the one of a constant; anything where there is none.
    pub(super) fn values(&self) -> &[T::Native] {
        self.array.values()
    }

    /// The value of a row; anything where there is none.
    #[inline]
    pub(super) fn value(&self, row: usize) -> T::Native {
        self.array.value(row * self.stride)
    }

    /// What stands for every row, where it is a constant.
    pub(super) fn constant(&self) -> Option<T::Native> {
        (self.stride == 0).then(|| self.array.value(0))
    }

    /// Which of so many rows have no value; `None` if all have one.
    pub(super) fn nulls(&self, rows: usize) -> Option<NullBuffer> {
        match self.stride {
            0 => self.array.is_null(0).then(|| NullBuffer::new_null(rows)),
            _ => self.array.nulls().filter(|nulls| nulls.null_count() > 0).cloned(),
        }
    }

    #[inline]
    pub(crate) fn get(&self, row: usize) -> Option<T::Native> {
        let row = row * self.stride;
        self.array.is_valid(row).then(|| self.array.value(row))
    }
}

pub(crate) struct Micros<'a> {
    values: &'a [i64],
    array: &'a dyn Array,
    stride: usize,
}

impl Micros<'_> {
    #[inline]
    pub(crate) fn get(&self, row: usize) -> Option<i64> {
        let row = row * self.stride;
        self.array.is_valid(row).then(|| self.values[row])
    }
}

pub(crate) struct Bools<'a> {
    array: &'a BooleanArray,
    stride: usize,
}

impl Bools<'_> {
    /// The value of a row; anything where there is none.
    #[inline]
    pub(super) fn value(&self, row: usize) -> bool {
        self.array.value(row * self.stride)
    }

    #[inline]
    pub(crate) fn get(&self, row: usize) -> Option<bool> {
        let row = row * self.stride;
        self.array.is_valid(row).then(|| self.array.value(row))
    }
}

pub(crate) struct Texts<'a> {
    array: &'a StringArray,
    stride: usize,
}

impl<'a> Texts<'a> {
    #[inline]
    pub(crate) fn get(&self, row: usize) -> Option<&'a str> {
        let row = row * self.stride;
        self.array.is_valid(row).then(|| self.array.value(row))
    }
}

pub(crate) struct Lists<'a> {
    array: &'a ListArray,
    stride: usize,
}

impl Lists<'_> {
    #[inline]
    pub(crate) fn get(&self, row: usize) -> Option<ArrayRef> {
        let row = row * self.stride;
        self.array.is_valid(row).then(|| self.array.value(row))
    }

    /// Number of elements of a row's list.
    pub(crate) fn length(&self, row: usize) -> Option<usize> {
        let row = row * self.stride;
        self.array.is_valid(row).then(|| self.array.value_length(row).unsigned_abs() as usize)
    }
}
