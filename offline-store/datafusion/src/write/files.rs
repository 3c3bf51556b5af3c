//! Rows added to the files of a source.

use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use larder_core::Result;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use uuid::Uuid;

use super::columns;
use super::parquet_file::{ParquetFile, broken, corrupt};
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
    let target = folder.join(part_name(files));
    let mut writer = ParquetFile::beside(&target, Arc::clone(schema))?;
    batches.iter().try_for_each(|batch| writer.write(batch))?;
    writer.publish()
}

/// A new name in a folder with so many files; as long as names count upwards, it is the last of them.
pub(super) fn part_name(files: usize) -> String {
    format!("part-{files:010}-{}.parquet", Uuid::new_v4().simple())
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
    let mut writer = ParquetFile::beside(path, Arc::clone(&schema))?;
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

#[cfg(test)]
mod tests {
    use arrow_array::{ArrayRef, Int64Array};
    use larder_core::ErrorKind;

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
        let mut writer = ParquetFile::beside(&path, schema).unwrap();
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
