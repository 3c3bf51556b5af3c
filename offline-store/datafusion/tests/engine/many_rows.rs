//! Entity rows of every format that take more than the memory they may take.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use larder_core::{DataSource, ErrorKind};
use larder_offline_store::{EntityRows, HistoricalRequest, OfflineStore};
use larder_offline_store_datafusion::{DataFusionOfflineStore, EngineOptions};
use libtest_mimic::Trial;

use crate::entity_rows::{history, stats};
use crate::fixture::{block_on, put, source, whole};
use crate::rows::rows;

macro_rules! trials {
    ($($name:ident),+ $(,)?) => {
        pub(crate) fn trials() -> Vec<Trial> {
            vec![$(Trial::test(concat!("many_rows::", stringify!($name)), || {
                block_on($name());
                Ok(())
            })),+]
        }
    };
}

trials![
    rows_of_every_format_that_exceed_the_memory_have_the_answer_of_rows_in_memory,
    a_fault_far_behind_in_a_file_is_told_as_one_at_its_start,
];

const ROWS: i64 = 20_000;

/// Rows in no order of time, some before the first row of a driver, some without a driver, some without a note.
fn entities() -> RecordBatch {
    let driver = |row: i64| (row % 97 < 50).then(|| format!("d{}", row % 97));
    let drivers: StringArray = (0..ROWS).map(driver).collect();
    let seconds = (0..ROWS).map(|row| row * 7_919 % 199 - 5);
    let times: TimestampMillisecondArray = seconds.map(|second| Some(second * 1_000)).collect();
    let notes: StringArray =
        (0..ROWS).map(|row| (row % 7 > 0).then(|| format!("row {row}"))).collect();
    let numbers: Int64Array = (0..ROWS).map(Some).collect();
    RecordBatch::try_from_iter_with_nullable([
        ("driver", Arc::new(drivers) as ArrayRef, true),
        ("event_timestamp", Arc::new(times) as ArrayRef, true),
        ("note", Arc::new(notes) as ArrayRef, true),
        ("number", Arc::new(numbers) as ArrayRef, true),
    ])
    .unwrap()
}

/// The same rows in every format.
fn formats(folder: &Path) -> Vec<(&'static str, EntityRows)> {
    let rows = entities();
    put(&folder.join("rows.parquet"), &rows, 1_500);
    let mut csv = arrow_csv::Writer::new(File::create(folder.join("rows.csv")).unwrap());
    csv.write(&rows).unwrap();
    let json = File::create(folder.join("rows.jsonl")).unwrap();
    let mut json = arrow_json::LineDelimitedWriter::new(json);
    json.write(&rows).unwrap();
    json.finish().unwrap();
    let query = |sql: &str| {
        let tables =
            vec![DataSource { name: "orders".to_owned(), ..source("rows.parquet", false) }];
        EntityRows::Query { sql: sql.to_owned(), tables }
    };
    vec![
        ("parquet", EntityRows::File(folder.join("rows.parquet"))),
        ("csv", EntityRows::File(folder.join("rows.csv"))),
        ("json lines", EntityRows::File(folder.join("rows.jsonl"))),
        ("query", query("SELECT * FROM orders")),
        ("sorted", query("SELECT * FROM orders ORDER BY number")),
    ]
}

fn store(folder: &Path) -> DataFusionOfflineStore {
    let log: Vec<(String, i64)> = (0..50)
        .flat_map(|driver| (0..20).map(move |turn| (format!("d{driver}"), turn * 10)))
        .collect();
    let log: Vec<_> = log.iter().map(|(driver, second)| (driver.as_str(), *second)).collect();
    put(&folder.join("stats.parquet"), &stats(&log), 100);
    let options = EngineOptions { batch_size: 1_000, ..EngineOptions::new(folder) };
    DataFusionOfflineStore::new(options).unwrap()
}

fn within(limit: Option<usize>, rows: &EntityRows) -> HistoricalRequest {
    let mut request = history(rows.clone());
    request.options.memory_limit = limit;
    request
}

async fn rows_of_every_format_that_exceed_the_memory_have_the_answer_of_rows_in_memory() {
    const COLUMNS: [&str; 4] = ["number", "driver", "note", "rate"];
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let in_memory = store.historical_features(history(entities().into())).await.unwrap();
    let expected = rows(&whole(in_memory).await.unwrap(), &COLUMNS.map(str::to_owned));
    assert_eq!(expected.len(), 20_000);
    for (format, entities) in formats(folder.path()) {
        let of = async |limit| {
            let answer = store.historical_features(within(limit, &entities)).await.unwrap();
            whole(answer).await.unwrap()
        };
        let held = of(None).await;
        assert!(rows(&held, &COLUMNS.map(str::to_owned)) == expected, "{format}");
        for limit in [0, 50_000, 500_000, 2_000_000, 8_000_000] {
            // Its types, too.
            assert!(of(Some(limit)).await == held, "{format} within {limit}");
        }
    }
}

async fn a_fault_far_behind_in_a_file_is_told_as_one_at_its_start() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    formats(folder.path());
    for (file, fault) in [("rows.csv", "1,2\n"), ("rows.jsonl", "[1, 2]\n")] {
        let path = folder.path().join(file);
        let good = std::fs::read_to_string(&path).unwrap();
        let header = if file == "rows.csv" { "driver,event_timestamp,note,number\n" } else { "" };
        let mut kinds = Vec::new();
        for text in [format!("{header}{fault}"), format!("{good}{fault}")] {
            std::fs::write(&path, text).unwrap();
            let request = within(Some(10_000), &EntityRows::File(path.clone()));
            let error = store.historical_features(request).await.unwrap_err();
            assert!(error.message().contains(file), "{error}");
            kinds.push(error.kind());
        }
        assert_eq!(kinds, [ErrorKind::Invalid; 2], "{file}");
    }
}
