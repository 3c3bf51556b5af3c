//! Executors that die.

use std::sync::mpsc::sync_channel;
use std::time::Instant;

use arrow_array::RecordBatch;
use larder_core::{ErrorKind, Result};
use larder_offline_store::OfflineStore as _;
use libtest_mimic::Trial;

use crate::cluster::{Cluster, PATIENCE};
use crate::fixture::{block_on, engine, whole};
use crate::joins::{entity_rows, request, views};

pub(crate) fn trials() -> Vec<Trial> {
    vec![Trial::test("losses::a_lost_executor_never_makes_an_answer_wrong", || {
        lose_one();
        Ok(())
    })]
}

/// Joins go on and on while an executor is killed: each is right or `unavailable`, and in the end they are right again.
fn lose_one() {
    let folder = tempfile::tempdir().unwrap();
    let views = views(folder.path());
    let request = request(entity_rows(3_000), views);
    let local = engine(folder.path());
    let expected = block_on(async {
        whole(local.historical_features(request.clone()).await.unwrap()).await.unwrap()
    });
    let mut cluster = Cluster::start(10);
    let store = cluster.store(folder.path(), 6, 700);
    let join = move || -> Result<RecordBatch> {
        block_on(async { whole(store.historical_features(request.clone()).await?).await })
    };
    let began = Instant::now();
    while join().unwrap() != expected || !cluster.all_have_worked() {
        assert!(began.elapsed() < PATIENCE, "one executor gets no work");
    }
    let (report, reports) = sync_channel(0);
    let joins = std::thread::spawn(move || while report.send(join()).is_ok() {});
    let judge = |answer: Result<RecordBatch>| match answer {
        Ok(answer) => {
            assert_eq!(answer, expected);
            true
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
            false
        }
    };
    assert!(judge(reports.recv().unwrap()), "before anything was lost");
    cluster.kill_one();
    // The first of these was under way or is the first without the executor.
    let mut right = 0;
    while right < 3 {
        right = if judge(reports.recv().unwrap()) { right + 1 } else { 0 };
        assert!(began.elapsed() < 2 * PATIENCE, "the cluster does not recover");
    }
    drop(reports);
    joins.join().unwrap();
}
