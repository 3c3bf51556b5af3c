//! The embedded store: the contract, and what only LMDB can get wrong.
#![expect(clippy::unwrap_used, reason = "a failing step fails the test")]

use std::sync::Arc;

use larder_core::ErrorKind;
use larder_online_store::{
    EmbeddedConfig, EmbeddedStore, OnlineStore, ViewRead, ViewTable, WriteGuard, WriteRows,
    WriteRowsBuilder, contract, online_store_contract,
};
use proptest::prelude::*;
use tempfile::TempDir;

/// A store whose map is much too small at first.
fn small(folder: &TempDir) -> EmbeddedStore {
    let config = EmbeddedConfig { map_size: 1 << 20, ..EmbeddedConfig::new(folder.path()) };
    EmbeddedStore::open(&config).unwrap()
}

fn make() -> (TempDir, Arc<dyn OnlineStore>) {
    let folder = tempfile::tempdir().unwrap();
    let store = small(&folder);
    (folder, Arc::new(store))
}

online_store_contract!(make());

#[tokio::test]
async fn views_may_have_any_name() {
    let (_folder, store) = make();
    contract::views_may_have_any_name(&contract::Store::new(store)).await;
}

#[tokio::test]
async fn a_table_never_made_is_not_found() {
    let (_folder, store) = make();
    contract::a_table_never_made_is_not_found(&contract::Store::new(store)).await;
}

#[tokio::test]
async fn a_view_that_fails_does_not_fail_the_others() {
    let (_folder, store) = make();
    contract::a_view_that_fails_does_not_fail_the_others(&contract::Store::new(store)).await;
}

fn table() -> ViewTable {
    ViewTable::new("shop", "users", ["age"]).unwrap()
}

fn rows(keys: std::ops::Range<u32>, bytes: usize) -> WriteRows {
    let mut rows = WriteRowsBuilder::new(&table());
    for key in keys {
        rows.begin_row(&key.to_be_bytes(), 1, None).unwrap();
        rows.set(0, &vec![7; bytes]).unwrap();
    }
    rows.finish()
}

#[tokio::test]
async fn rows_survive_closing_the_store() {
    let folder = tempfile::tempdir().unwrap();
    for attempt in 0..3_u32 {
        let store = small(&folder);
        store.update(&[table()], &[]).await.unwrap();
        store
            .write(&table(), &rows(attempt..attempt + 1, 10), WriteGuard::EventTime)
            .await
            .unwrap();
        drop(store);
        let store = small(&folder);
        let answer = store.read(&table(), &[&attempt.to_be_bytes(), &[0; 4]]).await.unwrap();
        assert_eq!(answer.event_timestamps(), [Some(1), Some(1)]);
    }
}

#[tokio::test]
async fn stores_on_one_folder_share_it() {
    let folder = tempfile::tempdir().unwrap();
    let one = small(&folder);
    let other = EmbeddedStore::open(&EmbeddedConfig::new(folder.path().join("."))).unwrap();
    one.update(&[table()], &[]).await.unwrap();
    other.write(&table(), &rows(0..1, 10), WriteGuard::EventTime).await.unwrap();
    drop(other);
    let answer = one.read(&table(), &[&[0; 4]]).await.unwrap();
    assert_eq!(answer.event_timestamps(), [Some(1)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn opening_and_closing_at_the_same_time_is_safe() {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    small(&folder).update(&[table()], &[]).await.unwrap();
    let tasks: Vec<_> = (0..8_u32)
        .map(|task| {
            let folder = Arc::clone(&folder);
            tokio::spawn(async move {
                for n in 0..20 {
                    let store = small(&folder);
                    let key = task * 100 + n;
                    store
                        .write(&table(), &rows(key..key + 1, 4), WriteGuard::EventTime)
                        .await
                        .unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let keys: Vec<[u8; 4]> =
        (0..8).flat_map(|task| (0..20).map(move |n| u32::to_be_bytes(task * 100 + n))).collect();
    let keys: Vec<&[u8]> = keys.iter().map(<[u8; 4]>::as_slice).collect();
    let answer = small(&folder).read(&table(), &keys).await.unwrap();
    assert!(answer.event_timestamps().iter().all(Option::is_some));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_go_on_while_the_map_grows() {
    let folder = tempfile::tempdir().unwrap();
    let store = small(&folder);
    store.update(&[table()], &[]).await.unwrap();
    store.write(&table(), &rows(0..1, 10), WriteGuard::EventTime).await.unwrap();
    let writer = {
        let store = store.clone();
        tokio::spawn(async move {
            for batch in 0..32 {
                let rows = rows(batch * 100..batch * 100 + 100, 10_000);
                store.write(&table(), &rows, WriteGuard::EventTime).await.unwrap();
            }
        })
    };
    while !writer.is_finished() {
        let answer = store.read(&table(), &[&[0; 4]]).await.unwrap();
        assert_eq!(answer.event_timestamps(), [Some(1)]);
        tokio::task::yield_now().await;
    }
    writer.await.unwrap();
    let answer = store.read(&table(), &[&3199_u32.to_be_bytes()]).await.unwrap();
    assert_eq!(answer.cell(0, 0).bytes().map(<[u8]>::len), Some(10_000));
}

#[tokio::test]
async fn a_fault_of_one_write_does_not_touch_another_in_its_transaction() {
    let (_folder, store) = make();
    store.update(&[table()], &[]).await.unwrap();
    let unmade = ViewTable::new("shop", "unmade", ["age"]).unwrap();
    let (made, rows) = (table(), rows(0..1, 10));
    let (refused, written) = tokio::join!(
        store.write(&unmade, &rows, WriteGuard::EventTime),
        store.write(&made, &rows, WriteGuard::EventTime),
    );
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(written.unwrap().written, 1);
}

#[tokio::test]
async fn a_file_in_place_of_the_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, b"x").unwrap();
    let refused = EmbeddedStore::open(&EmbeddedConfig::new(path)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
}

/// Keys whose bytes go on where others end, with room for the number of a table in between, and keys too long for LMDB.
fn key() -> impl Strategy<Value = Vec<u8>> {
    let short = proptest::collection::vec(prop_oneof![Just(0_u8), Just(1), Just(2), Just(9)], 0..9);
    let long = (0..3_u8).prop_map(|last| [vec![7; 600], vec![last]].concat());
    prop_oneof![9 => short, 1 => long]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// However many tables there are, whichever are read, and whatever lies between their rows.
    #[test]
    fn views_read_together_answer_as_views_read_alone(
        tables in 1..12_usize,
        written in proptest::collection::vec((0..12_usize, key(), 0..100_i64), 0..60),
        asked in proptest::collection::vec(0..12_usize, 1..8),
        keys in proptest::collection::vec(key(), 0..20),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (_folder, store) = make();
        let table = |at: usize| ViewTable::new("shop", format!("view_{}", at % tables), ["age"]).unwrap();
        runtime.block_on(async {
            let all: Vec<ViewTable> = (0..tables).map(table).collect();
            store.update(&all, &[]).await.unwrap();
            for (at, key, event) in &written {
                let mut rows = WriteRowsBuilder::new(&table(*at));
                rows.begin_row(key, *event, None).unwrap();
                rows.set(0, &[8, u8::try_from(*event).unwrap()]).unwrap();
                store.write(&table(*at), &rows.finish(), WriteGuard::EventTime).await.unwrap();
            }
            let written = written.iter().map(|(_, key, _)| key);
            let keys: Vec<&[u8]> = keys.iter().chain(written).map(Vec::as_slice).collect();
            let asked: Vec<ViewTable> = asked.iter().map(|at| table(*at)).collect();
            let reads: Vec<ViewRead<'_>> =
                asked.iter().map(|table| ViewRead { table, keys: &keys }).collect();
            let together = store.read_views(&reads).await;
            assert_eq!(together.len(), reads.len());
            for (read, together) in reads.iter().zip(together) {
                let (alone, together) = (store.read(read.table, &keys).await.unwrap(), together.unwrap());
                assert_eq!(together.event_timestamps(), alone.event_timestamps());
                assert!(together.column(0).eq(alone.column(0)));
            }
        });
    }
}

#[tokio::test]
async fn rows_of_a_removed_view_go_and_those_beside_them_stay() {
    let (_folder, store) = make();
    let other = ViewTable::new("shop", "others", ["age"]).unwrap();
    store.update(&[table(), other.clone()], &[]).await.unwrap();
    let given = rows(0..25_000, 8);
    store.write(&table(), &given, WriteGuard::EventTime).await.unwrap();
    store.write(&other, &given, WriteGuard::EventTime).await.unwrap();
    store.update(&[], &[table()]).await.unwrap();
    store.update(&[table()], &[]).await.unwrap();
    let (first, last) = (0_u32.to_be_bytes(), 24_999_u32.to_be_bytes());
    let keys = [&first[..], &last[..]];
    assert_eq!(store.read(&table(), &keys).await.unwrap().event_timestamps(), [None, None]);
    assert_eq!(store.read(&other, &keys).await.unwrap().event_timestamps(), [Some(1), Some(1)]);
}
