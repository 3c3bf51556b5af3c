//! A registry in a bucket: writers at once, and marks of change.
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::sync::Arc;

use larder_core::{FixedClock, Timestamp};
use larder_object_storage::{Bucket, ObjectUri};
use larder_registry::store::{ObjectRegistryStore, Outcome, RegistryStore};
use object_store::memory::InMemory;

fn bucket() -> Bucket {
    Bucket::new("lake", Arc::new(InMemory::new()))
}

fn store(bucket: &Bucket) -> ObjectRegistryStore {
    let uri = ObjectUri::parse("s3://lake/a/registry.db").unwrap();
    let noon = FixedClock(Timestamp::from_seconds(43_200));
    ObjectRegistryStore::new(bucket.clone(), uri, Arc::new(noon)).unwrap()
}

#[test]
fn a_writer_that_others_came_before_changes_what_they_wrote() {
    let bucket = bucket();
    let (slow, fast) = (store(&bucket), store(&bucket));
    fast.update(&mut |_| Ok(Outcome::Changed)).unwrap();
    let mut seen = Vec::new();
    let last = slow.update(&mut |file| {
        seen.push(file.to_bytes());
        if seen.len() == 1 {
            fast.update(&mut |_| Ok(Outcome::Changed)).unwrap();
        }
        Ok(Outcome::Changed)
    });
    assert_eq!(seen.len(), 2, "the change is made again");
    assert_ne!(seen[0], seen[1], "on the state that the other wrote");
    assert_eq!(fast.load().unwrap().unwrap().to_bytes(), last.unwrap().to_bytes());
}

#[test]
fn every_write_has_a_mark_and_no_write_has_none() {
    let bucket = bucket();
    let store = store(&bucket);
    assert!(store.load().unwrap().is_none());
    let empty = store.change_mark().unwrap();
    store.update(&mut |_| Ok(Outcome::Unchanged)).unwrap();
    assert!(store.load().unwrap().is_none(), "a missing registry stays missing");
    store.update(&mut |_| Ok(Outcome::Changed)).unwrap();
    let first = store.change_mark().unwrap();
    assert_ne!(first, empty);
    assert_eq!(store.change_mark().unwrap(), first);
    store.update(&mut |_| Ok(Outcome::Changed)).unwrap();
    assert_ne!(store.change_mark().unwrap(), first);
}

#[tokio::test]
async fn it_can_be_called_and_dropped_within_an_event_loop() {
    let store = store(&bucket());
    store.update(&mut |_| Ok(Outcome::Changed)).unwrap();
    assert!(store.load().unwrap().is_some());
}
