//! Files that rows are written to: they appear complete or not at all.

use std::fmt;
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};
use larder_core::{Error, ErrorKind, Result};
use tempfile::NamedTempFile;

use super::parquet_file::ParquetFile;

/// A file being written beside its final place.
pub(crate) struct Sink {
    path: PathBuf,
    file: NamedTempFile,
    format: Format,
    writer: Option<Writer>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Parquet,
    Csv,
}

enum Writer {
    Parquet(Box<ParquetFile>),
    Csv(Box<arrow_csv::Writer<std::fs::File>>),
}

impl Sink {
    /// A new file next to `path`, which tells the format by its name: `.csv`, else Parquet.
    ///
    /// # Errors
    /// `Unavailable` when the folder cannot be written.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let file = temporary_file(folder).map_err(|error| unwritable(path, error))?;
        let is_csv =
            path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
        let format = if is_csv { Format::Csv } else { Format::Parquet };
        Ok(Self { path: path.to_owned(), file, format, writer: None })
    }

    /// Starts with this schema.
    ///
    /// # Errors
    /// `Unsupported` when the format cannot hold a column.
    pub(crate) fn begin(&mut self, schema: &SchemaRef) -> Result<()> {
        let file = self.file.reopen().map_err(|error| unwritable(&self.path, error))?;
        self.writer = Some(match self.format {
            Format::Csv => Writer::Csv(Box::new(csv_writer(file, schema)?)),
            Format::Parquet => {
                let writer = ParquetFile::begin(file, schema);
                Writer::Parquet(Box::new(writer.map_err(|error| unwritable(&self.path, error))?))
            }
        });
        Ok(())
    }

    /// Appends rows of the schema.
    ///
    /// # Errors
    /// `Unavailable` when the disk does not take them.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        match &mut self.writer {
            Some(Writer::Parquet(writer)) => {
                writer.write(batch).map_err(|error| unwritable(&self.path, error))
            }
            Some(Writer::Csv(writer)) => {
                writer.write(batch).map_err(|error| unwritable(&self.path, error))
            }
            None => Err(Error::internal("rows came before their schema")),
        }
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// `Unavailable` when that is not possible.
    pub(crate) fn finish(mut self) -> Result<()> {
        if let Some(Writer::Parquet(writer)) = self.writer.take() {
            writer.finish().map_err(|error| unwritable(&self.path, error))?;
        }
        self.file.as_file().sync_all().map_err(|error| unwritable(&self.path, error))?;
        let (path, file) = (self.path, self.file);
        file.persist(&path).map_err(|error| unwritable(&path, error.error))?;
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

/// Temporary files are for their owner only; this one will be a file like any other.
fn temporary_file(folder: &Path) -> std::io::Result<NamedTempFile> {
    use std::os::unix::fs::PermissionsExt as _;
    let as_umask_allows = std::fs::Permissions::from_mode(0o666);
    tempfile::Builder::new().prefix(".fs-").permissions(as_umask_allows).tempfile_in(folder)
}

fn csv_writer(file: std::fs::File, schema: &Schema) -> Result<arrow_csv::Writer<std::fs::File>> {
    match schema.fields().iter().find(|field| field.data_type().is_nested()) {
        None => Ok(arrow_csv::WriterBuilder::new().with_header(true).build(file)),
        Some(field) => Err(Error::unsupported(format!(
            "column \"{}\" is of type {}, which CSV cannot hold",
            field.name(),
            field.data_type()
        ))
        .with_hint("write to a .parquet file")),
    }
}

fn unwritable(path: &Path, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(ErrorKind::Unavailable, format!("cannot write {}", path.display()))
        .with_source(error)
}
