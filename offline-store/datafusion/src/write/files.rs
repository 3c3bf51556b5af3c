//! Files that appear whole or not at all.

use std::fs::{File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use larder_core::{Error, ErrorKind, Result};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use tempfile::NamedTempFile;
use uuid::Uuid;

use super::columns;

/// Puts rows into a new file of a folder that has `files` of them.
///
/// Names count upwards, so that among equal rows the one written last comes last in file order.
pub(super) fn add_part(
    folder: &Path,
    files: usize,
    schema: &SchemaRef,
    batches: &[RecordBatch],
) -> Result<()> {
    let name = format!("part-{files:010}-{}.parquet", Uuid::new_v4().simple());
    let target = folder.join(name);
    let mut writer = Writer::beside(&target, Arc::clone(schema))?;
    batches.iter().try_for_each(|batch| writer.write(batch))?;
    writer.publish()
}

/// Replaces a file by its rows followed by the new ones, which are in its columns' order and types.
pub(super) fn extend_file(path: &Path, batches: &[RecordBatch]) -> Result<()> {
    let _lock = lock(path)?;
    // Opened only now: another writer may have replaced the file while this one waited.
    let current = File::open(path).map_err(|error| broken(path, error))?;
    let stored = ParquetRecordBatchReaderBuilder::try_new(current);
    let stored = stored.map_err(|error| corrupt(path, error))?;
    let schema = Arc::clone(stored.schema());
    let rows = stored.build().map_err(|error| corrupt(path, error))?;
    let mut writer = Writer::beside(path, Arc::clone(&schema))?;
    for batch in rows {
        writer.write(&batch.map_err(|error| corrupt(path, error.into()))?)?;
    }
    let shown = path.display().to_string();
    for batch in columns::align(batches, &schema, &shown)? {
        writer.write(&batch)?;
    }
    writer.publish()
}

/// Locks the file that the path names now, against writers in this and other processes.
///
/// A writer replaces the file, so the lock counts only when the path still names what was locked.
fn lock(path: &Path) -> Result<File> {
    loop {
        let file = File::open(path).map_err(|error| broken(path, error))?;
        file.lock().map_err(|error| broken(path, error))?;
        let locked = file.metadata().map_err(|error| broken(path, error))?;
        let named = std::fs::metadata(path).map_err(|error| broken(path, error))?;
        if (locked.dev(), locked.ino()) == (named.dev(), named.ino()) {
            return Ok(file);
        }
    }
}

/// A Parquet file on its way to its name.
struct Writer<'a> {
    target: &'a Path,
    rows: ArrowWriter<NamedTempFile>,
}

impl<'a> Writer<'a> {
    /// A temporary file in the folder of `target`, under a name that no reader takes for a part.
    fn beside(target: &'a Path, schema: SchemaRef) -> Result<Self> {
        let folder = target.parent().unwrap_or_else(|| Path::new("."));
        let file = tempfile::Builder::new()
            .prefix(".larder-")
            .suffix(".tmp")
            // The usual mode of a new file; the umask of the process still applies.
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(folder);
        let file = file.map_err(|error| broken(folder, error))?;
        let snappy = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let rows = ArrowWriter::try_new(file, schema, Some(snappy));
        Ok(Self { target, rows: rows.map_err(|error| corrupt(target, error))? })
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows.write(batch).map_err(|error| corrupt(self.target, error))
    }

    /// Makes the rows durable, then visible.
    fn publish(self) -> Result<()> {
        let Self { target, rows } = self;
        let file = rows.into_inner().map_err(|error| corrupt(target, error))?;
        file.as_file().sync_all().map_err(|error| broken(target, error))?;
        file.persist(target).map_err(|error| broken(target, error.error))?;
        let folder = target.parent().unwrap_or_else(|| Path::new("."));
        // The new name is durable only when the folder is.
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(|error| broken(folder, error))
    }
}

fn broken(path: &Path, error: std::io::Error) -> Error {
    let kind = match error.kind() {
        std::io::ErrorKind::NotFound => ErrorKind::NotFound,
        std::io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
        _ => ErrorKind::Unavailable,
    };
    Error::new(kind, format!("cannot write {}", path.display())).with_source(error)
}

fn corrupt(path: &Path, error: ParquetError) -> Error {
    Error::data(format!("cannot rewrite {}", path.display())).with_source(error)
}
