//! Joins of the cluster beside those of the local engine.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow_array::{
    Array as _, ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use larder_core::ErrorKind;
use larder_offline_store::contract::CASES;
use larder_offline_store::{
    EntityRows, HistoricalFeature, HistoricalOptions, HistoricalRequest, HistoricalView,
    OfflineStore,
};
use larder_offline_store_ballista::{BallistaOfflineStore, ClusterOptions};
use libtest_mimic::Trial;

use crate::cluster::{Cluster, PATIENCE, shared, store};
use crate::fixture::{block_on, engine, put, source, view, whole};
use crate::{properties, vectors};

pub(crate) fn trials() -> Vec<Trial> {
    let contract = |case: &'static larder_offline_store::contract::Case| {
        Trial::test(format!("contract::{}", case.name), || {
            block_on((case.run)(store));
            Ok(())
        })
    };
    let mut trials: Vec<_> = CASES.iter().map(contract).collect();
    trials.extend(vectors::trials_over("vectors", store));
    trials.push(Trial::test("joins::the_cluster_joins_as_the_oracle_does", || {
        properties::joins(24, store)
    }));
    let mut add = |name: &str, run: fn()| {
        trials.push(Trial::test(format!("joins::{name}"), move || {
            run();
            Ok(())
        }));
    };
    add("all_executors_join_and_answer_as_the_local_engine", all_executors_join);
    add("a_file_that_changes_on_the_way_is_an_error_with_its_view", a_file_changes);
    add("damaged_rows_are_bad_data_of_a_named_view", damaged_rows);
    add("a_cluster_that_is_not_there_is_unavailable", nobody_there);
    trials
}

/// Rows of many keys and times, the same in every run.
pub(crate) fn feature_rows(rows: i64, feature: &str) -> RecordBatch {
    let mixed = |row: i64, by: i64| (row * by) % 1_000_003;
    let times = (0..rows).map(|row| mixed(row, 7_919) * 1_000_000);
    let features = (0..rows).map(|row| (row % 11 != 0).then_some(row as f64));
    RecordBatch::try_from_iter_with_nullable([
        ("driver", ints((0..rows).map(|row| mixed(row, 31) % 97)), true),
        ("city", names((0..rows).map(|row| mixed(row, 17) % 5)), true),
        ("event_timestamp", stamps(times.clone()), true),
        ("created", stamps(times.map(|time| time + 60_000_000)), true),
        (feature, Arc::new(features.collect::<Float64Array>()) as ArrayRef, true),
    ])
    .unwrap()
}

pub(crate) fn entity_rows(rows: i64) -> RecordBatch {
    let mixed = |row: i64, by: i64| (row * by) % 1_000_033;
    RecordBatch::try_from_iter_with_nullable([
        ("label", ints(0..rows), true),
        ("driver", ints((0..rows).map(|row| mixed(row, 29) % 101)), true),
        ("city", names((0..rows).map(|row| mixed(row, 13) % 6)), true),
        ("event_timestamp", stamps((0..rows).map(|row| mixed(row, 7_907) * 1_000_000)), true),
    ])
    .unwrap()
}

fn ints(values: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(values.map(Some).collect::<Int64Array>())
}

fn names(values: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(values.map(|value| Some(format!("city {value}"))).collect::<StringArray>())
}

fn stamps(micros: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(micros.map(Some).collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
}

/// Three views over two sources: one key with a ttl, two keys, and none.
pub(crate) fn views(folder: &Path) -> Vec<HistoricalView> {
    put(&folder.join("rates/1.parquet"), &feature_rows(3_000, "rate"), 500);
    put(&folder.join("rates/2.parquet"), &feature_rows(2_500, "rate"), 700);
    put(&folder.join("trips.parquet"), &feature_rows(4_000, "trips"), 1_000);
    let named = |name: &str, view: HistoricalView| HistoricalView { name: name.to_owned(), ..view };
    let renamed = |view: HistoricalView, output: &str| {
        let features = view
            .features
            .iter()
            .map(|feature| HistoricalFeature { output: output.to_owned(), ..feature.clone() });
        HistoricalView { features: features.collect(), ..view.clone() }
    };
    let rates = view(source("rates", true), &["driver"], &["rate"]);
    let trips = view(source("trips.parquet", true), &["driver", "city"], &["trips"]);
    let newest = renamed(view(source("rates", true), &[], &["rate"]), "newest_rate");
    vec![
        HistoricalView { ttl: Some(Duration::from_secs(40_000)), ..named("rates", rates) },
        named("trips", trips),
        named("newest", newest),
    ]
}

pub(crate) fn request(entity: RecordBatch, views: Vec<HistoricalView>) -> HistoricalRequest {
    HistoricalRequest {
        entity: EntityRows::from(entity),
        event_timestamp_column: None,
        views,
        filter_by_created: false,
        options: HistoricalOptions::default(),
    }
}

fn all_executors_join() {
    let folder = tempfile::tempdir().unwrap();
    let views = views(folder.path());
    let began = Instant::now();
    for by_created in [false, true].into_iter().cycle() {
        let request = HistoricalRequest {
            filter_by_created: by_created,
            ..request(entity_rows(4_000), views.clone())
        };
        let store = shared(|cluster| cluster.store(folder.path(), 5, 1_500));
        let answer = block_on(async {
            whole(store.historical_features(request.clone()).await.unwrap()).await.unwrap()
        });
        let local = engine(folder.path());
        let expected = block_on(async {
            whole(local.historical_features(request).await.unwrap()).await.unwrap()
        });
        assert_eq!(answer, expected);
        assert!(expected.column_by_name("rate").unwrap().null_count() < 4_000);
        if by_created && shared(Cluster::all_have_worked) {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "one executor gets no work");
    }
}

fn a_file_changes() {
    let folder = tempfile::tempdir().unwrap();
    let views = views(folder.path());
    let store = shared(|cluster| cluster.store(folder.path(), 2, 1_000));
    let error = block_on(async {
        let answer = store.historical_features(request(entity_rows(10), views)).await.unwrap();
        put(&folder.path().join("rates/2.parquet"), &feature_rows(10, "rate"), 10);
        whole(answer).await.unwrap_err()
    });
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.to_string().contains("feature view \"rates\""), "{error}");
    assert!(error.to_string().contains("rates/2.parquet"), "{error}");
}

/// The footer is whole, so that only who reads the rows finds the damage.
fn damaged_rows() {
    let folder = tempfile::tempdir().unwrap();
    let views = views(folder.path());
    let file = folder.path().join("trips.parquet");
    let mut bytes = std::fs::read(&file).unwrap();
    let rows = bytes.len() / 2;
    bytes[4..rows].fill(0xA5);
    std::fs::write(&file, bytes).unwrap();
    let store = shared(|cluster| cluster.store(folder.path(), 2, 1_000));
    let answer = block_on(async {
        whole(store.historical_features(request(entity_rows(10), views)).await?).await
    });
    let error = answer.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data, "{error}");
    assert!(error.to_string().contains("trips.parquet"), "{error}");
}

fn nobody_there() {
    let folder = tempfile::tempdir().unwrap();
    let views = views(folder.path());
    let options = ClusterOptions::new("127.0.0.1:1");
    let store = BallistaOfflineStore::new(&engine(folder.path()), options).unwrap();
    let error = block_on(async {
        let answer = store.historical_features(request(entity_rows(10), views)).await.unwrap();
        whole(answer).await.unwrap_err()
    });
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.to_string().contains("127.0.0.1:1"), "{error}");
}
