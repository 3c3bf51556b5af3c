//! What is tried again, how often and how fast.

use std::sync::Arc;
use std::time::Duration;

use larder_core::ErrorKind;
use larder_online_store::{
    ChaosConfig, ChaosLayer, OnlineStore, Operation, RetryConfig, RetryLayer, ViewRead, WriteGuard,
};
use tempfile::TempDir;
use tokio::time::Instant;

use crate::fixture::{Calls, age, ages, embedded, random, users, write};

/// Retries over an observed store in which chaos reigns; its table is made.
async fn make(chaos: ChaosConfig, retry: RetryConfig) -> (TempDir, Arc<Calls>, RetryLayer) {
    let (folder, store) = embedded();
    store.update(&[users()], &[]).await.unwrap();
    let (calls, store) = Calls::of(Arc::new(ChaosLayer::new(store, chaos, random(11))));
    (folder, calls, RetryLayer::new(store, retry, random(12)))
}

fn all_lost(kind: ErrorKind) -> ChaosConfig {
    ChaosConfig { lost_requests: 1.0, kind, ..ChaosConfig::default() }
}

#[tokio::test(start_paused = true)]
async fn lost_requests_and_answers_are_made_up_for() {
    let chaos = ChaosConfig { lost_requests: 0.4, lost_answers: 0.4, ..ChaosConfig::default() };
    let retry = RetryConfig { attempts: 50, ..RetryConfig::default() };
    let (_folder, calls, store) = make(chaos, retry).await;
    for n in 1..100_u8 {
        write(&store, n.into(), &[(1, n), (2, n)]).await;
        assert_eq!(age(&store, 1).await, Some(n));
    }
    assert!(calls.count(Operation::Write).0 > 150, "{:?}", calls.count(Operation::Write));
}

#[tokio::test(start_paused = true)]
async fn only_kinds_that_may_pass_are_tried_again() {
    for (kind, attempts) in [
        (ErrorKind::Unavailable, 3),
        (ErrorKind::Deadline, 3),
        (ErrorKind::Conflict, 3),
        (ErrorKind::Invalid, 1),
        (ErrorKind::NotFound, 1),
        (ErrorKind::PermissionDenied, 1),
        (ErrorKind::Data, 1),
    ] {
        let (_folder, calls, store) = make(all_lost(kind), RetryConfig::default()).await;
        let failed = store.read(&users(), &[&[1]]).await.unwrap_err();
        assert_eq!(failed.kind(), kind);
        let rows = ages(1, &[(1, 1)]);
        store.write(&users(), &rows, WriteGuard::EventTime).await.unwrap_err();
        store.update(&[users()], &[]).await.unwrap_err();
        store.teardown(&[users()]).await.unwrap_err();
        for operation in [Operation::Read, Operation::Write, Operation::Update, Operation::Teardown]
        {
            assert_eq!(calls.count(operation).0, attempts, "{kind:?} {operation:?}");
        }
        store.health().await.unwrap_err();
        assert_eq!(calls.count(Operation::Health).0, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn pauses_grow_within_their_bounds_and_the_budget_is_kept() {
    let config = RetryConfig {
        attempts: 1_000,
        first_pause: Duration::from_millis(10),
        longest_pause: Duration::from_millis(80),
        budget: Some(Duration::from_secs(2)),
    };
    let (_folder, calls, store) = make(all_lost(ErrorKind::Unavailable), config).await;
    let start = Instant::now();
    store.read(&users(), &[&[1]]).await.unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    // 40 ms on average, fewer at the beginning.
    let attempts = calls.count(Operation::Read).0;
    assert!((30..100).contains(&attempts), "{attempts}");
}

#[tokio::test(start_paused = true)]
async fn of_several_views_only_those_that_failed_are_read_again() {
    let chaos = ChaosConfig { lost_requests: 0.5, ..ChaosConfig::default() };
    let retry = RetryConfig { attempts: 50, ..RetryConfig::default() };
    let (_folder, calls, store) = make(chaos, retry).await;
    let table = users();
    let reads = vec![ViewRead { table: &table, keys: &[&[1]] }; 16];
    let answers = store.read_views(&reads).await;
    assert!(answers.iter().all(Result::is_ok));
    let asked: Vec<usize> = calls.all().iter().map(|call| call.items).collect();
    assert_eq!(asked[0], 16);
    assert!(asked.is_sorted_by(|before, after| before >= after), "{asked:?}");
    assert!(asked.len() > 1 && *asked.last().unwrap() < 16, "{asked:?}");
}
