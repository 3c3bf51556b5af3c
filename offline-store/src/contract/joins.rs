//! Rules of `historical_features`.

use std::sync::Arc;
use std::time::Duration;

use arrow_array::RecordBatch;
use larder_core::ValueType;

use super::MakeStore;
use super::fixture::{
    Repository, at, batch, entities, floats, history, integers, row, seconds, view,
};
use crate::{EntityRows, HistoricalFeature, HistoricalRequest};

pub(super) async fn every_entity_row_comes_once_and_in_order(make: MakeStore) {
    let rows = [row(1, 10, 0, 0.1), row(2, 20, 0, 0.2), row(1, 30, 0, 0.3)];
    let repository = Repository::with(make, &rows);
    let wanted = [(1, 30), (9, 30), (1, 10), (1, 9), (2, 25), (1, 30), (1, 29)];
    let wanted = entities(&wanted.map(|(driver, time)| (Some(driver), Some(time))));
    let halves = EntityRows::Batches {
        schema: wanted.schema(),
        batches: vec![wanted.slice(0, 3), wanted.slice(3, 4)],
    };
    let expected = [Some(0.3), None, Some(0.1), None, Some(0.2), Some(0.3), Some(0.1)];
    let expected: Vec<_> = (0..).zip(expected).collect();
    assert_eq!(repository.rates(history(halves)).await, expected);
}

pub(super) async fn both_ends_of_the_ttl_are_included(make: MakeStore) {
    let repository = Repository::with(make, &[row(1, 100, 0, 0.1)]);
    let times = [99, 100, 110, 111].map(|time| (Some(1), Some(time)));
    let mut request = history(entities(&times));
    request.views[0].ttl = Some(Duration::from_secs(10));
    let rates = repository.rates(request.clone()).await;
    assert_eq!(rates, [(0, None), (1, Some(0.1)), (2, Some(0.1)), (3, None)]);
    request.views[0].ttl = Some(Duration::ZERO);
    assert_eq!(repository.rates(request).await[3], (3, Some(0.1)), "zero is no limit");
}

pub(super) async fn the_winner_answers_even_with_null(make: MakeStore) {
    let rows = [row(1, 10, 0, 0.1), (Some(1), Some(20), Some(0), None)];
    let repository = Repository::with(make, &rows);
    let rates = repository.rates(history(entities(&[(Some(1), Some(20))]))).await;
    assert_eq!(rates, [(0, None)]);
}

pub(super) async fn a_null_key_or_time_has_no_features(make: MakeStore) {
    let rows =
        [(None, Some(10), None, Some(0.1)), (Some(1), None, None, Some(0.2)), row(1, 5, 0, 0.3)];
    let repository = Repository::with(make, &rows);
    let wanted = entities(&[(None, Some(20)), (Some(1), None), (Some(1), Some(20))]);
    let rates = repository.rates(history(wanted)).await;
    assert_eq!(rates, [(0, None), (1, None), (2, Some(0.3))]);
}

pub(super) async fn rows_created_later_can_be_hidden(make: MakeStore) {
    let rows = [row(1, 10, 50, 0.1), row(1, 8, 9, 0.2), (Some(1), Some(11), None, Some(0.3))];
    let repository = Repository::with(make, &rows);
    let wanted = entities(&[(Some(1), Some(20)), (Some(1), Some(50)), (Some(1), Some(8))]);
    let mut request = history(wanted);
    request.filter_by_created = true;
    assert_eq!(repository.rates(request).await, [(0, Some(0.2)), (1, Some(0.1)), (2, None)]);
}

pub(super) async fn views_are_joined_each_on_its_own(make: MakeStore) {
    let repository = Repository::with(make, &[row(1, 10, 0, 0.1)]);
    repository.put("other.parquet", &batch(&[row(1, 15, 0, 7.0), row(2, 15, 0, 8.0)]));
    let mut request = history(entities(&[(Some(2), Some(20)), (Some(1), Some(12))]));
    request.views.push(view("other", "other.parquet", "other__rate", None));
    let answer = repository.store.historical_features(request).await.expect("a valid request");
    let schema = answer.schema();
    let names: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names, ["driver", "event_timestamp", "label", "rate", "other__rate"]);
    let rows = answer.collect().await.expect("readable files");
    assert_eq!(rows.iter().flat_map(|b| floats(b, "rate")).collect::<Vec<_>>(), [None, Some(0.1)]);
    let other: Vec<_> = rows.iter().flat_map(|b| floats(b, "other__rate")).collect();
    assert_eq!(other, [Some(8.0), None]);
}

pub(super) async fn a_view_without_entities_answers_every_row(make: MakeStore) {
    let repository = Repository::with(make, &[row(1, 10, 0, 0.1), row(2, 20, 0, 0.2)]);
    let mut request = history(entities(&[(Some(7), Some(15)), (None, Some(25))]));
    request.views[0].join_keys.clear();
    assert_eq!(repository.rates(request).await, [(0, Some(0.1)), (1, Some(0.2))]);
}

pub(super) async fn no_entity_rows_give_an_empty_answer_with_its_columns(make: MakeStore) {
    let repository = Repository::with(make, &[row(1, 10, 0, 0.1)]);
    let request = history(entities(&[]));
    let answer = repository.store.historical_features(request).await.expect("a valid request");
    assert_eq!(answer.schema().fields().len(), 4);
    let rows = answer.collect().await.expect("readable files");
    assert_eq!(rows.iter().map(RecordBatch::num_rows).sum::<usize>(), 0);
}

pub(super) async fn a_window_asks_for_every_key_seen_in_it(make: MakeStore) {
    let rows = [
        row(1, 10, 0, 0.1),
        row(1, 25, 0, 0.2),
        row(2, 5, 0, 0.3),
        row(3, 31, 0, 0.4),
        (None, Some(25), None, Some(0.5)),
        row(4, 30, 0, 0.6),
    ];
    let repository = Repository::with(make, &rows);
    let window = EntityRows::Window { start: Some(at(20)), end: at(30) };
    let mut request = history(window);
    let feature = HistoricalFeature {
        name: "created".to_owned(),
        output: "seen".to_owned(),
        value_type: ValueType::UnixTimestamp,
    };
    request.views[0].features.push(feature);
    let answer = repository.store.historical_features(request).await.expect("a valid request");
    let mut found = Vec::new();
    for batch in answer.collect().await.expect("readable files") {
        let rates = floats(&batch, "rate");
        let times = seconds(&batch, "event_timestamp");
        found.extend(integers(&batch, "driver").into_iter().zip(times).zip(rates));
    }
    found.sort_by_key(|row| row.0);
    let expected = [((Some(1), Some(30)), Some(0.2)), ((Some(4), Some(30)), Some(0.6))];
    assert_eq!(found, expected, "keys in the window, as of its end");
}

pub(super) async fn reads_run_in_parallel(make: MakeStore) {
    let repository = Repository::with(make, &[row(1, 10, 0, 0.1)]);
    let wanted = Arc::new(entities(&[(Some(1), Some(20))]));
    let request = || -> HistoricalRequest { history(RecordBatch::clone(&wanted)) };
    let reads = (0..8).map(|_| repository.rates(request()));
    for rates in futures::future::join_all(reads).await {
        assert_eq!(rates, [(0, Some(0.1))]);
    }
}
