//! All rows of a source, which several threads read.

use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use larder_core::{ErrorKind, Timestamp};
use larder_offline_store::{OfflineStore, PullOptions, PullRequest};
use larder_offline_store_datafusion::{DataFusionOfflineStore, EngineOptions};
use libtest_mimic::Trial;

use crate::fixture::{block_on, put, source, whole};

macro_rules! trials {
    ($($name:ident),+ $(,)?) => {
        pub(crate) fn trials() -> Vec<Trial> {
            vec![$(Trial::test(concat!("all::", stringify!($name)), || {
                block_on($name());
                Ok(())
            })),+]
        }
    };
}

trials![
    rows_within_any_interval_come_in_the_order_of_the_files,
    a_file_without_the_time_is_read_where_no_interval_is_asked_for,
    a_damaged_file_ends_the_rows_of_those_before_it,
    an_answer_that_is_not_taken_to_its_end_leaves_nobody_waiting,
];

const FILES: i64 = 5;
const ROWS: i64 = 2_000;

/// The second of a row: in no order, and now and then none.
fn second(row: i64) -> Option<i64> {
    (row % 11 > 0).then_some(row.wrapping_mul(2_654_435_761).rem_euclid(1_000))
}

/// The rows of one file.
fn some(file: i64) -> RecordBatch {
    let numbers = file * ROWS..(file + 1) * ROWS;
    let times: TimestampMillisecondArray =
        numbers.clone().map(|row| second(row).map(|second| second * 1_000)).collect();
    let names: StringArray = numbers.clone().map(|row| Some(format!("key {}", row % 7))).collect();
    RecordBatch::try_from_iter_with_nullable([
        ("id", Arc::new(Int64Array::from_iter_values(numbers)) as ArrayRef, true),
        ("key", Arc::new(names) as ArrayRef, true),
        ("event_timestamp", Arc::new(times) as ArrayRef, true),
    ])
    .unwrap()
}

fn files(folder: &Path) {
    for file in 0..FILES {
        put(&folder.join(format!("rows/{file}.parquet")), &some(file), 300);
    }
}

fn request(start: Option<i64>, end: Option<i64>) -> PullRequest {
    let at = |second: i64| Timestamp::from_micros(second * 1_000_000);
    PullRequest {
        source: source("rows", false),
        join_keys: vec!["key".to_owned()],
        features: vec!["id".to_owned()],
        timestamp_field: "event_timestamp".to_owned(),
        created_timestamp_column: None,
        start: start.map(at),
        end: end.map(at),
        options: PullOptions::default(),
    }
}

fn engine(folder: &Path, batch_size: usize) -> DataFusionOfflineStore {
    let options = EngineOptions { batch_size, ..EngineOptions::new(folder) };
    DataFusionOfflineStore::new(options).unwrap()
}

fn ids(rows: &RecordBatch) -> Vec<i64> {
    rows.column_by_name("id").unwrap().as_primitive::<Int64Type>().values().to_vec()
}

async fn rows_within_any_interval_come_in_the_order_of_the_files() {
    let folder = tempfile::tempdir().unwrap();
    files(folder.path());
    for (start, end) in [
        (None, None),
        (Some(0), None),
        (None, Some(500)),
        (Some(250), Some(750)),
        (Some(400), Some(400)),
        (Some(5_000), None),
    ] {
        let lies_within = |row: &i64| match (second(*row), start, end) {
            (_, None, None) => true,
            (None, ..) => false,
            (Some(at), start, end) => {
                start.is_none_or(|start| at >= start) && end.is_none_or(|end| at <= end)
            }
        };
        let expected: Vec<i64> = (0..FILES * ROWS).filter(lies_within).collect();
        for batch_size in [7, 1_000, 8_192] {
            let store = engine(folder.path(), batch_size);
            let answer = store.pull_all(request(start, end)).await.unwrap();
            let schema = answer.schema();
            let batches = answer.collect().await.unwrap();
            assert!(batches.iter().all(|batch| batch.num_rows() <= batch_size));
            let found = arrow_select::concat::concat_batches(&schema, &batches).unwrap();
            let names: Vec<_> = schema.fields().iter().map(|field| field.name().clone()).collect();
            assert_eq!(names, ["key", "id", "event_timestamp"]);
            assert!(ids(&found) == expected, "{start:?} to {end:?} by {batch_size}");
        }
    }
}

async fn a_file_without_the_time_is_read_where_no_interval_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    files(folder.path());
    let untimed = some(FILES).project(&[0, 1]).unwrap();
    put(&folder.path().join("rows/9.parquet"), &untimed, 300);
    let store = engine(folder.path(), 1_000);
    for (start, rows) in [(None, (FILES + 1) * ROWS), (Some(0), FILES * ROWS)] {
        let answer = store.pull_all(request(start, None)).await.unwrap();
        let found = ids(&whole(answer).await.unwrap());
        let expected = (0..rows).filter(|row| start.is_none() || second(*row).is_some());
        assert!(expected.eq(found), "from {start:?}");
    }
}

async fn a_damaged_file_ends_the_rows_of_those_before_it() {
    let folder = tempfile::tempdir().unwrap();
    files(folder.path());
    let path = folder.path().join("rows/2.parquet");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[4..400].fill(0xff);
    std::fs::write(&path, bytes).unwrap();
    let answer = engine(folder.path(), 1_000).pull_all(request(None, None)).await.unwrap();
    let error = answer.collect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data, "{error}");
    assert!(error.to_string().contains("stats_source"), "{error}");
}

async fn an_answer_that_is_not_taken_to_its_end_leaves_nobody_waiting() {
    use futures::StreamExt as _;
    let folder = tempfile::tempdir().unwrap();
    files(folder.path());
    let store = engine(folder.path(), 10);
    for _ in 0..20 {
        let mut answer = store.pull_all(request(None, None)).await.unwrap();
        assert_eq!(ids(&answer.next().await.unwrap().unwrap()).first(), Some(&0));
    }
    // The runtime of the test ends only when all threads of its pool did.
}
