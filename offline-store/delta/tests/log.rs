//! Logs that delta-rs and Spark wrote, and damaged ones.
#![expect(clippy::unwrap_used, reason = "helpers of tests: clippy does not see that they are")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::Array as _;
use arrow_array::cast::AsArray as _;
use arrow_schema::{DataType, TimeUnit};
use larder_core::{Error, ErrorKind, Result};
use larder_offline_store_delta::{TableRoot, TableVersion};
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt as _};

fn golden(name: &str) -> PathBuf {
    let vectors = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/delta");
    fs::canonicalize(vectors).unwrap().join(name)
}

async fn newest(folder: &Path) -> Result<TableVersion> {
    let root = TableRoot::local(folder, "stats")?;
    TableVersion::newest(Arc::new(LocalFileSystem::new()), &root).await
}

/// A copy of a table whose files may be changed.
fn copied(name: &str) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    copy_folder(&golden(name), copy.path());
    copy
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(std::result::Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Adds a commit to a table.
fn commit(folder: &Path, version: u64, actions: &str) {
    fs::write(folder.join(format!("_delta_log/{version:020}.json")), actions).unwrap();
}

#[tokio::test]
async fn the_newest_version_has_its_files_and_columns() {
    for (name, version, files) in [("rust", 5, 12), ("deletion_vectors", 5, 4), ("widened", 3, 2)] {
        let table = newest(&golden(name)).await.unwrap();
        assert_eq!((table.version, table.files.len()), (version, files), "{name}");
        for file in &table.files {
            let path = Path::new("/").join(file.meta.location.as_ref());
            let found = LocalFileSystem::new().head(&file.meta.location).await;
            assert_eq!(found.unwrap().size, file.meta.size, "{}", path.display());
        }
        let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let time = table.columns.field_with_name("event_timestamp").unwrap();
        assert_eq!(time.data_type(), &utc);
    }
}

#[tokio::test]
async fn partition_columns_have_their_types_and_nulls() {
    let table = newest(&golden("rust")).await.unwrap();
    let columns: Vec<_> = table.partitions.iter().map(|column| column.name().as_str()).collect();
    assert_eq!(columns, ["city", "day"]);
    assert_eq!(table.partitions[1].data_type(), &DataType::Date32);
    let city = |values: &[arrow_array::ArrayRef]| {
        let city = values[0].as_string::<i32>().iter().next().flatten();
        city.map(str::to_owned)
    };
    let mut cities: Vec<_> = table.files.iter().map(|file| city(&file.partitions)).collect();
    cities.sort();
    cities.dedup();
    assert_eq!(cities, [None, Some("athens".to_owned()), Some("são paulo/sul".to_owned())]);
}

#[tokio::test]
async fn deletion_vectors_name_rows() {
    let table = newest(&golden("deletion_vectors")).await.unwrap();
    let deleted: usize = table.files.iter().map(|file| file.deleted.len()).sum();
    assert!(deleted > 0);
}

#[tokio::test]
async fn a_bucket_is_read_like_a_folder() {
    let bucket: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let folder = golden("rust");
    for entry in walk(&folder) {
        let key = entry.strip_prefix(&folder).unwrap().to_str().unwrap();
        let key = Key::parse(format!("a b/stats/{key}")).unwrap();
        bucket.put(&key, fs::read(&entry).unwrap().into()).await.unwrap();
    }
    let root = TableRoot::in_bucket("lake", &Key::parse("a b/stats").unwrap(), "stats").unwrap();
    let table = TableVersion::newest(Arc::clone(&bucket), &root).await.unwrap();
    for file in &table.files {
        assert_eq!(bucket.head(&file.meta.location).await.unwrap().size, file.meta.size);
    }
    assert_eq!(table.files.len(), newest(&folder).await.unwrap().files.len());
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

async fn failed(folder: &Path) -> Error {
    newest(folder).await.unwrap_err()
}

#[tokio::test]
async fn a_folder_without_a_log_is_no_table() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(failed(folder.path()).await.kind(), ErrorKind::NotFound);
    assert_eq!(failed(&folder.path().join("nowhere")).await.kind(), ErrorKind::NotFound);
    fs::create_dir(folder.path().join("_delta_log")).unwrap();
    let error = failed(folder.path()).await;
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error:?}");
}

#[tokio::test]
async fn a_damaged_log_is_no_table() {
    for actions in ["{\"add\":", "{\"add\":{\"path\":1}}\n", "\u{0}\u{1}\n"] {
        let folder = copied("rust");
        commit(folder.path(), 6, actions);
        assert_eq!(failed(folder.path()).await.kind(), ErrorKind::Data, "{actions}");
    }
    let folder = copied("rust");
    fs::remove_file(folder.path().join("_delta_log/00000000000000000003.json")).unwrap();
    assert_eq!(failed(folder.path()).await.kind(), ErrorKind::Data);
    let folder = copied("rust");
    fs::write(folder.path().join("_delta_log/00000000000000000001.checkpoint.parquet"), "PAR1")
        .unwrap();
    assert_eq!(failed(folder.path()).await.kind(), ErrorKind::Data);
}

#[tokio::test]
async fn what_a_table_needs_of_its_readers_is_named() {
    let folder = copied("rust");
    commit(
        folder.path(),
        6,
        r#"{"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["timeTravelledRows"],"writerFeatures":["timeTravelledRows"]}}"#,
    );
    let error = failed(folder.path()).await;
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(error.message().contains("timeTravelledRows"), "{error}");
    let folder = copied("mapped");
    for entry in fs::read_dir(folder.path().join("_delta_log")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "json") {
            let text = fs::read_to_string(&path).unwrap();
            let by_id = r#""delta.columnMapping.mode":"id""#;
            let by_name = r#""delta.columnMapping.mode":"name""#;
            fs::write(path, text.replace(by_name, by_id)).unwrap();
        }
    }
    let error = failed(folder.path()).await;
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(error.message().contains("columnMapping by id"), "{error}");
}

#[tokio::test]
async fn renamed_columns_keep_the_names_that_files_have() {
    let table = newest(&golden("mapped")).await.unwrap();
    let rate = table.columns.index_of("rate").unwrap();
    assert!(
        table.columns.index_of("conv_rate").is_err() && table.columns.index_of("city").is_err()
    );
    assert!(table.names[rate].starts_with("col-"), "{:?}", table.names);
    assert_eq!(table.names.len(), table.columns.fields().len());
    let days = table.files.iter().map(|file| file.partitions[0].null_count());
    assert_eq!(days.sum::<usize>(), 0);
}

#[tokio::test]
async fn files_outside_of_the_folder_are_refused() {
    let folder = copied("rust");
    let add = |path: &str| {
        format!(
            r#"{{"add":{{"path":"{path}","partitionValues":{{"city":"x","day":"2026-01-01"}},"size":9,"modificationTime":0,"dataChange":true}}}}"#
        )
    };
    for path in ["s3://other/part.parquet", "../part.parquet", "file:///etc/passwd"] {
        commit(folder.path(), 6, &add(path));
        assert_eq!(failed(folder.path()).await.kind(), ErrorKind::Unsupported, "{path}");
    }
}
