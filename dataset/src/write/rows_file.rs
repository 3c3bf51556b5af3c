//! One open file of rows in any format.

use std::fs::File;
use std::io::BufWriter;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_ipc::writer::FileWriter;
use arrow_schema::{Schema, SchemaRef};
use larder_core::{Error, Result};

use super::FileFormat;
use super::encoders::Encoders;
use super::parquet_file::ParquetFile;

/// A file that rows are appended to.
pub(super) enum RowsFile {
    Parquet(Box<ParquetFile>),
    Csv(Box<arrow_csv::Writer<File>>),
    Arrow(Box<FileWriter<BufWriter<File>>>),
}

/// What went wrong while bytes were written.
pub(super) type Cause = Box<dyn std::error::Error + Send + Sync>;

impl RowsFile {
    /// Starts a file; what encodes it is kept for the next.
    pub(super) fn begin(
        file: File,
        format: FileFormat,
        schema: &SchemaRef,
        encoders: &mut Option<Arc<Encoders>>,
    ) -> Result<Self, Cause> {
        Ok(match format {
            FileFormat::Parquet => {
                Self::Parquet(Box::new(ParquetFile::begin(file, schema, encoders)?))
            }
            FileFormat::Csv => {
                let writer = arrow_csv::WriterBuilder::new().with_header(true).build(file);
                Self::Csv(Box::new(writer))
            }
            FileFormat::Arrow => Self::Arrow(Box::new(FileWriter::try_new_buffered(file, schema)?)),
        })
    }

    /// Appends rows.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), Cause> {
        match self {
            Self::Parquet(writer) => writer.write(batch)?,
            Self::Csv(writer) => writer.write(batch)?,
            Self::Arrow(writer) => writer.write(batch)?,
        }
        Ok(())
    }

    /// Rows that are held in memory.
    pub(super) fn open_rows(&self) -> usize {
        match self {
            Self::Parquet(writer) => writer.open_rows(),
            Self::Csv(_) | Self::Arrow(_) => 0,
        }
    }

    /// Lets go of the rows that are held.
    pub(super) fn flush(&mut self) -> Result<(), Cause> {
        match self {
            Self::Parquet(writer) => Ok(writer.flush()?),
            Self::Csv(_) | Self::Arrow(_) => Ok(()),
        }
    }

    /// Writes what is left.
    pub(super) fn finish(self) -> Result<(), Cause> {
        match self {
            Self::Parquet(writer) => writer.finish()?,
            Self::Csv(writer) => drop(writer),
            Self::Arrow(mut writer) => {
                writer.finish()?;
                writer.into_inner()?.into_inner().map_err(std::io::IntoInnerError::into_error)?;
            }
        }
        Ok(())
    }
}

/// Whether a format can hold a schema.
///
/// # Errors
/// `Unsupported` naming the column that it cannot hold.
pub(super) fn check(format: FileFormat, schema: &Schema) -> Result<()> {
    let nested = schema.fields().iter().find(|field| field.data_type().is_nested());
    match nested.filter(|_| format == FileFormat::Csv) {
        None => Ok(()),
        Some(field) => Err(Error::unsupported(format!(
            "column \"{}\" is of type {}, which CSV cannot hold",
            field.name(),
            field.data_type()
        ))
        .with_hint("write Parquet or Arrow")),
    }
}
