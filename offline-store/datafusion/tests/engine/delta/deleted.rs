//! Deletion vectors over row groups and pages.

use std::path::Path;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, TimestampMicrosecondArray,
};
use arrow_select::filter::filter_record_batch;
use roaring::RoaringTreemap;

use super::questions::{answers, delta};
use crate::fixture::{engine, put, source};

trials![deleted_rows_are_never_read];

const ROWS: i64 = 700;
const START: i64 = 1_767_225_600_000_000;

/// One row of three drivers each after another every two minutes.
fn stats() -> RecordBatch {
    let drivers: Int64Array = (0..ROWS).map(|row| Some(1001 + row % 3)).collect();
    let at = |row: i64| Some(START + row * 120_000_000);
    let times: TimestampMicrosecondArray = (0..ROWS).map(at).collect();
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let rates: Float64Array = (0..ROWS).map(|row| Some(row as f64)).collect();
    let times = times.with_timezone("UTC");
    RecordBatch::try_from_iter([
        ("driver_id", Arc::new(drivers) as ArrayRef),
        ("event_timestamp", Arc::new(times.clone()) as ArrayRef),
        ("created", Arc::new(times) as ArrayRef),
        ("conv_rate", Arc::new(rates) as ArrayRef),
    ])
    .unwrap()
}

/// A table of one file with these rows deleted.
fn write_table(folder: &Path, deleted: &[u64], group: usize) {
    let file = folder.join("part.parquet");
    put(&file, &stats(), group);
    let size = std::fs::metadata(&file).unwrap().len();
    let mut vector = Vec::from(1_681_511_377_u32.to_le_bytes());
    deleted.iter().collect::<RoaringTreemap>().serialize_into(&mut vector).unwrap();
    let (bytes, count) = (vector.len(), deleted.len());
    vector.resize(bytes.next_multiple_of(4), 0);
    let vector = serde_json::Value::from(z85::encode(vector));
    let field = |name: &str, kind: &str| {
        format!(
            r#"{{\"name\":\"{name}\",\"type\":\"{kind}\",\"nullable\":true,\"metadata\":{{}}}}"#
        )
    };
    let fields = [
        field("driver_id", "long"),
        field("event_timestamp", "timestamp"),
        field("created", "timestamp"),
        field("conv_rate", "double"),
    ];
    let fields = fields.join(",");
    let log = format!(
        r#"{{"protocol":{{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["deletionVectors"],"writerFeatures":["deletionVectors"]}}}}
{{"metaData":{{"id":"1","format":{{"provider":"parquet","options":{{}}}},"schemaString":"{{\"type\":\"struct\",\"fields\":[{fields}]}}","partitionColumns":[],"configuration":{{"delta.enableDeletionVectors":"true"}}}}}}
{{"add":{{"path":"part.parquet","partitionValues":{{}},"size":{size},"modificationTime":0,"dataChange":true,"deletionVector":{{"storageType":"i","pathOrInlineDv":{vector},"sizeInBytes":{bytes},"cardinality":{count}}}}}}}
"#
    );
    std::fs::create_dir_all(folder.join("_delta_log")).unwrap();
    std::fs::write(folder.join("_delta_log/00000000000000000000.json"), log).unwrap();
}

async fn deleted_rows_are_never_read() {
    let every = |step: usize| (0..700).step_by(step).collect::<Vec<u64>>();
    let others = |step: u64| (0..700).filter(|row| row % step != 1).collect::<Vec<u64>>();
    let cases = [
        every(7),
        every(64),
        others(9),
        (0..130).collect(),
        (60..200).collect(),
        vec![0, 63, 64, 127, 128, 699],
        (1..700).collect(),
        (0..700).collect(),
    ];
    for (number, deleted) in cases.iter().enumerate() {
        for group in [1000, 100, 64] {
            let folder = tempfile::tempdir().unwrap();
            write_table(&folder.path().join("table"), deleted, group);
            let left: BooleanArray =
                (0..700).map(|row| Some(deleted.binary_search(&row).is_err())).collect();
            let left = filter_record_batch(&stats(), &left).unwrap();
            put(&folder.path().join("left.parquet"), &left, group);
            let store = engine(folder.path());
            let found = answers(&store, &delta("table"), &["conv_rate"]).await.unwrap();
            let plain = source("left.parquet", true);
            let expected = answers(&store, &plain, &["conv_rate"]).await.unwrap();
            assert_eq!(found, expected, "case {number}, groups of {group}");
        }
    }
}
