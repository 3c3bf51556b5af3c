//! Layouts of files, kinds of entity rows, and limits.

use std::path::Path;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, Date32Array, Float64Array, Int32Array, Int64Array, NullArray, RecordBatch,
    StringArray, TimestampMillisecondArray, TimestampNanosecondArray,
};
use arrow_schema::{DataType, TimeUnit};
use larder_core::{ErrorKind, Timestamp, ValueType};
use larder_offline_store::{
    EntityRows, HistoricalOptions, HistoricalRequest, OfflineStore, PullOptions, PullRequest,
};
use larder_offline_store_datafusion::DataFusionOfflineStore;
use libtest_mimic::Trial;
use object_store::memory::InMemory;
use object_store::{ObjectStoreExt, PutPayload};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::reader::{FileReader, SerializedFileReader};

use crate::fixture::{block_on, engine, put, read, source, view, whole};
use crate::rows::{rows, sorted};

macro_rules! trials {
    ($($name:ident),+ $(,)?) => {
        pub(crate) fn trials() -> Vec<Trial> {
            vec![$(Trial::test(concat!("files::", stringify!($name)), || {
                block_on($name());
                Ok(())
            })),+]
        }
    };
}

trials![
    folder_names_become_columns,
    a_column_with_an_underscore_in_front_partitions_and_is_not_hidden,
    a_pattern_reads_the_files_that_match,
    files_of_other_systems_are_left_alone,
    files_may_differ_in_columns_and_units,
    row_groups_outside_the_bounds_are_not_read,
    dates_are_midnights_in_utc,
    a_csv_file_of_entity_rows_is_typed_by_the_source,
    a_missing_file_of_entity_rows_is_not_found,
    text_keys_of_any_encoding_match,
    a_column_without_values_gets_its_declared_type,
    an_object_store_is_read_like_the_file_system,
    other_schemes_are_unsupported,
    a_pattern_or_partitioned_folder_cannot_be_appended_to,
    a_damaged_file_is_not_appended_to,
];

/// Rows of driver 1 at these seconds, with the second as `rate`.
fn stats(seconds: &[i64]) -> RecordBatch {
    let drivers = Int64Array::from(vec![1; seconds.len()]);
    let times: TimestampMillisecondArray =
        seconds.iter().map(|second| Some(second * 1_000)).collect();
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let rates: Float64Array = seconds.iter().map(|second| Some(*second as f64)).collect();
    RecordBatch::try_from_iter([
        ("driver", Arc::new(drivers) as ArrayRef),
        ("event_timestamp", Arc::new(times) as ArrayRef),
        ("rate", Arc::new(rates) as ArrayRef),
    ])
    .unwrap()
}

fn pull(uri: &str, features: &[&str]) -> PullRequest {
    PullRequest {
        source: source(uri, false),
        join_keys: vec!["driver".to_owned()],
        features: features.iter().map(|name| (*name).to_owned()).collect(),
        timestamp_field: "event_timestamp".to_owned(),
        created_timestamp_column: None,
        start: None,
        end: None,
        options: PullOptions::default(),
    }
}

/// All values of these columns of a source.
async fn pulled(store: &DataFusionOfflineStore, uri: &str, features: &[&str]) -> Vec<Vec<String>> {
    let answer = store.pull_all(pull(uri, features)).await.unwrap();
    let names: Vec<String> = features.iter().map(|name| (*name).to_owned()).collect();
    sorted(rows(&whole(answer).await.unwrap(), &names))
}

fn history(uri: &str, entity: EntityRows) -> HistoricalRequest {
    HistoricalRequest {
        entity,
        event_timestamp_column: None,
        views: vec![view(source(uri, false), &["driver"], &["rate"])],
        filter_by_created: false,
        options: HistoricalOptions::default(),
    }
}

async fn rates(store: &DataFusionOfflineStore, request: HistoricalRequest) -> Vec<String> {
    let answer = whole(store.historical_features(request).await.unwrap()).await.unwrap();
    rows(&answer, &["rate".to_owned()]).concat()
}

async fn folder_names_become_columns() {
    let folder = tempfile::tempdir().unwrap();
    put(&folder.path().join("stats/year=2023/city=Bern/a.parquet"), &stats(&[1]), 9);
    put(&folder.path().join("stats/year=2024/city=Chur/b.parquet"), &stats(&[2]), 9);
    let store = engine(folder.path());
    let schema = store.source_schema(&source("stats", false)).await.unwrap();
    assert_eq!(schema.field_with_name("year").unwrap().data_type(), &DataType::Int32);
    assert_eq!(schema.field_with_name("city").unwrap().data_type(), &DataType::Utf8);
    let found = pulled(&store, "stats", &["rate", "year", "city"]).await;
    assert_eq!(found, [["1.0", "2023.0", "\"Bern\""], ["2.0", "2024.0", "\"Chur\""]]);
    let mut by_city = history("stats", EntityRows::from(stats(&[10]).project(&[0, 1]).unwrap()));
    by_city.views = vec![view(source("stats", false), &["driver"], &["rate", "city"])];
    let answer = whole(store.historical_features(by_city).await.unwrap()).await.unwrap();
    assert_eq!(rows(&answer, &["city".to_owned()]), [["\"Chur\""]]);
}

async fn a_column_with_an_underscore_in_front_partitions_and_is_not_hidden() {
    let folder = tempfile::tempdir().unwrap();
    for (name, second) in [("__day=1/a", 1), ("__day=2/b", 2), ("_others/c", 3), (".day=4/d", 4)] {
        put(&folder.path().join(format!("stats/{name}.parquet")), &stats(&[second]), 9);
    }
    let store = engine(folder.path());
    for uri in ["stats", "stats/**/*.parquet"] {
        let found = pulled(&store, uri, &["rate", "__day"]).await;
        assert_eq!(found, [["1.0", "1.0"], ["2.0", "2.0"]], "{uri}");
    }
}

async fn a_pattern_reads_the_files_that_match() {
    let folder = tempfile::tempdir().unwrap();
    for (name, second) in [("jan/a.parquet", 1), ("jan/deep/b.parquet", 2), ("feb/c.parquet", 3)] {
        put(&folder.path().join("stats").join(name), &stats(&[second]), 9);
    }
    let store = engine(folder.path());
    for (uri, expected) in [
        ("stats/jan/*.parquet", &["1.0"][..]),
        ("stats/*/?.parquet", &["1.0", "3.0"]),
        ("stats/**/*.parquet", &["1.0", "2.0", "3.0"]),
        ("stats", &["1.0", "2.0", "3.0"]),
        ("stats/feb/../jan/a.parquet", &["1.0"]),
    ] {
        assert_eq!(pulled(&store, uri, &["rate"]).await.concat(), expected, "{uri}");
    }
}

async fn files_of_other_systems_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let stats_folder = folder.path().join("stats");
    put(&stats_folder.join("a.parquet"), &stats(&[1]), 9);
    put(&stats_folder.join("_temporary/0/b.parquet"), &stats(&[2]), 9);
    put(&stats_folder.join(".c.parquet"), &stats(&[3]), 9);
    std::fs::write(stats_folder.join("_SUCCESS"), "").unwrap();
    std::fs::write(stats_folder.join("notes.txt"), "no rows").unwrap();
    assert_eq!(pulled(&engine(folder.path()), "stats", &["rate"]).await.concat(), ["1.0"]);
}

async fn files_may_differ_in_columns_and_units() {
    let folder = tempfile::tempdir().unwrap();
    put(&folder.path().join("stats/a.parquet"), &stats(&[1]), 9);
    let times = TimestampNanosecondArray::from(vec![2_000_000_001]).with_timezone("UTC");
    let newer = RecordBatch::try_from_iter([
        ("trips", Arc::new(Int64Array::from(vec![7])) as ArrayRef),
        ("event_timestamp", Arc::new(times) as ArrayRef),
        ("driver", Arc::new(Int32Array::from(vec![1])) as ArrayRef),
    ]);
    put(&folder.path().join("stats/b.parquet"), &newer.unwrap(), 9);
    let store = engine(folder.path());
    let schema = store.source_schema(&source("stats", false)).await.unwrap();
    let time = schema.field_with_name("event_timestamp").unwrap().data_type();
    assert_eq!(time, &DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())));
    let found = pulled(&store, "stats", &["rate", "trips", "event_timestamp"]).await;
    assert_eq!(found, [["1.0", "null", "1000000000 ns"], ["null", "7.0", "2000000001 ns"]]);
    let latest = store.pull_latest(pull("stats", &["trips"])).await.unwrap();
    let latest = whole(latest).await.unwrap();
    assert_eq!(rows(&latest, &["trips".to_owned()]), [["7.0"]], "keys of both widths are one");
}

/// Overwrites the pages of every column in one row group.
fn spoil_row_group(path: &Path, group: usize) {
    let reader = SerializedFileReader::new(std::fs::File::open(path).unwrap()).unwrap();
    let ranges: Vec<_> = reader
        .metadata()
        .row_group(group)
        .columns()
        .iter()
        .map(ColumnChunkMetaData::byte_range)
        .collect();
    let mut bytes = std::fs::read(path).unwrap();
    for (start, length) in ranges {
        let start = usize::try_from(start).unwrap();
        bytes[start..start + usize::try_from(length).unwrap()].fill(0xFF);
    }
    std::fs::write(path, bytes).unwrap();
}

async fn row_groups_outside_the_bounds_are_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stats.parquet");
    put(&path, &stats(&[1, 2, 11, 12, 21, 22]), 2);
    spoil_row_group(&path, 0);
    spoil_row_group(&path, 2);
    let store = engine(folder.path());
    let entities = EntityRows::from(stats(&[12, 13]).project(&[0, 1]).unwrap());
    let mut request = history("stats.parquet", entities);
    request.views[0].ttl = Some(std::time::Duration::from_secs(5));
    assert_eq!(rates(&store, request.clone()).await, ["12.0", "12.0"]);
    let at = |seconds| Some(Timestamp::from_seconds(seconds));
    let inside = PullRequest { start: at(10), end: at(20), ..pull("stats.parquet", &["rate"]) };
    let answer = whole(store.pull_all(inside).await.unwrap()).await.unwrap();
    assert_eq!(answer.num_rows(), 2);
    request.views[0].ttl = None;
    let unbounded = whole(store.historical_features(request).await.unwrap()).await;
    assert_eq!(unbounded.unwrap_err().kind(), ErrorKind::Data, "the spoiled rows are within reach");
}

async fn dates_are_midnights_in_utc() {
    const DAY: i64 = 86_400;
    let folder = tempfile::tempdir().unwrap();
    let days: ArrayRef = Arc::new(Date32Array::from(vec![Some(1), Some(2), None]));
    let columns = [
        ("driver", Arc::new(Int64Array::from(vec![1; 3])) as ArrayRef, false),
        ("event_timestamp", days, true),
        ("rate", Arc::new(Float64Array::from(vec![1.0, 2.0, 3.0])) as ArrayRef, false),
    ];
    let rows = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    put(&folder.path().join("stats.parquet"), &rows, 9);
    let store = engine(folder.path());
    let entities = stats(&[DAY - 1, DAY, 2 * DAY - 1, 2 * DAY, 3 * DAY]).project(&[0, 1]).unwrap();
    let mut request = history("stats.parquet", EntityRows::from(entities));
    request.views[0].ttl = Some(std::time::Duration::from_hours(23));
    assert_eq!(rates(&store, request).await, ["null", "1.0", "null", "2.0", "null"]);
    let at = |seconds| Some(Timestamp::from_seconds(seconds));
    let second_day = PullRequest {
        start: at(DAY + 1),
        end: at(3 * DAY - 1),
        ..pull("stats.parquet", &["rate"])
    };
    let answer = whole(store.pull_all(second_day).await.unwrap()).await.unwrap();
    assert_eq!(crate::rows::rows(&answer, &["rate".to_owned()]), [["2.0"]]);
}

async fn a_csv_file_of_entity_rows_is_typed_by_the_source() {
    let folder = tempfile::tempdir().unwrap();
    let stats = stats(&[1, 5]);
    let columns = [
        ("driver", Arc::new(StringArray::from(vec!["007", "7"])) as ArrayRef),
        ("event_timestamp", Arc::clone(stats.column(1))),
        ("rate", Arc::clone(stats.column(2))),
    ];
    put(&folder.path().join("stats.parquet"), &RecordBatch::try_from_iter(columns).unwrap(), 9);
    let csv = folder.path().join("entities.csv");
    let lines = "driver,event_timestamp,label\n\
        007,1970-01-01T00:00:09Z,1\n\
        7,1970-01-01 01:00:05+01:00,2\n\
        ,1970-01-01T00:00:09,\n";
    std::fs::write(&csv, lines).unwrap();
    let store = engine(folder.path());
    let request = history("stats.parquet", EntityRows::File(csv));
    let answer = whole(store.historical_features(request).await.unwrap()).await.unwrap();
    let columns = ["driver", "label", "rate"].map(str::to_owned);
    let expected = [["\"007\"", "1.0", "1.0"], ["\"7\"", "2.0", "5.0"], ["null", "null", "null"]];
    assert_eq!(rows(&answer, &columns), expected);
}

async fn a_missing_file_of_entity_rows_is_not_found() {
    let folder = tempfile::tempdir().unwrap();
    put(&folder.path().join("stats.parquet"), &stats(&[1]), 9);
    for name in ["gone.parquet", "gone.csv"] {
        let request = history("stats.parquet", EntityRows::File(folder.path().join(name)));
        let error = engine(folder.path()).historical_features(request).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.message().contains(name), "{error}");
    }
}

async fn text_keys_of_any_encoding_match() {
    let folder = tempfile::tempdir().unwrap();
    let stats = stats(&[1, 2]);
    let names: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
    let keyed = |names: ArrayRef| {
        let time = ("event_timestamp", Arc::clone(stats.column(1)));
        RecordBatch::try_from_iter([("driver", names), time, ("rate", Arc::clone(stats.column(2)))])
            .unwrap()
    };
    put(&folder.path().join("stats.parquet"), &keyed(Arc::clone(&names)), 9);
    let store = engine(folder.path());
    let dictionary = DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8));
    for encoding in [DataType::LargeUtf8, DataType::Utf8View, dictionary] {
        let names = arrow_cast::cast(&names, &encoding).unwrap();
        let entities = keyed(names).project(&[0, 1]).unwrap();
        let request = history("stats.parquet", EntityRows::from(entities));
        assert_eq!(rates(&store, request).await, ["1.0", "2.0"], "{encoding}");
    }
}

async fn a_column_without_values_gets_its_declared_type() {
    let folder = tempfile::tempdir().unwrap();
    let stats = stats(&[1]);
    let mut columns: Vec<(&str, ArrayRef)> = vec![
        ("driver", Arc::clone(stats.column(0))),
        ("event_timestamp", Arc::clone(stats.column(1))),
    ];
    let entities = RecordBatch::try_from_iter(columns.clone()).unwrap();
    columns.push(("rate", Arc::new(NullArray::new(1))));
    put(&folder.path().join("stats.parquet"), &RecordBatch::try_from_iter(columns).unwrap(), 9);
    let mut request = history("stats.parquet", EntityRows::from(entities));
    request.views[0].features[0].value_type = ValueType::Int64;
    let answer = engine(folder.path()).historical_features(request).await.unwrap();
    let answer = whole(answer).await.unwrap();
    assert_eq!(answer.column_by_name("rate").unwrap().data_type(), &DataType::Int64);
    assert_eq!(rows(&answer, &["rate".to_owned()]), [["null"]]);
}

async fn an_object_store_is_read_like_the_file_system() {
    let folder = tempfile::tempdir().unwrap();
    let bucket = InMemory::new();
    for (name, second) in [("stats/day=1/a.parquet", 1), ("stats/day=2/b.parquet", 2)] {
        let path = folder.path().join(name);
        put(&path, &stats(&[second]), 9);
        let bytes = PutPayload::from(std::fs::read(&path).unwrap());
        bucket.put(&name.into(), bytes).await.unwrap();
    }
    let store = engine(folder.path());
    store.register_bucket("lake", Arc::new(bucket));
    for uri in ["s3://lake/stats", "s3://lake/stats/", "s3://lake/stats/*/*.parquet"] {
        let found = pulled(&store, uri, &["rate", "day"]).await;
        assert_eq!(found, [["1.0", "1.0"], ["2.0", "2.0"]], "{uri}");
    }
    let file = pulled(&store, "s3://lake/stats/day=2/b.parquet", &["rate"]).await;
    assert_eq!(file.concat(), ["2.0"]);
    let missing = store.pull_all(pull("s3://lake/gone", &["rate"])).await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    let refused = store.write(&source("s3://lake/stats", false), vec![stats(&[3])]).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Unsupported, "it is partitioned");
}

async fn other_schemes_are_unsupported() {
    let folder = tempfile::tempdir().unwrap();
    let error = engine(folder.path()).source_schema(&source("gs://lake/stats", false)).await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.message().contains("gs://"), "{error}");
}

async fn a_pattern_or_partitioned_folder_cannot_be_appended_to() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stats/day=1/a.parquet");
    put(&path, &stats(&[1]), 9);
    let store = engine(folder.path());
    for uri in ["stats", "stats/day=1/*.parquet"] {
        let error = store.write(&source(uri, false), vec![stats(&[2])]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{uri}");
    }
    assert_eq!(read(&path).num_rows(), 1);
}

async fn a_damaged_file_is_not_appended_to() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stats.parquet");
    put(&path, &stats(&[1]), 9);
    let whole = std::fs::read(&path).unwrap();
    for bytes in [&whole[..whole.len() / 2], b"the quick brown fox quetPAR1"] {
        std::fs::write(&path, bytes).unwrap();
        let store = engine(folder.path());
        let error = store.write(&source("stats.parquet", false), vec![stats(&[2])]).await;
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data, "{error}");
        assert!(error.message().contains("stats.parquet"), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    }
}
