//! What a cache shows, shares and forgets.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use larder_core::ErrorKind;
use larder_online_store::{
    CacheConfig, CacheLayer, Cell, ChaosConfig, ChaosLayer, OnlineStore, Operation, ViewRead,
    ViewTable, WriteGuard, WriteRowsBuilder,
};
use tempfile::TempDir;

use crate::fixture::{Calls, age, embedded, random, users, write};

const LONG: Duration = Duration::from_hours(1);

fn config(ttl: Duration) -> CacheConfig {
    CacheConfig { max_bytes: 1 << 20, max_entries: 1 << 20, ttl }
}

struct Made {
    _folder: TempDir,
    /// What stands behind the cache.
    store: Arc<dyn OnlineStore>,
    calls: Arc<Calls>,
    cache: CacheLayer,
}

/// A cache over a store that takes up to this long, its table made.
async fn make(config: CacheConfig, longest_delay: Duration) -> Made {
    let (folder, store) = embedded();
    let chaos = ChaosConfig { longest_delay, ..ChaosConfig::default() };
    let slow = Arc::new(ChaosLayer::new(Arc::clone(&store), chaos, random(7)));
    let (calls, observed) = Calls::of(slow);
    let cache = CacheLayer::new(observed, config);
    cache.update(&[users()], &[]).await.unwrap();
    Made { _folder: folder, store, calls, cache }
}

#[tokio::test]
async fn rows_nulls_and_absent_rows_are_read_once() {
    let made = make(config(LONG), Duration::ZERO).await;
    write(&made.cache, 1, &[(1, 10)]).await;
    let mut null = WriteRowsBuilder::new(&users());
    null.begin_row(&[2], 1, None).unwrap();
    null.set(0, b"").unwrap();
    made.cache.write(&users(), &null.finish(), WriteGuard::EventTime).await.unwrap();
    for _ in 0..3 {
        let answer = made.cache.read(&users(), &[&[1], &[2], &[3], &[1]]).await.unwrap();
        assert_eq!(answer.event_timestamps(), [Some(1), Some(1), None, Some(1)]);
        let cells: Vec<Cell<'_>> = answer.column(0).collect();
        let ten = Cell::Value(&[0x20, 10]);
        assert_eq!(cells, [ten, Cell::Null, Cell::Missing, ten]);
    }
    // One key more is the only one that is asked for.
    made.cache.read(&users(), &[&[3], &[4], &[1]]).await.unwrap();
    assert_eq!(made.calls.count(Operation::Read), (2, 3 + 1));
}

#[tokio::test]
async fn selections_of_features_do_not_mix() {
    let made = make(config(LONG), Duration::ZERO).await;
    let table = ViewTable::new("shop", "pairs", ["a", "b"]).unwrap();
    made.cache.update(std::slice::from_ref(&table), &[]).await.unwrap();
    let mut rows = WriteRowsBuilder::new(&table);
    rows.begin_row(b"k", 1, None).unwrap();
    rows.set(0, b"one").unwrap();
    rows.set(1, b"two").unwrap();
    made.cache.write(&table, &rows.finish(), WriteGuard::EventTime).await.unwrap();
    for (features, expected) in
        [(vec!["a"], "one"), (vec!["b"], "two"), (vec!["b", "a"], "two"), (vec!["a"], "one")]
    {
        let table = ViewTable::new("shop", "pairs", features).unwrap();
        let answer = made.cache.read(&table, &[b"k"]).await.unwrap();
        assert_eq!(answer.cell(0, 0), Cell::Value(expected.as_bytes()));
    }
    assert_eq!(made.calls.count(Operation::Read).0, 3);
}

#[tokio::test]
async fn requests_at_the_same_time_share_one_read_per_key() {
    let made = make(config(LONG), Duration::from_millis(200)).await;
    write(&made.cache, 1, &[(1, 10), (2, 20)]).await;
    let ask = |keys: &'static [&'static [u8]]| {
        let cache = made.cache.clone();
        async move { cache.read(&users(), keys).await.unwrap() }
    };
    let same = join_all((0..50).map(|_| ask(&[&[1], &[2], &[3]]))).await;
    assert!(same.iter().all(|answer| answer.event_timestamps() == [Some(1), Some(1), None]));
    assert_eq!(made.calls.count(Operation::Read), (1, 3));
    // Each leads one key and waits for that of the other.
    let (one, other) = tokio::join!(ask(&[&[4], &[5]]), ask(&[&[5], &[6], &[4]]));
    assert_eq!((one.len(), other.len()), (2, 3));
    assert_eq!(made.calls.count(Operation::Read), (3, 3 + 2 + 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_concurrent_readers_of_a_cold_row_cause_one_read() {
    let made = make(config(LONG), Duration::from_secs(2)).await;
    write(&made.cache, 1, &[(1, 10)]).await;
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..1_000 {
        let cache = made.cache.clone();
        readers.spawn(async move { age(&cache, 1).await });
    }
    assert_eq!(readers.join_all().await, vec![Some(10); 1_000]);
    assert_eq!(made.calls.count(Operation::Read), (1, 1));
}

#[tokio::test]
async fn views_of_one_request_go_to_the_store_together() {
    let made = make(config(LONG), Duration::ZERO).await;
    let others = ViewTable::new("shop", "others", ["x"]).unwrap();
    made.cache.update(std::slice::from_ref(&others), &[]).await.unwrap();
    let keys: &[&[u8]] = &[&[1], &[2]];
    let reads = [ViewRead { table: &users(), keys }, ViewRead { table: &others, keys }];
    for _ in 0..2 {
        let answers = made.cache.read_views(&reads).await;
        assert!(answers.iter().all(|answer| answer.as_ref().unwrap().len() == 2));
    }
    assert_eq!(made.calls.count(Operation::Read), (1, 4));
}

#[tokio::test]
async fn a_request_that_is_given_up_does_not_leave_others_waiting() {
    let made = make(config(LONG), Duration::from_millis(500)).await;
    write(&made.cache, 1, &[(1, 10)]).await;
    let leader = {
        let cache = made.cache.clone();
        tokio::spawn(async move { age(&cache, 1).await })
    };
    tokio::task::yield_now().await;
    let waiting = {
        let cache = made.cache.clone();
        tokio::spawn(async move { age(&cache, 1).await })
    };
    tokio::task::yield_now().await;
    leader.abort();
    assert_eq!(waiting.await.unwrap(), Some(10));
    assert!(leader.await.unwrap_err().is_cancelled());
}

#[tokio::test]
async fn failures_are_shared_but_not_kept() {
    let made = make(config(LONG), Duration::from_millis(100)).await;
    let unmade = ViewTable::new("shop", "unmade", ["x"]).unwrap();
    let ask = || made.cache.read(&unmade, &[b"k"]);
    for answer in join_all((0..10).map(|_| ask())).await {
        let error = answer.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.hint().is_some_and(|hint| hint.contains("fs apply")));
    }
    assert_eq!(made.calls.count(Operation::Read).0, 1);
    made.cache.update(std::slice::from_ref(&unmade), &[]).await.unwrap();
    assert_eq!(ask().await.unwrap().event_timestamps(), [None]);
}

#[tokio::test]
async fn writes_through_the_cache_are_seen_at_once_and_others_within_the_ttl() {
    let ttl = Duration::from_millis(300);
    let made = make(config(ttl), Duration::ZERO).await;
    write(&made.cache, 1, &[(1, 10)]).await;
    assert_eq!(age(&made.cache, 1).await, Some(10));
    write(&made.cache, 2, &[(1, 11)]).await;
    assert_eq!(age(&made.cache, 1).await, Some(11));
    write(made.store.as_ref(), 3, &[(1, 12)]).await;
    assert_eq!(age(&made.cache, 1).await, Some(11));
    tokio::time::sleep(ttl * 2).await;
    assert_eq!(age(&made.cache, 1).await, Some(12));
    made.cache.teardown(&[users()]).await.unwrap();
    made.cache.update(&[users()], &[]).await.unwrap();
    assert_eq!(age(&made.cache, 1).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_read_after_a_write_never_shows_what_was_before_it() {
    let made = Arc::new(make(config(LONG), Duration::from_millis(2)).await);
    // Readers keep the row in flight all the time; every writer has a key of its own.
    let mut tasks = tokio::task::JoinSet::new();
    for key in 0..4_u8 {
        let writing = Arc::clone(&made);
        tasks.spawn(async move {
            for n in 1..100_u8 {
                write(&writing.cache, n.into(), &[(key, n)]).await;
                assert_eq!(age(&writing.cache, key).await, Some(n));
            }
        });
        let reading = Arc::clone(&made);
        tasks.spawn(async move {
            let mut last = None;
            while last != Some(99) {
                let shown = age(&reading.cache, key).await;
                assert!(shown >= last, "{shown:?} after {last:?}");
                last = shown;
                // A cached row is there at once: without this, nobody else would get a turn.
                tokio::task::yield_now().await;
            }
        });
    }
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
    }
}

#[tokio::test]
async fn the_cache_stays_within_its_bounds() {
    for (max_bytes, max_entries, expected) in [(1 << 30, 50, 50), (50_000, 1 << 20, 100)] {
        let made = make(CacheConfig { max_bytes, max_entries, ttl: LONG }, Duration::ZERO).await;
        let mut rows = WriteRowsBuilder::new(&users());
        for key in 0..1_000_u32 {
            rows.begin_row(&key.to_be_bytes(), 1, None).unwrap();
            rows.set(0, &[7; 1_000]).unwrap();
        }
        made.cache.write(&users(), &rows.finish(), WriteGuard::EventTime).await.unwrap();
        let keys: Vec<[u8; 4]> = (0..1_000_u32).map(u32::to_be_bytes).collect();
        for _ in 0..2 {
            let keys: Vec<&[u8]> = keys.iter().map(<[u8; 4]>::as_slice).collect();
            let answer = made.cache.read(&users(), &keys).await.unwrap();
            assert!(answer.event_timestamps().iter().all(Option::is_some));
        }
        let entries = made.cache.entries();
        assert!((1..=expected).contains(&entries), "{entries} entries, at most {expected}");
    }
}
