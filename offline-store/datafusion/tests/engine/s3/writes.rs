//! Writes into a bucket.

use larder_core::{ErrorKind, Result};
use larder_offline_store::{BatchStream, OfflineStore, PullOptions, SaveMode, SaveRequest};
use larder_offline_store_datafusion::DataFusionOfflineStore;

use super::reads::{encoded, hours};
use super::server::TestBucket;
use crate::fixture::{source, whole};

trials![
    eight_writers_lose_nothing,
    an_object_is_replaced_in_one_step,
    of_two_that_save_to_one_place_one_is_refused,
    rows_of_many_parts_are_one_object,
];

async fn count(store: &DataFusionOfflineStore, uri: &str) -> usize {
    let request = larder_offline_store::PullRequest {
        source: source(uri, false),
        join_keys: vec!["driver".to_owned()],
        features: vec!["rate".to_owned()],
        timestamp_field: "event_timestamp".to_owned(),
        created_timestamp_column: None,
        start: None,
        end: None,
        options: PullOptions::default(),
    };
    whole(store.pull_all(request).await.unwrap()).await.unwrap().num_rows()
}

/// Each has an engine, a client and a task of its own, as processes have.
async fn eight_writers_lose_nothing() {
    let bucket = TestBucket::shared();
    bucket.put("one.parquet", encoded(&hours(0..1), 9)).await;
    bucket.put("many/first.parquet", encoded(&hours(0..1), 9)).await;
    for uri in [bucket.uri("one.parquet"), bucket.uri("many")] {
        let writers = (0..8).map(|writer| {
            let (bucket, uri) = (bucket.clone(), uri.clone());
            tokio::spawn(async move {
                let store = bucket.engine();
                for turn in 0..3 {
                    let hour = writer * 100 + turn;
                    let rows = vec![hours(hour..hour + 1)];
                    store.write(&source(&uri, false), rows).await.unwrap();
                }
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap();
        }
        assert_eq!(count(&bucket.engine(), &uri).await, 25, "{uri}");
    }
    assert_eq!(bucket.keys("many").await.len(), 25, "a file for each write");
    assert_eq!(bucket.keys("").await.len(), 26, "and nothing else");
}

async fn save(store: &DataFusionOfflineStore, uri: &str, mode: SaveMode, hour: i64) -> Result<u64> {
    let rows = hours(hour..hour + 2);
    let rows = BatchStream::from_batches(rows.schema(), vec![rows]);
    store.save(SaveRequest::new(source(uri, false), mode), rows).await
}

async fn an_object_is_replaced_in_one_step() {
    let bucket = TestBucket::shared();
    let (store, uri) = (bucket.engine(), bucket.uri("saved"));
    save(&store, &uri, SaveMode::New, 0).await.unwrap();
    let keys = bucket.keys("saved").await;
    save(&store, &uri, SaveMode::Replace, 5).await.unwrap();
    assert_eq!(bucket.keys("saved").await, keys, "the key stays, its content changes");
    bucket.put("saved/more.parquet", encoded(&hours(9..10), 9)).await;
    save(&store, &uri, SaveMode::Replace, 7).await.unwrap();
    assert_eq!(bucket.keys("saved").await.len(), 1);
    assert_eq!(count(&store, &uri).await, 2);
}

async fn of_two_that_save_to_one_place_one_is_refused() {
    let bucket = TestBucket::shared();
    for uri in [bucket.uri("saved.parquet"), bucket.uri("saved")] {
        let (a, b) = (bucket.engine(), bucket.engine());
        let both =
            futures::join!(save(&a, &uri, SaveMode::New, 0), save(&b, &uri, SaveMode::New, 5));
        let kinds = [both.0, both.1].map(|saved| saved.map_err(|error| error.kind()));
        assert!(kinds.contains(&Ok(2)), "{kinds:?}");
        assert!(kinds.contains(&Err(ErrorKind::AlreadyExists)), "{kinds:?}");
        assert_eq!(count(&a, &uri).await, 2);
    }
}

async fn rows_of_many_parts_are_one_object() {
    let bucket = TestBucket::shared();
    let (store, uri) = (bucket.engine(), bucket.uri("large.parquet"));
    let rows = hours(0..1_500_000);
    let batches = (0..15).map(|part| rows.slice(part * 100_000, 100_000)).collect();
    let rows = BatchStream::from_batches(rows.schema(), batches);
    let request = SaveRequest::new(source(&uri, false), SaveMode::New);
    assert_eq!(store.save(request, rows).await.unwrap(), 1_500_000);
    let object = bucket.bucket().find(&"large.parquet".into()).await.unwrap().unwrap();
    assert!(object.meta().size > 16 << 20, "{} bytes are too few", object.meta().size);
    assert_eq!(count(&store, &uri).await, 1_500_000);
}
