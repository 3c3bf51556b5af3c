//! Entity rows from text and from queries, and what is told of files.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use larder_core::{DataSource, ErrorKind};
use larder_offline_store::{EntityRows, HistoricalOptions, HistoricalRequest, OfflineStore};
use larder_offline_store_datafusion::{DataFusionOfflineStore, EngineOptions};
use libtest_mimic::Trial;

use crate::fixture::{block_on, engine, put, source, view, whole};
use crate::rows::rows;

macro_rules! trials {
    ($($name:ident),+ $(,)?) => {
        pub(crate) fn trials() -> Vec<Trial> {
            vec![$(Trial::test(concat!("entity_rows::", stringify!($name)), || {
                block_on($name());
                Ok(())
            })),+]
        }
    };
}

trials![
    json_lines_keep_the_order_of_the_first_object_and_the_types_of_the_source,
    a_query_over_sources_gives_entity_rows_in_its_order,
    a_query_may_join_sources,
    a_query_is_refused_unless_it_is_one_that_reads_sources,
    the_files_of_a_source_are_told_by_path_size_and_etag,
    a_file_larger_than_the_memory_limit_is_answered_row_by_row_in_its_order,
];

/// Rows of two drivers at these seconds, with the second as `rate`.
pub(crate) fn stats(rows: &[(&str, i64)]) -> RecordBatch {
    let drivers: StringArray = rows.iter().map(|(driver, _)| Some(*driver)).collect();
    let times: TimestampMillisecondArray =
        rows.iter().map(|(_, second)| Some(second * 1_000)).collect();
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let rates: Float64Array = rows.iter().map(|(_, second)| Some(*second as f64)).collect();
    RecordBatch::try_from_iter([
        ("driver", Arc::new(drivers) as ArrayRef),
        ("event_timestamp", Arc::new(times) as ArrayRef),
        ("rate", Arc::new(rates) as ArrayRef),
    ])
    .unwrap()
}

pub(crate) fn history(entity: EntityRows) -> HistoricalRequest {
    HistoricalRequest {
        entity,
        event_timestamp_column: None,
        views: vec![view(source("stats.parquet", false), &["driver"], &["rate"])],
        filter_by_created: false,
        options: HistoricalOptions::default(),
    }
}

/// A source of this name.
fn named(name: &str, uri: &str) -> DataSource {
    DataSource { name: name.to_owned(), ..source(uri, false) }
}

fn query(sql: &str) -> HistoricalRequest {
    let tables = vec![named("orders", "orders.parquet"), named("cities", "cities.parquet")];
    history(EntityRows::Query { sql: sql.to_owned(), tables })
}

async fn json_lines_keep_the_order_of_the_first_object_and_the_types_of_the_source() {
    let folder = tempfile::tempdir().unwrap();
    put(&folder.path().join("stats.parquet"), &stats(&[("7", 1), ("7", 5)]), 9);
    let store = engine(folder.path());
    for name in ["rows.jsonl", "rows.ndjson"] {
        let lines = "{\"z\": 1, \"event_timestamp\": \"1970-01-01T00:00:04Z\", \"driver\": 7}\n\
            {\"driver\": \"7\", \"event_timestamp\": \"1970-01-01T00:00:09Z\", \"a\": 2}\n";
        std::fs::write(folder.path().join(name), lines).unwrap();
        let request = history(EntityRows::File(folder.path().join(name)));
        let answer = whole(store.historical_features(request).await.unwrap()).await.unwrap();
        let schema = answer.schema();
        let names: Vec<_> = schema.fields().iter().map(|field| field.name().clone()).collect();
        assert_eq!(names, ["z", "event_timestamp", "driver", "a", "rate"]);
        let found = rows(&answer, &["driver", "a", "rate"].map(str::to_owned));
        assert_eq!(found, [["\"7\"", "null", "1.0"], ["\"7\"", "2.0", "5.0"]]);
    }
    std::fs::write(folder.path().join("broken.jsonl"), "[1, 2]\n").unwrap();
    let request = history(EntityRows::File(folder.path().join("broken.jsonl")));
    let error = store.historical_features(request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.message().contains("broken.jsonl"), "{error}");
}

async fn a_query_over_sources_gives_entity_rows_in_its_order() {
    let folder = tempfile::tempdir().unwrap();
    put(&folder.path().join("stats.parquet"), &stats(&[("a", 1), ("b", 5)]), 9);
    put(&folder.path().join("orders.parquet"), &stats(&[("b", 9), ("a", 8), ("b", 2)]), 9);
    let request = query(
        "SELECT driver, event_timestamp, rate AS amount FROM orders WHERE rate > 2 ORDER BY rate",
    );
    let answer = engine(folder.path()).historical_features(request).await.unwrap();
    let found =
        rows(&whole(answer).await.unwrap(), &["driver", "amount", "rate"].map(str::to_owned));
    assert_eq!(found, [["\"a\"", "8.0", "1.0"], ["\"b\"", "9.0", "5.0"]]);
}

async fn a_query_may_join_sources() {
    let folder = tempfile::tempdir().unwrap();
    put(&folder.path().join("stats.parquet"), &stats(&[("a", 1), ("b", 5)]), 9);
    put(&folder.path().join("orders.parquet"), &stats(&[("b", 9), ("a", 8)]), 9);
    put(&folder.path().join("cities.parquet"), &stats(&[("b", 3)]), 9);
    let request = query(
        "WITH known AS (SELECT driver FROM cities) \
         SELECT o.driver, max(o.event_timestamp) AS event_timestamp FROM orders o \
         JOIN known ON o.driver = known.driver GROUP BY o.driver",
    );
    let answer = engine(folder.path()).historical_features(request).await.unwrap();
    let found = rows(&whole(answer).await.unwrap(), &["driver", "rate"].map(str::to_owned));
    assert_eq!(found, [["\"b\"", "5.0"]]);
}

async fn a_query_is_refused_unless_it_is_one_that_reads_sources() {
    let folder = tempfile::tempdir().unwrap();
    put(&folder.path().join("stats.parquet"), &stats(&[("a", 1)]), 9);
    put(&folder.path().join("orders.parquet"), &stats(&[("b", 9)]), 9);
    let store = engine(folder.path());
    for (sql, kind) in [
        ("SELECT * FROM nowhere", ErrorKind::NotFound),
        ("SELECT * FROM 'stats.parquet'", ErrorKind::NotFound),
        ("SELECT gone FROM orders", ErrorKind::Invalid),
        ("SELECT driver FROM", ErrorKind::Invalid),
        ("SELECT * FROM orders; SELECT * FROM orders", ErrorKind::Invalid),
        ("CREATE TABLE orders AS SELECT * FROM orders", ErrorKind::Invalid),
        ("SELECT driver FROM orders", ErrorKind::Invalid),
    ] {
        let error = store.historical_features(query(sql)).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{sql}: {error}");
    }
}

async fn the_files_of_a_source_are_told_by_path_size_and_etag() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["stats/day=2/b.parquet", "stats/day=1/a.parquet", "one.parquet"] {
        put(&folder.path().join(name), &stats(&[("a", 1)]), 9);
    }
    let store = engine(folder.path());
    let files = store.source_files(&source("stats", false)).await.unwrap();
    let paths: Vec<_> = files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["stats/day=1/a.parquet", "stats/day=2/b.parquet"]);
    let one = store.source_files(&source("one.parquet", false)).await.unwrap();
    let size = std::fs::metadata(folder.path().join("one.parquet")).unwrap().len();
    assert_eq!((one[0].path.as_str(), one[0].size), ("one.parquet", size));
    assert_eq!(store.source_files(&source("one.parquet", false)).await.unwrap(), one);
    put(&folder.path().join("one.parquet"), &stats(&[("b", 1)]), 9);
    assert_ne!(
        store.source_files(&source("one.parquet", false)).await.unwrap()[0].etag,
        one[0].etag
    );
    let gone = store.source_files(&source("gone.parquet", false)).await.unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::NotFound);
}

async fn a_file_larger_than_the_memory_limit_is_answered_row_by_row_in_its_order() {
    const ROWS: i64 = 20_000;
    let folder = tempfile::tempdir().unwrap();
    let drivers: Vec<String> = (0..50).map(|driver| format!("d{driver}")).collect();
    let log: Vec<(&str, i64)> = drivers
        .iter()
        .flat_map(|driver| (0..20).map(|turn| (driver.as_str(), turn * 10)))
        .collect();
    put(&folder.path().join("stats.parquet"), &stats(&log), 100);
    // In no order, some before the first row of a driver, some without a driver.
    let driver = |row: i64| (row % 97 < 50).then(|| format!("d{}", row % 97));
    let second = |row: i64| row * 7_919 % 199 - 5;
    let of_rows: StringArray = (0..ROWS).map(driver).collect();
    let times: TimestampMillisecondArray = (0..ROWS).map(|row| Some(second(row) * 1_000)).collect();
    let notes: StringArray = (0..ROWS).map(|row| Some(format!("row {row}"))).collect();
    let entities = RecordBatch::try_from_iter_with_nullable([
        ("driver", Arc::new(of_rows) as ArrayRef, true),
        ("event_timestamp", Arc::new(times) as ArrayRef, true),
        ("note", Arc::new(notes) as ArrayRef, true),
    ]);
    let file = folder.path().join("entities.parquet");
    put(&file, &entities.unwrap(), 1_500);
    let size = usize::try_from(std::fs::metadata(&file).unwrap().len()).unwrap();
    let options = EngineOptions { batch_size: 1_000, ..EngineOptions::new(folder.path()) };
    let store = DataFusionOfflineStore::new(options).unwrap();
    for limit in [size / 8, size, 8 * size, 64 * size] {
        let mut request = history(EntityRows::File(file.clone()));
        request.options.memory_limit = Some(limit);
        let answer = whole(store.historical_features(request).await.unwrap()).await.unwrap();
        let found = rows(&answer, &["note", "rate"].map(str::to_owned));
        for (row, found) in (0..ROWS).zip(&found) {
            let rate = match driver(row) {
                Some(_) if second(row) >= 0 => format!("{}.0", second(row) / 10 * 10),
                _ => "null".to_owned(),
            };
            assert_eq!(found, &[format!("\"row {row}\""), rate], "row {row}, limit {limit}");
        }
        assert_eq!(found.len(), 20_000, "limit {limit}");
    }
}
