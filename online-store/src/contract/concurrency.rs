use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::fixture::{Row, Store, expect, expect_row, int, make, read, rows, write};
use crate::{GuardScope, WriteGuard};

const WRITERS: i64 = 16;

/// Writers of different keys of one view do not disturb each other.
pub async fn concurrent_writers_lose_nothing(store: &Store) {
    let table = make(store, "writers", &["a"]).await;
    let tasks: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (store, table) = (store.clone(), table.clone());
            tokio::spawn(async move {
                for n in 0..20 {
                    let key = format!("{writer}/{n}");
                    let given = rows(&table, &[Row::new(key, n, [int(writer * 100 + n)])]);
                    store.write(&table, &given, WriteGuard::EventTime).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    for writer in 0..WRITERS {
        for n in 0..20 {
            let expected = int(writer * 100 + n);
            expect(store, &table, format!("{writer}/{n}"), n, &[expected]).await;
        }
    }
}

/// Whatever the order in which writers of one key arrive, the newest row stays; without a guard across calls, one of
/// them as a whole.
pub async fn concurrent_writers_of_one_key_leave_the_newest_row(store: &Store) {
    let table = make(store, "one_key", &["a", "b"]).await;
    let tasks: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (store, table) = (store.clone(), table.clone());
            tokio::spawn(async move {
                for n in 0..20 {
                    // Every writer walks the times in an order of its own.
                    let event = (n * 7 + writer * 3) % 20 * WRITERS + writer;
                    let given = rows(&table, &[Row::new("k", event, [int(event), int(event)])]);
                    store.write(&table, &given, WriteGuard::EventTime).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let shown = match store.guard_scope() {
        GuardScope::Row | GuardScope::Value => 20 * WRITERS - 1,
        GuardScope::Call => {
            read(store, &table, &["k"]).await.event_timestamp(0).unwrap() / 1_000_000
        }
    };
    expect(store, &table, "k", shown, &[int(shown), int(shown)]).await;
}

/// A read shows every row as one write left it, and never an older one than the read before.
pub async fn readers_see_whole_rows_while_others_write(store: &Store) {
    let table = make(store, "whole", &["a", "b"]).await;
    write(store, &table, &[Row::new("k", 0, [int(0), int(0)])]).await;
    let done = Arc::new(AtomicBool::new(false));
    let writer = {
        let (store, table, done) = (store.clone(), table.clone(), Arc::clone(&done));
        tokio::spawn(async move {
            for n in 1..100 {
                let given = rows(&table, &[Row::new("k", n, [int(n), int(n)])]);
                store.write(&table, &given, WriteGuard::EventTime).await.unwrap();
            }
            done.store(true, Ordering::Release);
        })
    };
    let mut last = 0;
    while !done.load(Ordering::Acquire) {
        let answer = read(store, &table, &["k"]).await;
        let seconds = answer.event_timestamp(0).unwrap() / 1_000_000;
        assert!(seconds >= last, "{seconds} after {last}");
        expect_row(&answer, 0, Some(seconds), &[int(seconds), int(seconds)]);
        last = seconds;
        tokio::task::yield_now().await;
    }
    writer.await.unwrap();
    expect(store, &table, "k", 99, &[int(99), int(99)]).await;
}
