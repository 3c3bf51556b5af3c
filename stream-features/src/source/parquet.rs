//! Events of Parquet files, for backfills: columns instead of encoded events.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{
    Array as _, ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray,
};
use arrow_buffer::NullBuffer;
use arrow_cast::cast;
use arrow_schema::{DataType, TimeUnit as ArrowUnit};
use larder_core::{Error, ErrorKind, Result};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use super::file::files;
use crate::batch::EventBatch;
use crate::scalar::{Scalar, ScalarType};
use crate::schema::{Column, EventType, TimeUnit};

/// Rows read at once.
const BATCH_ROWS: usize = 8_192;

/// The files of a folder, or one file, one after the other. Every file is a partition; the offset of an event is the
/// number of its row.
#[derive(Debug)]
pub struct ParquetEvents {
    paths: Vec<PathBuf>,
    names: Vec<String>,
    current: usize,
    reader: Option<Box<ParquetRecordBatchReader>>,
    row: u64,
}

/// Rows that were read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReadRows {
    pub(crate) partition: usize,
    pub(crate) first: u64,
    pub(crate) rows: usize,
}

impl ParquetEvents {
    /// The Parquet file at this path, or those of the folder there in order of their names.
    ///
    /// # Errors
    /// `NotFound` when nothing is there; `Unavailable` when it cannot be listed.
    pub fn open(path: &Path) -> Result<Self> {
        let mut paths = files(path)?;
        paths.retain(|path| path.extension().is_some_and(|end| end == "parquet"));
        if paths.is_empty() {
            let message = format!("no Parquet file is in {}", path.display());
            return Err(Error::new(ErrorKind::NotFound, message));
        }
        let names = paths.iter().map(|path| path.display().to_string()).collect();
        Ok(Self { paths, names, current: 0, reader: None, row: 0 })
    }

    pub(crate) fn partitions(&self) -> &[String] {
        &self.names
    }

    /// Appends the next rows to the batch, `None` at the end of the last file.
    ///
    /// # Errors
    /// `Data` for a file that is no Parquet or lacks a column; `Unavailable` when it cannot be read.
    pub(crate) fn next(
        &mut self,
        event: &EventType,
        batch: &mut EventBatch,
    ) -> Result<Option<ReadRows>> {
        while let Some(path) = self.paths.get(self.current) {
            let reader = match &mut self.reader {
                Some(reader) => reader,
                none => none.insert(reader(path)?),
            };
            let Some(read) = reader.next() else {
                (self.reader, self.row) = (None, 0);
                self.current += 1;
                continue;
            };
            let read = read.map_err(|error| broken(path, error))?;
            append(&read, event, batch).map_err(|error| error.context(path.display()))?;
            let rows = read.num_rows();
            let found = ReadRows { partition: self.current, first: self.row, rows };
            self.row += rows as u64;
            return Ok(Some(found));
        }
        Ok(None)
    }
}

fn reader(path: &Path) -> Result<Box<ParquetRecordBatchReader>> {
    let file = File::open(path).map_err(|error| {
        let message = format!("{} cannot be opened", path.display());
        Error::new(ErrorKind::Unavailable, message).with_source(error)
    })?;
    ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(|builder| builder.with_batch_size(BATCH_ROWS).build())
        .map(Box::new)
        .map_err(|error| broken(path, error))
}

fn broken(path: &Path, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::data(format!("{} cannot be read as Parquet", path.display())).with_source(error)
}

fn append(read: &RecordBatch, event: &EventType, batch: &mut EventBatch) -> Result<()> {
    let columns = event
        .columns()
        .iter()
        .map(|column| typed(&found(read, column)?, column))
        .collect::<Result<Vec<_>>>()?;
    for row in 0..read.num_rows() {
        batch.begin_row();
        for (at, column) in columns.iter().enumerate() {
            batch.set(at, column.get(row));
        }
    }
    Ok(())
}

/// The array at a column's path through structs, and maps at its end.
fn found(read: &RecordBatch, column: &Column) -> Result<ArrayRef> {
    let missing = || Error::data(format!("there is no column for field {}", column.path.join(".")));
    let (first, rest) = column.path.split_first().ok_or_else(missing)?;
    let mut array = Arc::clone(read.column_by_name(first).ok_or_else(missing)?);
    for name in rest {
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
        cast(array, wanted).map_err(|error| {
            Error::data(format!("field {} cannot be read", column.path.join(".")))
                .with_source(error)
        })
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

fn arrow_unit(unit: TimeUnit) -> ArrowUnit {
    match unit {
        TimeUnit::Millis => ArrowUnit::Millisecond,
        TimeUnit::Micros => ArrowUnit::Microsecond,
        TimeUnit::Nanos => ArrowUnit::Nanosecond,
    }
}
