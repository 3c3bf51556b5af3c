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
use crate::source::footer;

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
    let mut current = File::open(path).map_err(|error| broken(path, error))?;
    footer::check_file(&mut current)
        .map_err(|error| error.context(format_args!("cannot rewrite {}", path.display())))?;
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

#[cfg(test)]
mod tests {
    use arrow_array::{ArrayRef, Int64Array};

    use super::*;

    fn rows() -> RecordBatch {
        let values: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
        RecordBatch::try_from_iter([("driver", values)]).unwrap()
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_damaged_file_is_named_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stats.parquet");
        let schema = rows().schema();
        let mut writer = Writer::beside(&path, schema).unwrap();
        writer.write(&rows()).unwrap();
        writer.publish().unwrap();
        let whole = std::fs::read(&path).unwrap();
        let long_footer = [&whole[..whole.len() - 8], b"\xff\xff\xff\x7fPAR1"].concat();
        for (what, bytes) in [
            ("nothing", &b""[..]),
            ("too short", b"PAR1"),
            ("cut off", &whole[..whole.len() - 3]),
            ("garbage with the right end", b"the quick brown fox quetPAR1"),
            ("a footer longer than the file", &long_footer),
        ] {
            std::fs::write(&path, bytes).unwrap();
            let error = extend_file(&path, &[rows()]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Data, "{what}: {error}");
            assert!(error.message().contains("stats.parquet"), "{what}: {error}");
            assert_eq!(std::fs::read(&path).unwrap(), bytes, "{what}");
            assert_eq!(names(folder.path()), ["stats.parquet"], "{what}");
        }
        std::fs::write(&path, &whole).unwrap();
        extend_file(&path, &[rows()]).unwrap();
        let stored = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).unwrap()).unwrap();
        assert_eq!(stored.metadata().file_metadata().num_rows(), 4);
    }
}
