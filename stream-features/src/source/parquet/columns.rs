//! Arrays of Arrow as columns of a batch.

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{
    Array as _, ArrayRef, BooleanArray, Float64Array, Int64Array, ListArray, RecordBatch,
    StringArray,
};
use arrow_buffer::NullBuffer;
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType, TimeUnit as ArrowUnit};
use larder_core::{Error, Result};

use crate::batch::EventBatch;
use crate::scalar::{Scalar, ScalarType};
use crate::schema::{Column, EventType, ListColumns, TimeUnit};

/// Appends rows of a file to the batch.
///
/// # Errors
/// `Data` for a column that is not there or not of a type that fits.
pub(super) fn append(read: &RecordBatch, event: &EventType, batch: &mut EventBatch) -> Result<()> {
    let columns = event
        .columns()
        .iter()
        .map(|column| typed(&found(read, column)?, column))
        .collect::<Result<Vec<_>>>()?;
    let lists =
        event.lists().iter().map(|list| Lists::new(read, list)).collect::<Result<Vec<_>>>()?;
    for row in 0..read.num_rows() {
        batch.begin_row();
        for (at, column) in columns.iter().enumerate() {
            batch.set(at, column.get(row));
        }
        for (at, list) in lists.iter().enumerate() {
            list.append(row, at, batch);
        }
    }
    Ok(())
}

/// The array at a column's path through structs, and maps at its end.
fn found(read: &RecordBatch, column: &Column) -> Result<ArrayRef> {
    at_path(read, &column.path)
}

fn at_path(read: &RecordBatch, path: &[String]) -> Result<ArrayRef> {
    let (first, rest) = path.split_first().ok_or_else(|| missing(path))?;
    let array = read.column_by_name(first).ok_or_else(|| missing(path))?;
    within(array, rest)
}

fn missing(path: &[String]) -> Error {
    Error::data(format!("there is no column for field {}", path.join(".")))
}

/// The array at a path below another.
fn within(array: &ArrayRef, path: &[String]) -> Result<ArrayRef> {
    let mut array = Arc::clone(array);
    let missing = || missing(path);
    for name in path {
        array = match array.data_type() {
            DataType::Struct(_) => within_struct(&array, name).ok_or_else(missing)?,
            DataType::Map(_, _) => of_map(&array, name)?,
            _ => return Err(missing()),
        };
    }
    Ok(array)
}

/// A field of structs, null where the struct is.
fn within_struct(array: &ArrayRef, name: &str) -> Option<ArrayRef> {
    let structs = array.as_struct();
    let field = structs.column_by_name(name)?;
    let nulls = arrow_array::make_array(
        field
            .to_data()
            .into_builder()
            .nulls(NullBuffer::union(field.nulls(), structs.nulls()))
            .build()
            .ok()?,
    );
    Some(nulls)
}

/// The value of a key of every map of texts, null where the map lacks it.
fn of_map(array: &ArrayRef, key: &str) -> Result<ArrayRef> {
    let maps = array.as_map();
    let text = |array: &ArrayRef| {
        cast(array, &DataType::Utf8)
            .map_err(|error| Error::data("a map of other than texts").with_source(error))
    };
    let (keys, values) = (text(maps.keys())?, text(maps.values())?);
    let (keys, values) = (keys.as_string::<i32>(), values.as_string::<i32>());
    let value = |row: usize| {
        let bounds = maps.value_offsets();
        let (start, end) =
            (usize::try_from(bounds[row]).ok()?, usize::try_from(bounds[row + 1]).ok()?);
        let at = (start..end).find(|at| keys.value(*at) == key)?;
        (maps.is_valid(row) && values.is_valid(at)).then(|| values.value(at))
    };
    Ok(Arc::new((0..maps.len()).map(value).collect::<StringArray>()))
}

/// A list of every row, with what is wanted of the elements.
struct Lists {
    lists: ListArray,
    columns: Vec<Typed>,
}

impl Lists {
    fn new(read: &RecordBatch, list: &ListColumns) -> Result<Self> {
        let array = at_path(read, &list.path)?;
        let lists = match array.data_type() {
            DataType::List(_) => array.as_list::<i32>().clone(),
            DataType::LargeList(field) => {
                let cast = cast(&array, &DataType::List(Arc::clone(field)));
                cast.map_err(|error| unreadable(&list.path, error))?.as_list::<i32>().clone()
            }
            _ => return Err(Error::data(format!("field {} is no list", list.path.join(".")))),
        };
        let columns = list.columns.iter();
        let columns = columns.map(|column| typed(&within(lists.values(), &column.path)?, column));
        let columns = columns.collect::<Result<Vec<_>>>()?;
        Ok(Self { lists, columns })
    }

    /// Appends the elements of a row to the batch's last row.
    fn append(&self, row: usize, list: usize, batch: &mut EventBatch) {
        if self.lists.is_null(row) {
            return;
        }
        let ends = self.lists.value_offsets();
        let items = batch.begin_list(list);
        for element in ends[row]..ends[row + 1] {
            items.begin_row();
            let element = usize::try_from(element).unwrap_or(usize::MAX);
            for (at, column) in self.columns.iter().enumerate() {
                items.set(at, column.get(element));
            }
        }
        batch.end_list(list);
    }
}

/// An array in the type of its column.
enum Typed {
    Bool(BooleanArray),
    Int(Int64Array),
    Double(Float64Array),
    Text(StringArray),
}

impl Typed {
    fn get(&self, row: usize) -> Scalar<'_> {
        match self {
            Self::Bool(array) if array.is_valid(row) => Scalar::Bool(array.value(row)),
            Self::Int(array) if array.is_valid(row) => Scalar::Int(array.value(row)),
            Self::Double(array) if array.is_valid(row) => Scalar::Double(array.value(row)),
            Self::Text(array) if array.is_valid(row) => Scalar::Text(array.value(row)),
            _ => Scalar::Null,
        }
    }
}

fn typed(array: &ArrayRef, column: &Column) -> Result<Typed> {
    let to = |array: &ArrayRef, wanted: &DataType| {
        cast(array, wanted).map_err(|error| unreadable(&column.path, error))
    };
    Ok(match column.value_type {
        ScalarType::Bool => Typed::Bool(to(array, &DataType::Boolean)?.as_boolean().clone()),
        ScalarType::Double => {
            Typed::Double(to(array, &DataType::Float64)?.as_primitive::<Float64Type>().clone())
        }
        ScalarType::Text => Typed::Text(to(array, &DataType::Utf8)?.as_string::<i32>().clone()),
        ScalarType::Int => {
            let instants = match (array.data_type(), column.unit.unwrap_or(TimeUnit::Millis)) {
                (DataType::Timestamp(_, zone), unit) => {
                    &to(array, &DataType::Timestamp(arrow_unit(unit), zone.clone()))?
                }
                _ => array,
            };
            Typed::Int(to(instants, &DataType::Int64)?.as_primitive::<Int64Type>().clone())
        }
    })
}

fn unreadable(path: &[String], error: ArrowError) -> Error {
    Error::data(format!("field {} cannot be read", path.join("."))).with_source(error)
}

fn arrow_unit(unit: TimeUnit) -> ArrowUnit {
    match unit {
        TimeUnit::Millis => ArrowUnit::Millisecond,
        TimeUnit::Micros => ArrowUnit::Microsecond,
        TimeUnit::Nanos => ArrowUnit::Nanosecond,
    }
}
