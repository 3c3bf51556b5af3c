//! Calls that take too long are given up.

use std::sync::Arc;
use std::time::Duration;

use larder_core::ErrorKind;
use larder_online_store::{
    ChaosConfig, ChaosLayer, DeadlineConfig, DeadlineLayer, OnlineStore, ViewRead, WriteGuard,
};
use tokio::time::Instant;

use crate::fixture::{ages, embedded, random, users};

const BUDGET: Duration = Duration::from_millis(100);

#[tokio::test(start_paused = true)]
async fn a_call_beyond_its_budget_is_a_deadline() {
    let (_folder, store) = embedded();
    let chaos = ChaosConfig { longest_delay: Duration::from_hours(1), ..ChaosConfig::default() };
    let slow = Arc::new(ChaosLayer::new(store, chaos, random(5)));
    let config = DeadlineConfig { read: Some(BUDGET), write: Some(BUDGET * 3) };
    let store = DeadlineLayer::new(slow, config);
    // What makes tables takes its time.
    store.update(&[users()], &[]).await.unwrap();

    let start = Instant::now();
    let read = store.read(&users(), &[&[1]]).await.unwrap_err();
    assert_eq!((read.kind(), start.elapsed()), (ErrorKind::Deadline, BUDGET));
    let (table, start) = (users(), Instant::now());
    let answers = store.read_views(&[ViewRead { table: &table, keys: &[&[1]] }; 2]).await;
    assert_eq!((answers.len(), start.elapsed()), (2, BUDGET));
    assert!(
        answers.iter().all(|answer| {
            answer.as_ref().is_err_and(|error| error.kind() == ErrorKind::Deadline)
        })
    );
    assert_eq!(store.health().await.unwrap_err().kind(), ErrorKind::Deadline);
    let start = Instant::now();
    let rows = ages(1, &[(1, 1)]);
    let written = store.write(&users(), &rows, WriteGuard::EventTime).await.unwrap_err();
    assert_eq!((written.kind(), start.elapsed()), (ErrorKind::Deadline, BUDGET * 3));
}
