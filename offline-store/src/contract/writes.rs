//! Rules of `write`.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use larder_core::{DataSource, ErrorKind};

use super::MakeStore;
use super::fixture::{Repository, batch, floats, pull, row, source};
use crate::PullRequest;

/// All rates of a source, in file order.
async fn rates(repository: &Repository, source: DataSource) -> Vec<Option<f64>> {
    let request = PullRequest { source, ..pull() };
    let rows = repository.store.pull_all(request).await.expect("a valid request");
    let rows = rows.collect().await.expect("readable files");
    rows.iter().flat_map(|batch| floats(batch, "rate")).collect()
}

pub(super) async fn appended_rows_are_read_back(make: MakeStore) {
    let repository = Repository::with(make, &[row(1, 10, 0, 0.1)]);
    // Another order of columns and a narrower type are no obstacle.
    let rows = batch(&[row(1, 10, 0, 0.2), row(2, 20, 0, 0.3)]);
    let rows = rows.project(&[3, 0, 2, 1]).expect("four columns");
    let source = source("stats.parquet");
    let written = repository.store.write(&source, vec![rows]).await.expect("a valid write");
    assert_eq!(written, 2);
    assert_eq!(rates(&repository, source).await, [Some(0.1), Some(0.2), Some(0.3)]);
    let latest = repository.store.pull_latest(pull()).await.expect("a valid request");
    let latest = latest.collect().await.expect("readable files");
    let newest: Vec<_> = latest.iter().flat_map(|batch| floats(batch, "rate")).collect();
    assert!(newest.contains(&Some(0.2)), "of equal rows the one written last wins: {newest:?}");
}

pub(super) async fn a_folder_gets_a_new_file(make: MakeStore) {
    let repository = Repository::with(make, &[]);
    repository.put("parts/first.parquet", &batch(&[row(1, 10, 0, 0.1)]));
    let before = std::fs::read(repository.path().join("parts/first.parquet")).expect("a file");
    let source = source("parts");
    for rate in [0.2, 0.3] {
        let rows = vec![batch(&[row(1, 10, 0, rate)])];
        repository.store.write(&source, rows).await.expect("a valid write");
    }
    assert_eq!(rates(&repository, source).await, [Some(0.1), Some(0.2), Some(0.3)]);
    let files = std::fs::read_dir(repository.path().join("parts")).expect("a folder").count();
    assert_eq!(files, 3, "one file per write and nothing else");
    let after = std::fs::read(repository.path().join("parts/first.parquet")).expect("a file");
    assert_eq!(before, after, "what is there stays as it is");
}

pub(super) async fn rows_with_other_columns_are_refused_and_change_nothing(make: MakeStore) {
    let repository = Repository::with(make, &[row(1, 10, 0, 0.1)]);
    let before = std::fs::read(repository.path().join("stats.parquet")).expect("a file");
    let drivers: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let few = RecordBatch::try_from_iter([("driver", drivers)]).expect("one column");
    for rows in [few, batch(&[]).project(&[0, 1]).expect("two columns")] {
        let error = repository.store.write(&source("stats.parquet"), vec![rows]).await;
        assert_eq!(error.expect_err("columns are missing").kind(), ErrorKind::Invalid);
    }
    let after = std::fs::read(repository.path().join("stats.parquet")).expect("a file");
    assert_eq!(before, after);
}

pub(super) async fn writers_of_one_file_wait_for_each_other(make: MakeStore) {
    let repository = Repository::with(make, &[]);
    let writes = (0..8).map(|driver| {
        let store = Arc::clone(&repository.store);
        let rows = vec![batch(&[row(driver, 10, 0, 0.5)])];
        async move { store.write(&source("stats.parquet"), rows).await }
    });
    for written in futures::future::join_all(writes).await {
        assert_eq!(written.expect("a valid write"), 1);
    }
    assert_eq!(rates(&repository, source("stats.parquet")).await.len(), 8, "no write was lost");
}

pub(super) async fn readers_of_a_file_see_one_version_of_it(make: MakeStore) {
    let repository = Repository::with(make, &[]);
    let source = || source("stats.parquet");
    let writes = async {
        for driver in 0..30 {
            let rows = vec![batch(&[row(driver, 10, 0, 0.5)])];
            repository.store.write(&source(), rows).await.expect("a valid write");
        }
    };
    let reads = async {
        let mut seen = 0;
        while seen < 30 {
            let rows = rates(&repository, source()).await.len();
            assert!(rows >= seen, "{rows} rows after {seen}");
            seen = rows;
        }
    };
    futures::join!(writes, reads);
}
