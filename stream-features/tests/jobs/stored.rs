//! Rows in the online store and in the file for training.

use std::fs::File;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float64Type, TimestampMicrosecondType};
use larder_core::{FeatureView, Field, Value, ValueType};
use larder_online_store::{
    EmbeddedConfig, EmbeddedStore, OnlineStore, ViewTable, WriteGuard, WriteRowsBuilder,
};
use larder_proto::convert::decode_value;
use larder_proto::wire::entity_key::{EntityKeyVersion, encode};
use larder_stream_features::{HistoryFile, OnlineRows, RunOptions, Sink};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::events::{Event, random, write_lines};
use crate::{backfill, job, lines, run};

/// The view of the example, as far as the job is concerned.
fn product_features() -> FeatureView {
    let mut view = FeatureView::new("product_features");
    view.entity_columns = vec![Field::new("product_id", ValueType::String)];
    view.features = vec![
        Field::new("category", ValueType::String),
        Field::new("popularity_score", ValueType::Double),
    ];
    view
}

fn key(product: &str) -> Vec<u8> {
    let values = [Value::String(product.to_owned())];
    encode(EntityKeyVersion::V3, &["product_id"], &values).expect("a key")
}

/// Views of one product, the last of them in the window before this end.
fn last_window(events: &[Event], product: &str) -> (i64, f64) {
    let views = events
        .iter()
        .filter(|event| event.kind == "page_view" && event.product.as_deref() == Some(product));
    let windows: Vec<i64> = views.map(|event| event.time.div_euclid(300_000) + 1).collect();
    let last = windows.iter().copied().max().expect("a view");
    let count = windows.iter().filter(|window| **window == last).count();
    (last * 300_000_000, count as f64)
}

#[tokio::test]
async fn the_last_window_is_served_and_other_features_stay() {
    let folder = tempfile::tempdir().expect("a folder");
    let events = random(5, 1_000);
    write_lines(&folder.path().join("live"), &events, 1);
    let view = product_features();
    let store: Arc<dyn OnlineStore> =
        Arc::new(EmbeddedStore::open(&EmbeddedConfig::new(folder.path().join("store"))).unwrap());
    let table = ViewTable::of_view("shop", "product_features", &view, &view.features).unwrap();
    store.update(std::slice::from_ref(&table), &[]).await.unwrap();
    let mut before = WriteRowsBuilder::new(&table);
    before.begin_row(&key("p3"), 1, None).unwrap();
    before.set(0, b"\x12\x05books").unwrap();
    store.write(&table, &before.finish(), WriteGuard::EventTime).await.unwrap();

    let job = job("product_popularity");
    job.check_view(|_| Some(&view)).unwrap();
    // A second run changes nothing.
    for _ in 0..2 {
        let (version, guard) = (EntityKeyVersion::V3, WriteGuard::EventTime);
        let place = ("shop", "product_features");
        let sink =
            OnlineRows::new(Arc::clone(&store), place, &view, job.row(), version, guard).unwrap();
        let runs: Vec<(_, Box<dyn Sink>)> = vec![(job.clone(), Box::new(sink))];
        run(folder.path(), runs, lines(&folder.path().join("live")), RunOptions::default()).await;
        let rows = store.read(&table, &[&key("p3")]).await.unwrap();
        let (end, count) = last_window(&events, "p3");
        let cell = |feature| decode_value(rows.cell(0, feature).bytes().unwrap()).unwrap();
        assert_eq!(rows.event_timestamp(0), Some(end));
        assert_eq!(cell(0), Value::String("books".to_owned()));
        assert_eq!(cell(1), Value::Double(count));
    }
}

#[tokio::test]
async fn a_backfill_leaves_every_window_in_a_file_for_training() {
    let folder = tempfile::tempdir().expect("a folder");
    let events = random(6, 1_000);
    write_lines(&folder.path().join("past"), &events, 2);
    let (view, job) = (product_features(), job("product_popularity"));
    let path = folder.path().join("history/product_popularity.parquet");
    let sink = HistoryFile::new(&path, &view, job.row());
    let runs: Vec<(_, Box<dyn Sink>)> = vec![(job, Box::new(sink))];
    let reports = run(folder.path(), runs, lines(&folder.path().join("past")), backfill()).await;

    let file = File::open(&path).expect("the file");
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
    let (mut rows, mut last) = (0, None);
    for batch in reader {
        let batch = batch.unwrap();
        let products = batch.column_by_name("product_id").unwrap().as_string::<i32>();
        let times = batch.column_by_name("event_timestamp").unwrap();
        let times = times.as_primitive::<TimestampMicrosecondType>();
        let scores =
            batch.column_by_name("popularity_score").unwrap().as_primitive::<Float64Type>();
        assert!(times.values().is_sorted());
        rows += batch.num_rows() as u64;
        for row in (0..batch.num_rows()).filter(|row| products.value(*row) == "p3") {
            last = Some((times.value(row), scores.value(row)));
        }
    }
    assert_eq!(rows, reports[0].rows);
    assert_eq!(last, Some(last_window(&events, "p3")));
}
