//! Rules of `save`.

use arrow_array::RecordBatch;
use larder_core::{DataSource, Error, ErrorKind, Result};

use super::MakeStore;
use super::fixture::{Repository, Row, batch, floats, pull, row, source};
use crate::{BatchStream, PullRequest, SaveMode, SaveRequest};

fn stream(batches: Vec<RecordBatch>) -> BatchStream {
    BatchStream::from_batches(batch(&[]).schema(), batches)
}

async fn save(repository: &Repository, uri: &str, mode: SaveMode, rows: &[Row]) -> Result<u64> {
    let request = SaveRequest::new(source(uri), mode);
    repository.store.save(request, stream(vec![batch(rows)])).await
}

async fn rates(repository: &Repository, target: DataSource) -> Vec<Option<f64>> {
    let request = PullRequest { source: target, ..pull() };
    let rows = repository.store.pull_all(request).await.expect("a valid request");
    let rows = rows.collect().await.expect("readable files");
    let mut rates: Vec<_> = rows.iter().flat_map(|batch| floats(batch, "rate")).collect();
    rates.sort_by(|one, other| one.partial_cmp(other).expect("numbers"));
    rates
}

pub(super) async fn saved_rows_are_read_back(make: MakeStore) {
    let repository = Repository::with(make, &[]);
    for uri in ["deep/er/saved.parquet", "deep/er/saved"] {
        let rows = [row(1, 10, 0, 0.1), row(2, 10, 0, 0.2)];
        let saved = save(&repository, uri, SaveMode::New, &rows).await.expect("a free path");
        assert_eq!(saved, 2);
        assert_eq!(rates(&repository, source(uri)).await, [Some(0.1), Some(0.2)], "{uri}");
        let error = save(&repository, uri, SaveMode::New, &rows).await.expect_err("it is taken");
        assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{uri}");
    }
}

pub(super) async fn replaced_rows_are_gone(make: MakeStore) {
    let repository = Repository::with(make, &[]);
    for uri in ["saved.parquet", "saved"] {
        for rate in [0.1, 0.2, 0.3] {
            let rows = [row(1, 10, 0, rate)];
            let saved = save(&repository, uri, SaveMode::Replace, &rows).await;
            assert_eq!(saved.expect("a path of its own"), 1);
            assert_eq!(rates(&repository, source(uri)).await, [Some(rate)], "{uri}");
        }
    }
}

pub(super) async fn a_folder_with_other_things_is_not_replaced(make: MakeStore) {
    let repository = Repository::with(make, &[]);
    std::fs::create_dir_all(repository.path().join("home")).expect("a folder");
    std::fs::write(repository.path().join("home/thesis.txt"), "years").expect("a file");
    let error = save(&repository, "home", SaveMode::Replace, &[row(1, 10, 0, 0.1)]).await;
    assert_eq!(error.expect_err("it holds something else").kind(), ErrorKind::Invalid);
    assert!(repository.path().join("home/thesis.txt").is_file());
}

pub(super) async fn added_rows_are_files_of_their_own(make: MakeStore) {
    let repository = Repository::with(make, &[]);
    for rate in [0.1, 0.2] {
        let rows = [row(1, 10, 0, rate)];
        save(&repository, "logs", SaveMode::Add, &rows).await.expect("a folder");
    }
    assert_eq!(rates(&repository, source("logs")).await, [Some(0.1), Some(0.2)]);
    let files = std::fs::read_dir(repository.path().join("logs")).expect("a folder").count();
    assert_eq!(files, 2);
}

/// A request to add rows that are partitioned by these columns.
fn partitioned(by: &[&str]) -> SaveRequest {
    let partition_by = by.iter().map(|&name| name.to_owned()).collect();
    SaveRequest { partition_by, ..SaveRequest::new(source("logs"), SaveMode::Add) }
}

pub(super) async fn added_rows_go_to_the_folders_of_their_partitions(make: MakeStore) {
    let repository = Repository::with(make, &[]);
    for rate in [0.1, 0.2] {
        let rows = [row(1, 10, 0, rate), row(2, 10, 0, rate), row(1, 11, 0, rate)];
        let saved = repository.store.save(partitioned(&["driver"]), stream(vec![batch(&rows)]));
        assert_eq!(saved.await.expect("a folder"), 3);
    }
    let expected = [0.1, 0.1, 0.1, 0.2, 0.2, 0.2].map(Some);
    assert_eq!(rates(&repository, source("logs")).await, expected);
    let folders = std::fs::read_dir(repository.path().join("logs")).expect("a folder");
    let folders = folders.map(|folder| folder.expect("an entry"));
    let mut found: Vec<_> = folders
        .map(|folder| {
            let files = std::fs::read_dir(folder.path()).expect("a folder").count();
            (folder.file_name().into_string().expect("text"), files)
        })
        .collect();
    found.sort();
    assert_eq!(found, [("driver=1".to_owned(), 2), ("driver=2".to_owned(), 2)]);
}

pub(super) async fn rows_that_cannot_be_partitioned_are_refused(make: MakeStore) {
    let repository = Repository::with(make, &[]);
    let replacing = SaveRequest { mode: SaveMode::Replace, ..partitioned(&["driver"]) };
    for (request, kind) in [
        (partitioned(&["gone"]), ErrorKind::Invalid),
        (partitioned(&["rate"]), ErrorKind::Invalid),
        (replacing, ErrorKind::Unsupported),
    ] {
        let rows = stream(vec![batch(&[row(1, 10, 0, 0.1)])]);
        let error = repository.store.save(request, rows).await.expect_err("it is refused");
        assert_eq!(error.kind(), kind, "{error}");
    }
    let rows = [Ok(batch(&[row(2, 10, 0, 0.2)])), Err(Error::data("a broken source"))];
    let rows = BatchStream::new(batch(&[]).schema(), futures::stream::iter(rows));
    let error = repository.store.save(partitioned(&["driver"]), rows).await.expect_err("it fails");
    assert_eq!(error.kind(), ErrorKind::Data);
    let left = std::fs::read_dir(repository.path().join("logs")).map_or(0, Iterator::count);
    assert_eq!(left, 0, "nothing is left");
}

pub(super) async fn rows_that_end_in_an_error_leave_the_target_as_it_was(make: MakeStore) {
    let repository = Repository::with(make, &[]);
    for uri in ["saved.parquet", "saved"] {
        let first = [row(1, 10, 0, 0.1)];
        save(&repository, uri, SaveMode::New, &first).await.expect("a free path");
        for mode in [SaveMode::Replace, SaveMode::Add] {
            if mode == SaveMode::Add && uri.ends_with(".parquet") {
                continue;
            }
            let schema = batch(&[]).schema();
            let rows = [Ok(batch(&[row(2, 10, 0, 0.2)])), Err(Error::data("a broken source"))];
            let rows = BatchStream::new(schema, futures::stream::iter(rows));
            let request = SaveRequest::new(source(uri), mode);
            let error = repository.store.save(request, rows).await.expect_err("the rows fail");
            assert_eq!(error.kind(), ErrorKind::Data, "{uri}");
            assert_eq!(rates(&repository, source(uri)).await, [Some(0.1)], "{uri}");
        }
    }
    let left = std::fs::read_dir(repository.path()).expect("a folder");
    let left = left.map(|entry| entry.expect("an entry").file_name()).collect::<Vec<_>>();
    assert_eq!(left.len(), 3, "nothing temporary is left: {left:?}");
}
