//! A Parquet file that appears whole or not at all.

use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use larder_core::{Error, ErrorKind, Result};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use tempfile::NamedTempFile;

/// A Parquet file on its way to its name.
pub(super) struct ParquetFile {
    target: PathBuf,
    rows: ArrowWriter<NamedTempFile>,
}

impl ParquetFile {
    /// A temporary file in the folder of `target`, under a name that no reader takes for a part.
    pub(super) fn beside(target: &Path, schema: SchemaRef) -> Result<Self> {
        let folder = folder_of(target);
        let file = tempfile::Builder::new()
            .prefix(TEMPORARY)
            .suffix(".tmp")
            // The usual mode of a new file; the umask of the process still applies.
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(folder);
        let file = file.map_err(|error| broken(folder, error))?;
        let snappy = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let rows = ArrowWriter::try_new(file, schema, Some(snappy));
        let rows = rows.map_err(|error| corrupt(target, error))?;
        Ok(Self { target: target.to_owned(), rows })
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows.write(batch).map_err(|error| corrupt(&self.target, error))
    }

    /// Makes the rows durable, then visible in the place of what is there.
    pub(super) fn publish(self) -> Result<()> {
        let (target, file) = self.durable()?;
        file.persist(&target).map_err(|error| broken(&target, error.error))?;
        sync_folder(folder_of(&target))
    }

    /// As [`publish`](Self::publish); whether the name was free, without which nothing changes.
    pub(super) fn publish_new(self) -> Result<bool> {
        let (target, file) = self.durable()?;
        match file.persist_noclobber(&target) {
            Ok(_) => sync_folder(folder_of(&target)).map(|()| true),
            Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(broken(&target, error.error)),
        }
    }

    fn durable(self) -> Result<(PathBuf, NamedTempFile)> {
        let Self { target, rows } = self;
        let file = rows.into_inner().map_err(|error| corrupt(&target, error))?;
        file.as_file().sync_all().map_err(|error| broken(&target, error))?;
        Ok((target, file))
    }
}

/// How the names of temporary files and folders begin.
pub(super) const TEMPORARY: &str = ".larder-";

/// The folder that a path stands in.
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

/// Makes names in a folder durable: a new one is only when the folder is.
pub(super) fn sync_folder(folder: &Path) -> Result<()> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|error| broken(folder, error))
}

/// The error of the file system.
pub(super) fn broken(path: &Path, error: std::io::Error) -> Error {
    let kind = match error.kind() {
        std::io::ErrorKind::NotFound => ErrorKind::NotFound,
        std::io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
        _ => ErrorKind::Unavailable,
    };
    Error::new(kind, format!("cannot write {}", path.display())).with_source(error)
}

/// The error of the format.
pub(super) fn corrupt(path: &Path, error: ParquetError) -> Error {
    Error::data(format!("cannot rewrite {}", path.display())).with_source(error)
}
