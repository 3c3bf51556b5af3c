//! The newest rows of many keys, with and without enough memory.

use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use larder_offline_store::{OfflineStore, PullOptions, PullRequest, oracle};
use larder_offline_store_datafusion::{DataFusionOfflineStore, EngineOptions};
use libtest_mimic::Trial;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use crate::fixture::{block_on, put, source, whole};
use crate::rows::{names, rows, sorted};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("latest::any_memory_gives_the_same_rows_in_the_same_order", || {
            block_on(any_memory());
            Ok(())
        }),
        Trial::test("latest::files_without_page_index_are_read_too", || {
            block_on(without_page_index());
            Ok(())
        }),
        Trial::test("latest::batches_have_the_size_that_the_engine_is_given", || {
            block_on(batch_sizes());
            Ok(())
        }),
    ]
}

/// Rows from `first` on, of keys that come again and again, in no order of time.
fn some(first: i64, count: i64, keys: i64) -> RecordBatch {
    let mixed = |row: i64| (row.wrapping_mul(2_654_435_761)).rem_euclid(1 << 20);
    let of = |value: fn(i64, i64) -> i64| -> Vec<i64> {
        (first..first + count).map(|row| value(mixed(row), row)).collect()
    };
    let names: StringArray = of(|mixed, _| mixed)
        .into_iter()
        .map(|mixed| Some(format!("key {}", mixed % keys)))
        .collect();
    let columns: [(&str, ArrayRef); 4] = [
        ("key", Arc::new(names)),
        ("event_timestamp", Arc::new(TimestampMillisecondArray::from(of(|mixed, _| mixed % 500)))),
        ("created", Arc::new(TimestampMillisecondArray::from(of(|mixed, _| mixed % 3)))),
        ("id", Arc::new(Int64Array::from(of(|_, row| row)))),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn request(memory_limit: Option<usize>) -> PullRequest {
    PullRequest {
        source: source("rows", true),
        join_keys: vec!["key".to_owned()],
        features: vec!["id".to_owned()],
        timestamp_field: "event_timestamp".to_owned(),
        created_timestamp_column: Some("created".to_owned()),
        start: None,
        end: None,
        options: PullOptions { memory_limit, skip: 0 },
    }
}

fn engine(folder: &Path, batch_size: usize) -> DataFusionOfflineStore {
    let options = EngineOptions { batch_size, ..EngineOptions::new(folder) };
    DataFusionOfflineStore::new(options).unwrap()
}

async fn any_memory() {
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<RecordBatch> = (0..4).map(|file| some(file * 10_000, 10_000, 9_000)).collect();
    for (number, file) in files.iter().enumerate() {
        put(&folder.path().join(format!("rows/{number}.parquet")), file, 3_000);
    }
    let all = arrow_select::concat::concat_batches(&files[0].schema(), &files).unwrap();
    let expected = oracle::latest(&request(None), &all).unwrap();
    let columns = names(&expected);
    let mut first: Option<Vec<Vec<String>>> = None;
    for limit in [None, Some(8 << 20), Some(256 << 10), Some(16 << 10), Some(1)] {
        let answer = engine(folder.path(), 1_000).pull_latest(request(limit)).await.unwrap();
        let count = answer.rows();
        let answer = whole(answer).await.unwrap();
        assert_eq!(count, Some(answer.num_rows() as u64));
        let ids = answer.column_by_name("id").unwrap().as_primitive::<Int64Type>().values();
        assert!(ids.is_sorted(), "the order of the files, with {limit:?}");
        let found = rows(&answer, &columns);
        if let Some(first) = &first {
            assert_eq!(&found, first, "with {limit:?}");
        } else {
            assert_eq!(sorted(found.clone()), sorted(rows(&expected, &columns)));
            first = Some(found);
        }
    }
}

async fn without_page_index() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("rows")).unwrap();
    let all = some(0, 20_000, 3_000);
    let plain = WriterProperties::builder()
        .set_max_row_group_row_count(Some(7_000))
        .set_statistics_enabled(EnabledStatistics::None)
        .set_offset_index_disabled(true)
        .build();
    let file = std::fs::File::create(folder.path().join("rows/0.parquet")).unwrap();
    let mut writer = ArrowWriter::try_new(file, all.schema(), Some(plain)).unwrap();
    writer.write(&all).unwrap();
    writer.close().unwrap();
    let expected = oracle::latest(&request(None), &all).unwrap();
    let columns = names(&expected);
    for limit in [None, Some(1)] {
        let answer = engine(folder.path(), 999).pull_latest(request(limit)).await.unwrap();
        let answer = whole(answer).await.unwrap();
        assert_eq!(sorted(rows(&answer, &columns)), sorted(rows(&expected, &columns)));
    }
}

async fn batch_sizes() {
    let folder = tempfile::tempdir().unwrap();
    put(&folder.path().join("rows/0.parquet"), &some(0, 20_000, 5_000), 20_000);
    for (batch_size, limit) in [(100, None), (1_000, None), (1_000, Some(1))] {
        let answer = engine(folder.path(), batch_size).pull_latest(request(limit)).await.unwrap();
        let rows = usize::try_from(answer.rows().unwrap()).unwrap();
        let batches = answer.collect().await.unwrap();
        assert!(batches.iter().all(|batch| batch.num_rows() <= batch_size));
        assert!(batches.len() >= rows / batch_size && rows > 3_000, "{} batches", batches.len());
    }
}
