//! What an observer is told.

use std::time::Duration;

use larder_core::ErrorKind;
use larder_online_store::{Operation, StoreCall, ViewRead, ViewTable};

use crate::fixture::{Calls, embedded, users, write};

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
