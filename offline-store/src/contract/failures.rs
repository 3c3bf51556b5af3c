//! What goes wrong, and how the caller learns it.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use larder_core::{DataSource, Error, ErrorKind, SourceKind};

use super::MakeStore;
use super::fixture::{Repository, entities, history, pull, row, source};
use crate::{HistoricalRequest, PullRequest};

/// The error of a pull, whether it comes at once or while reading.
async fn pull_error(repository: &Repository, request: PullRequest) -> Error {
    match repository.store.pull_latest(request).await {
        Ok(rows) => rows.collect().await.expect_err("the pull must fail"),
        Err(error) => error,
    }
}

async fn history_error(repository: &Repository, request: HistoricalRequest) -> Error {
    repository.store.historical_features(request).await.expect_err("the retrieval must fail")
}

pub(super) async fn a_missing_file_is_not_found(make: MakeStore) {
    let repository = Repository::with(make, &[]);
    std::fs::create_dir(repository.path().join("empty")).expect("a folder");
    for uri in ["gone.parquet", "gone/", "gone/*.parquet", "empty"] {
        let request = PullRequest { source: source(uri), ..pull() };
        let error = pull_error(&repository, request).await;
        assert_eq!(error.kind(), ErrorKind::NotFound, "{uri}");
        assert!(error.message().contains("stats_source"), "{error}");
        assert!(error.message().contains(uri.trim_end_matches('/')), "{error}");
        let schema = repository.store.source_schema(&source(uri)).await;
        assert_eq!(schema.expect_err("no file").kind(), ErrorKind::NotFound);
    }
}

pub(super) async fn a_source_that_cannot_be_read_is_unsupported(make: MakeStore) {
    let repository = Repository::with(make, &[]);
    let class_type = "feast.infra.offline_stores.contrib.PostgreSQLSource".to_owned();
    let custom = SourceKind::Custom { class_type, configuration: Vec::new() };
    for (kind, class) in [
        (custom, "PostgreSQLSource"),
        (SourceKind::Push, "PushSource"),
        (SourceKind::Request { schema: Vec::new() }, "RequestSource"),
    ] {
        let request = PullRequest { source: DataSource::new("sales", kind), ..pull() };
        let error = pull_error(&repository, request).await;
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.message().contains(class), "{error}");
    }
}

pub(super) async fn a_corrupt_file_is_bad_data(make: MakeStore) {
    let repository = Repository::with(make, &[row(1, 10, 0, 0.1)]);
    let path = repository.path().join("stats.parquet");
    let whole = std::fs::read(&path).expect("a file");
    for broken in [&whole[..whole.len() / 2], b"no parquet at all", b""] {
        std::fs::write(&path, broken).expect("a file");
        let error = pull_error(&repository, pull()).await;
        assert_eq!(error.kind(), ErrorKind::Data, "{error}");
        assert!(error.message().contains("stats.parquet"), "{error}");
    }
}

pub(super) async fn a_missing_column_is_invalid(make: MakeStore) {
    let repository = Repository::with(make, &[row(1, 10, 0, 0.1)]);
    let named = |error: &Error| {
        error.message().contains("gone") && error.message().contains("stats.parquet")
    };
    let gone = || "gone".to_owned();
    for request in [
        PullRequest { features: vec![gone()], ..pull() },
        PullRequest { join_keys: vec![gone()], ..pull() },
        PullRequest { timestamp_field: gone(), ..pull() },
        PullRequest { created_timestamp_column: Some(gone()), ..pull() },
    ] {
        let error = pull_error(&repository, request).await;
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(named(&error), "{error}");
    }
    let request = PullRequest { timestamp_field: "rate".to_owned(), ..pull() };
    assert_eq!(pull_error(&repository, request).await.kind(), ErrorKind::Invalid, "no timestamp");
    let mut request = history(entities(&[]));
    request.views[0].features[0].name = gone();
    let error = history_error(&repository, request).await;
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(named(&error), "{error}");
}

pub(super) async fn a_missing_join_key_is_invalid(make: MakeStore) {
    let repository = Repository::with(make, &[row(1, 10, 0, 0.1)]);
    let keyless = entities(&[(Some(1), Some(10))]).project(&[1, 2]).expect("three columns");
    let error = history_error(&repository, history(keyless)).await;
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.message().contains("driver") && error.message().contains("stats"), "{error}");
}

pub(super) async fn keys_of_different_kinds_are_invalid(make: MakeStore) {
    let repository = Repository::with(make, &[row(1, 10, 0, 0.1)]);
    let rows = entities(&[(Some(1), Some(10))]);
    let names: ArrayRef = Arc::new(StringArray::from(vec!["one"]));
    let columns = [("driver", names), ("event_timestamp", Arc::clone(rows.column(1)))];
    let rows = RecordBatch::try_from_iter(columns).expect("columns of one length");
    let error = history_error(&repository, history(rows)).await;
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.message().contains("driver"), "{error}");
}

pub(super) async fn an_unclear_event_timestamp_is_invalid(make: MakeStore) {
    let repository = Repository::with(make, &[row(1, 10, 0, 0.1)]);
    let rows = entities(&[(Some(1), Some(10))]);
    let time = Arc::clone(rows.column(1));
    let keys = [("driver", Arc::clone(rows.column(0)))];
    let twice = [("t1", Arc::clone(&time)), ("t2", Arc::clone(&time))];
    let without = RecordBatch::try_from_iter(keys.clone()).expect("one column");
    let ambiguous = RecordBatch::try_from_iter(keys.into_iter().chain(twice)).expect("columns");
    for rows in [without, ambiguous.clone()] {
        let error = history_error(&repository, history(rows)).await;
        assert_eq!(error.kind(), ErrorKind::Invalid);
    }
    let mut named = history(ambiguous);
    named.event_timestamp_column = Some("t2".to_owned());
    assert!(repository.store.historical_features(named.clone()).await.is_ok());
    named.event_timestamp_column = Some("t3".to_owned());
    assert_eq!(history_error(&repository, named).await.kind(), ErrorKind::Invalid);
}

pub(super) async fn a_feature_named_like_an_entity_column_is_invalid(make: MakeStore) {
    let repository = Repository::with(make, &[row(1, 10, 0, 0.1)]);
    let mut request = history(entities(&[(Some(1), Some(10))]));
    "label".clone_into(&mut request.views[0].features[0].output);
    let error = history_error(&repository, request.clone()).await;
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.message().contains("label"), "{error}");
    let again = request.views[0].clone();
    request.views.push(again);
    assert_eq!(history_error(&repository, request).await.kind(), ErrorKind::Invalid, "given twice");
}
