//! From rows to Parquet files.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Float32Array, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use larder_core::{Error, ErrorKind, Result, Timestamp};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

/// Named columns of one table, all of one length.
#[derive(Debug, Default)]
pub(crate) struct Columns(Vec<(&'static str, ArrayRef)>);

impl Columns {
    /// Adds a text column.
    pub(crate) fn text<S: AsRef<str>>(
        mut self,
        name: &'static str,
        values: impl Iterator<Item = S>,
    ) -> Self {
        self.0.push((name, Arc::new(StringArray::from_iter_values(values))));
        self
    }

    /// Adds a float column.
    pub(crate) fn float(
        mut self,
        name: &'static str,
        values: impl Iterator<Item = Option<f64>>,
    ) -> Self {
        self.0.push((name, Arc::new(values.collect::<Float64Array>())));
        self
    }

    /// Adds a column of 32-bit floats.
    #[expect(clippy::cast_possible_truncation, reason = "the column is meant to be coarser")]
    pub(crate) fn single(mut self, name: &'static str, values: impl Iterator<Item = f64>) -> Self {
        let values = Float32Array::from_iter_values(values.map(|value| value as f32));
        self.0.push((name, Arc::new(values)));
        self
    }

    /// Adds an integer column.
    pub(crate) fn integer(mut self, name: &'static str, values: impl Iterator<Item = i64>) -> Self {
        self.0.push((name, Arc::new(Int64Array::from_iter_values(values))));
        self
    }

    /// Adds a boolean column.
    pub(crate) fn boolean(
        mut self,
        name: &'static str,
        values: impl Iterator<Item = bool>,
    ) -> Self {
        self.0.push((name, Arc::new(values.map(Some).collect::<BooleanArray>())));
        self
    }

    /// Adds a column of UTC microseconds.
    pub(crate) fn time(
        mut self,
        name: &'static str,
        values: impl Iterator<Item = Timestamp>,
    ) -> Self {
        let micros = TimestampMicrosecondArray::from_iter_values(values.map(Timestamp::micros));
        self.0.push((name, Arc::new(micros.with_timezone("UTC"))));
        self
    }

    /// Writes the table as one Parquet file and returns the number of rows.
    ///
    /// # Errors
    /// `Unavailable` when the file cannot be written; `Internal` when the columns differ in length.
    pub(crate) fn write(self, path: &Path) -> Result<usize> {
        let batch = RecordBatch::try_from_iter_with_nullable(
            self.0.into_iter().map(|(name, column)| (name, column, true)),
        )
        .map_err(|error| Error::internal("generated columns do not fit").with_source(error))?;
        let file = create(path)?;
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        ArrowWriter::try_new(file, batch.schema(), Some(properties))
            .and_then(|mut writer| {
                writer.write(&batch)?;
                writer.close()
            })
            .map_err(|error| unwritable(path).with_source(error))?;
        Ok(batch.num_rows())
    }
}

fn create(path: &Path) -> Result<File> {
    path.parent()
        .map_or(Ok(()), std::fs::create_dir_all)
        .and_then(|()| File::create(path))
        .map_err(|error| unwritable(path).with_source(error))
}

fn unwritable(path: &Path) -> Error {
    Error::new(ErrorKind::Unavailable, format!("cannot write {}", path.display()))
}
