//! What an observer is told.

use std::sync::Arc;
use std::time::Duration;

use larder_core::ErrorKind;
use larder_online_store::{
    CacheConfig, CacheLayer, CacheUse, ChaosConfig, ChaosLayer, DeadlineConfig, DeadlineLayer,
    OnlineStore as _, Operation, PoolUse, SqliteConfig, SqliteStore, StoreCall, ViewRead,
    ViewTable,
};

use crate::fixture::{Calls, embedded, random, users, write};

#[tokio::test]
async fn every_call_is_told_with_what_it_did() {
    let (_folder, store) = embedded();
    let (calls, store) = Calls::of(store);
    store.update(&[users()], &[]).await.unwrap();
    write(store.as_ref(), 5, &[(1, 10), (2, 20)]).await;
    write(store.as_ref(), 4, &[(1, 10)]).await;
    store.read(&users(), &[&[1], &[2], &[3]]).await.unwrap();
    let unmade = ViewTable::new("shop", "unmade", ["x"]).unwrap();
    store.read(&unmade, &[b"k"]).await.unwrap_err();
    let table = users();
    let both = [&table, &unmade].map(|table| ViewRead { table, keys: &[&[1]] });
    store.read_views(&both).await;
    store.health().await.unwrap();
    store.teardown(&[users()]).await.unwrap();
    let told: Vec<_> = calls
        .all()
        .iter()
        .map(|call| {
            let StoreCall { store, operation, items, effective, elapsed, error } = *call;
            assert_eq!(store, "embedded");
            assert!(elapsed > Duration::ZERO);
            (operation, items, effective, error)
        })
        .collect();
    assert_eq!(
        told,
        [
            (Operation::Update, 1, 1, None),
            (Operation::Write, 2, 2, None),
            (Operation::Write, 1, 0, None),
            (Operation::Read, 3, 2, None),
            (Operation::Read, 1, 0, Some(ErrorKind::NotFound)),
            (Operation::Read, 2, 1, Some(ErrorKind::NotFound)),
            (Operation::Health, 0, 0, None),
            (Operation::Teardown, 1, 1, None),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_given_up_counts_as_one_that_came_too_late() {
    let (_folder, store) = embedded();
    let hour = Duration::from_hours(1);
    let chaos = ChaosConfig { longest_delay: hour, ..ChaosConfig::default() };
    let (calls, store) = Calls::of(Arc::new(ChaosLayer::new(store, chaos, random(7))));
    let budget = DeadlineConfig { read: Some(Duration::from_millis(20)), write: None };
    let store = DeadlineLayer::new(store, budget);
    let error = store.read(&users(), &[&[1], &[2]]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadline);
    let told = calls.all();
    let [call] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((call.operation, call.items, call.effective), (Operation::Read, 2, 0));
    assert_eq!(call.error, Some(ErrorKind::Deadline));
}

#[tokio::test]
async fn a_look_into_a_cache_is_told_with_what_was_found() {
    let (_folder, store) = embedded();
    let (calls, store) = Calls::of(store);
    store.update(&[users()], &[]).await.unwrap();
    let hour = Duration::from_hours(1);
    let config = CacheConfig { max_bytes: 1 << 20, max_entries: 1 << 20, ttl: hour };
    let observer: Arc<dyn larder_online_store::StoreObserver> = Arc::<Calls>::clone(&calls);
    let cache = CacheLayer::observed(store, config, Some(observer));
    write(&cache, 5, &[(1, 10)]).await;
    for keys in [&[&[1_u8][..], &[2]][..], &[&[1], &[2], &[3], &[3]]] {
        cache.read(&users(), keys).await.unwrap();
    }
    let expected = [
        CacheUse { hits: 0, misses: 2, shared: 0 },
        // The second of two equal keys waits for the first.
        CacheUse { hits: 2, misses: 1, shared: 1 },
    ];
    assert_eq!(calls.looks(), expected);
}

#[tokio::test]
async fn the_connections_of_a_file_are_counted_through_every_layer() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&SqliteConfig::new(folder.path().join("online.db"))).unwrap();
    let (_, store) = Calls::of(Arc::new(store));
    let budget = DeadlineConfig { read: None, write: None };
    let store = DeadlineLayer::new(store, budget);
    let idle = |connections| PoolUse { connections: Some(connections), calls: 0, limit: None };
    assert_eq!(store.pool(), Some(idle(0)));
    store.update(&[users()], &[]).await.unwrap();
    assert_eq!(store.pool(), Some(idle(1)), "the writer");
    store.read(&users(), &[&[1]]).await.unwrap();
    assert_eq!(store.pool(), Some(idle(2)), "the writer and a reader");
    let (_folder, embedded) = embedded();
    assert_eq!(embedded.pool(), None);
}
