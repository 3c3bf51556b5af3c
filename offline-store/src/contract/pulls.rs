//! Rules of `pull_latest` and `pull_all`.

use larder_core::{DUMMY_JOIN_KEY, DataSource, SourceKind};

use super::MakeStore;
use super::fixture::{Repository, Row, at, floats, integers, pull, row, seconds, source};
use crate::{BatchStream, PullRequest};

/// Driver, event time and rate of each row, sorted.
async fn pulled(rows: BatchStream) -> Vec<(Option<i64>, Option<i64>, Option<f64>)> {
    let batches = rows.collect().await.expect("readable files");
    let mut found = Vec::new();
    for batch in &batches {
        let times = seconds(batch, "event_timestamp");
        let rows = integers(batch, "driver").into_iter().zip(times).zip(floats(batch, "rate"));
        found.extend(rows.map(|((driver, time), rate)| (driver, time, rate)));
    }
    found.sort_by_key(|row| (row.0, row.1));
    found
}

async fn all(
    repository: &Repository,
    request: PullRequest,
) -> Vec<(Option<i64>, Option<i64>, Option<f64>)> {
    pulled(repository.store.pull_all(request).await.expect("a valid request")).await
}

async fn latest(
    repository: &Repository,
    request: PullRequest,
) -> Vec<(Option<i64>, Option<i64>, Option<f64>)> {
    pulled(repository.store.pull_latest(request).await.expect("a valid request")).await
}

fn times() -> Vec<Row> {
    (0..6).map(|time| row(time, time, 0, 0.5)).collect()
}

pub(super) async fn an_interval_includes_both_ends(make: MakeStore) {
    let repository = Repository::with(make, &times());
    let request = PullRequest { start: Some(at(1)), end: Some(at(3)), ..pull() };
    let found = all(&repository, request.clone()).await;
    assert_eq!(found.iter().map(|row| row.1).collect::<Vec<_>>(), [Some(1), Some(2), Some(3)]);
    assert_eq!(latest(&repository, request).await, found);
}

pub(super) async fn without_bounds_every_row_is_pulled(make: MakeStore) {
    let mut rows = times();
    rows.push((Some(9), None, None, Some(1.0)));
    let repository = Repository::with(make, &rows);
    assert_eq!(all(&repository, pull()).await.len(), 7);
    assert_eq!(latest(&repository, pull()).await.len(), 6, "no time, no latest");
}

pub(super) async fn the_latest_row_has_the_greatest_event_time_then_created_time(make: MakeStore) {
    let rows = [
        row(1, 20, 1, 0.2),
        row(1, 10, 99, 0.1),
        row(2, 10, 3, 0.3),
        row(2, 10, 9, 0.9),
        row(2, 10, 5, 0.5),
        (Some(3), Some(10), None, Some(0.7)),
        row(3, 10, 0, 0.8),
    ];
    let repository = Repository::with(make, &rows);
    let found = latest(&repository, pull()).await;
    let expected =
        [(1, 20, 0.2), (2, 10, 0.9), (3, 10, 0.8)].map(|(d, t, r)| (Some(d), Some(t), Some(r)));
    assert_eq!(found, expected);
}

pub(super) async fn null_keys_are_kept_and_equal_each_other(make: MakeStore) {
    let rows =
        [row(1, 10, 0, 0.1), (None, Some(10), None, None), (None, Some(11), None, Some(0.4))];
    let repository = Repository::with(make, &rows);
    let found = latest(&repository, pull()).await;
    assert_eq!(found, [(None, Some(11), Some(0.4)), (Some(1), Some(10), Some(0.1))]);
}

pub(super) async fn a_view_without_entities_pulls_under_the_dummy_key(make: MakeStore) {
    let repository = Repository::with(make, &times());
    let request = PullRequest {
        join_keys: Vec::new(),
        features: vec!["driver".to_owned(), "rate".to_owned()],
        ..pull()
    };
    let answer = repository.store.pull_latest(request).await.expect("a valid request");
    assert_eq!(answer.schema().field(0).name(), DUMMY_JOIN_KEY);
    assert_eq!(pulled(answer).await, [(Some(5), Some(5), Some(0.5))]);
}

pub(super) async fn without_named_features_every_column_is_pulled(make: MakeStore) {
    let repository = Repository::with(make, &times());
    let request = PullRequest { features: Vec::new(), ..pull() };
    let answer = repository.store.pull_all(request).await.expect("a valid request");
    let schema = answer.schema();
    let names: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names, ["driver", "rate", "event_timestamp", "created"]);
}

pub(super) async fn a_push_source_is_read_through_its_batch_source(make: MakeStore) {
    let repository = Repository::with(make, &times());
    let mut push = DataSource::new("pushed", SourceKind::Push);
    push.batch_source = Some(Box::new(source("stats.parquet")));
    let request = PullRequest { source: push, ..pull() };
    assert_eq!(all(&repository, request).await.len(), 6);
}
