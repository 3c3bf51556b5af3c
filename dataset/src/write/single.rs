//! Single files that rows are written to: they appear complete or not at all.

use std::fmt;
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use larder_core::{Error, Result};
use tempfile::NamedTempFile;

use super::FileFormat;
use super::place::{Written as _, above, temporary_file};
use super::rows_file::{self, RowsFile};

/// A file being written beside its final place.
pub struct Sink {
    path: PathBuf,
    file: NamedTempFile,
    format: FileFormat,
    writer: Option<RowsFile>,
}

impl Sink {
    /// A new file next to `path`, which tells the format by its name: `.csv`, `.arrow`, else Parquet.
    ///
    /// # Errors
    /// `Unavailable` when the folder cannot be written.
    pub fn create(path: &Path) -> Result<Self> {
        let file = temporary_file(above(path)).at(path)?;
        let format = FileFormat::of_name(path).unwrap_or(FileFormat::Parquet);
        Ok(Self { path: path.to_owned(), file, format, writer: None })
    }

    /// Starts with this schema.
    ///
    /// # Errors
    /// `Unsupported` when the format cannot hold a column.
    pub fn begin(&mut self, schema: &SchemaRef) -> Result<()> {
        rows_file::check(self.format, schema)?;
        let file = self.file.reopen().at(&self.path)?;
        self.writer = Some(RowsFile::begin(file, self.format, schema, &mut None).at(&self.path)?);
        Ok(())
    }

    /// Appends rows of the schema.
    ///
    /// # Errors
    /// `Unavailable` when the disk does not take them.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        match &mut self.writer {
            Some(writer) => writer.write(batch).at(&self.path),
            None => Err(Error::internal("rows came before their schema")),
        }
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// `Unavailable` when that is not possible.
    pub fn finish(mut self) -> Result<()> {
        if let Some(writer) = self.writer.take() {
            writer.finish().at(&self.path)?;
        }
        self.file.as_file().sync_all().at(&self.path)?;
        let (path, file) = (self.path, self.file);
        file.persist(&path).map_err(|error| error.error).at(&path)?;
        Ok(())
    }
}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sink")
            .field("path", &self.path)
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}
