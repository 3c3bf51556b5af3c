//! `offline_push_batching`: rows pushed to a batch source wait for others, are answered as Feast answers them, and none is
//! lost when the server stops.

use std::fs::File;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow_array::{ArrayRef, Int64Array, RecordBatch, TimestampMicrosecondArray};
use larder_tests::{Feast, Repository, Server};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};

const DEFINITIONS: &str = r#"
from datetime import timedelta
from feast import Entity, FeatureView, Field, FileSource, PushSource, ValueType
from feast.types import Int64

driver = Entity(name="driver", join_keys=["driver_id"], value_type=ValueType.INT64)
rows = FileSource(name="rows", path="data/rows.parquet", timestamp_field="event_timestamp")
trips = FeatureView(
    name="trips", entities=[driver], ttl=timedelta(0), schema=[Field(name="count", dtype=Int64)],
    source=PushSource(name="trips_push", batch_source=rows),
)
"#;

/// An applied repository whose batch source has one row.
fn repository(batch_size: u32, seconds: u32) -> Repository {
    let settings = format!(
        "project: rides\nregistry: data/registry.db\nprovider: local\n\
         entity_key_serialization_version: 3\nonline_store: {{type: sqlite, path: data/online.db}}\n\
         offline_store: {{type: file}}\n\
         feature_server: {{type: local, enabled: true, offline_push_batching_enabled: true, \
         offline_push_batching_batch_size: {batch_size}, \
         offline_push_batching_batch_interval_seconds: {seconds}}}\n"
    );
    let files = [("feature_store.yaml", settings.as_str()), ("definitions.py", DEFINITIONS)];
    let repository = Repository::with(&files);
    repository.write("data/keep", "");
    write_one(&repository);
    repository.fs().ok(&["apply"]);
    repository
}

fn write_one(repository: &Repository) {
    let times = TimestampMicrosecondArray::from(vec![1_767_225_600_000_000]).with_timezone("UTC");
    let columns: [(&str, ArrayRef); 3] = [
        ("driver_id", Arc::new(Int64Array::from(vec![1]))),
        ("count", Arc::new(Int64Array::from(vec![1]))),
        ("event_timestamp", Arc::new(times)),
    ];
    let rows = RecordBatch::try_from_iter(columns).expect("columns of one row");
    let file = File::create(repository.file("data/rows.parquet")).expect("a file");
    let mut writer = ArrowWriter::try_new(file, rows.schema(), None).expect("a writer");
    writer.write(&rows).expect("rows are written");
    writer.close().expect("the file is closed");
}

fn stored(repository: &Repository) -> i64 {
    let file = File::open(repository.file("data/rows.parquet")).expect("the file is there");
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("Parquet");
    reader.metadata().file_metadata().num_rows()
}

fn push(server: &Server, to: &str, drivers: &[i64]) -> (u16, String) {
    let times = vec!["2026-01-31T12:00:00Z"; drivers.len()];
    let df = json!({"driver_id": drivers, "count": drivers, "event_timestamp": times});
    let body = json!({"push_source_name": "trips_push", "to": to, "df": df});
    let answer = server.post("/push", &body);
    (answer.status, answer.body)
}

#[track_caller]
fn until_stored(repository: &Repository, rows: i64) {
    let begun = Instant::now();
    while stored(repository) != rows {
        assert!(begun.elapsed() < Duration::from_secs(30), "{} rows", stored(repository));
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn rows_wait_until_there_are_enough_and_none_is_lost_when_the_server_stops() {
    let repository = repository(3, 3_600);
    let server = Server::fs(&repository.path());
    let (accepted, done) = ((202, String::new()), (200, String::new()));
    assert_eq!(push(&server, "online", &[7]), done);
    assert_eq!(push(&server, "offline", &[2, 3]), accepted);
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(stored(&repository), 1, "two rows do not wait for the third");
    assert_eq!(push(&server, "online_and_offline", &[4]), accepted);
    until_stored(&repository, 4);
    let read = json!({"features": ["trips:count"], "entities": {"driver_id": [4, 2]}});
    let read = server.post("/get-online-features", &read).json();
    assert_eq!(read["results"][1]["values"], json!([4, null]), "{read}");

    let df = json!({"driver_id": ["x"], "count": [1], "event_timestamp": ["2026-01-31"]});
    let refused = json!({"push_source_name": "trips_push", "to": "offline", "df": df});
    assert_eq!(server.post("/push", &refused).status, 400, "a driver is no number");
    assert_eq!(push(&server, "offline", &[5]), accepted);
    server.terminate();
    assert_eq!(server.wait(), Some(0));
    assert_eq!(stored(&repository), 5);
}

#[test]
fn rows_are_written_when_the_interval_is_over_and_statuses_are_those_of_feast() {
    let feast = Feast::get();
    let [theirs, ours] = [(); 2].map(|()| repository(1_000, 1));
    let servers = [Server::feast(&feast, &theirs.path()), Server::fs(&ours.path())];
    for to in ["online", "offline", "online_and_offline", "nowhere"] {
        let [feast, fs] = [&servers[0], &servers[1]].map(|server| push(server, to, &[2]));
        let status = if to == "nowhere" { 400 } else { feast.0 };
        assert_eq!(fs.0, status, "{to}: {feast:?} {fs:?}");
        let empty = |text: &str| serde_json::from_str::<Value>(text).is_err();
        assert_eq!(empty(&fs.1), empty(&feast.1), "{to}: {feast:?} {fs:?}");
    }
    until_stored(&ours, 3);
}
