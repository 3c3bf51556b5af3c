//! Writers that race: whatever they do, no row moves backwards and no row is torn.

use std::sync::Arc;

use larder_core::{FeatureView, Field, ValueType};
use larder_online_store::{
    OnlineStore, RedisConfig, RedisGuard, RedisLayout, ViewTable, WriteGuard, WriteRowsBuilder,
};
use larder_proto::wire::value::put_int64;
use proptest::prelude::*;

use crate::servers::{cluster, open, project, single};

const KEYS: u8 = 3;

/// A row: key, event time in microseconds, and whether it carries both features or the first only.
type Given = (u8, i64, bool);

fn table(project: &str) -> ViewTable {
    ViewTable::new(project, "raced", ["a", "b"]).unwrap()
}

fn key(number: u8) -> Vec<u8> {
    crate::servers::entity_key(&[number])
}

/// Times of both signs, also those that differ by a microsecond or lie beyond 2^53 microseconds.
fn any_time() -> impl Strategy<Value = i64> {
    prop_oneof![
        -3..4_i64,
        (-3..4_i64).prop_map(|n| n * 1_000_000),
        (-3..4_i64).prop_map(|n| 1_767_225_600_000_000 + n),
        (0..4_i64).prop_map(|n| (1 << 54) + n),
        (0..4_i64).prop_map(|n| -(1 << 54) - n),
        (0..4_i64).prop_map(|n| i64::MAX - n),
        (0..4_i64).prop_map(|n| i64::MIN + n),
    ]
}

fn any_writes() -> impl Strategy<Value = Vec<Vec<Given>>> {
    let row = (0..KEYS, any_time(), any::<bool>());
    proptest::collection::vec(proptest::collection::vec(row, 1..6), 2..6)
}

fn values(time: i64, both: bool) -> [Option<Vec<u8>>; 2] {
    let mut value = Vec::new();
    put_int64(time, &mut value);
    [Some(value.clone()), both.then_some(value)]
}

/// Every writer has connections of its own and writes its rows in calls of one or several rows; with so many rows of
/// other keys besides, which all writers share: a few rows are left to a script, many begin as a transaction.
async fn race(
    config: &RedisConfig,
    tables: &[ViewTable],
    writers: &[Vec<Given>],
    besides: u8,
) -> Result<(), TestCaseError> {
    let tasks: Vec<_> = writers
        .iter()
        .zip(tables.iter().cycle())
        .map(|(rows, table)| {
            let (store, table, rows) = (open(config), table.clone(), rows.clone());
            tokio::spawn(async move {
                for call in rows.chunks(2) {
                    let mut given = WriteRowsBuilder::new(&table);
                    let others = (KEYS..KEYS + besides).map(|number| (number, call[0].1, true));
                    for (number, time, both) in call.iter().copied().chain(others) {
                        given.begin_row(&key(number), time, None).unwrap();
                        for (feature, value) in values(time, both).iter().enumerate() {
                            if let Some(value) = value {
                                given.set(feature, value).unwrap();
                            }
                        }
                    }
                    store.write(&table, &given.finish(), WriteGuard::EventTime).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let store = open(config);
    let keys: Vec<Vec<u8>> = (0..KEYS).map(key).collect();
    let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
    let answer = store.read(&tables[0], &keys).await.unwrap();
    for number in 0..KEYS {
        let times = writers.iter().flatten().filter(|row| row.0 == number).map(|row| row.1);
        let newest = times.max();
        let row = usize::from(number);
        prop_assert_eq!(answer.event_timestamp(row), newest);
        if let Some(newest) = newest {
            let [expected, _] = values(newest, true);
            prop_assert_eq!(answer.cell(row, 0).bytes(), expected.as_deref());
        }
    }
    store.teardown(&tables[..1]).await.unwrap();
    Ok(())
}

/// The same view as processes know it that were deployed at different times.
fn tables(project: &str) -> [ViewTable; 4] {
    let field = |name: &&str| Field::new(*name, ValueType::Int64);
    let registered = |names: &[&str]| {
        let features = names.iter().map(field).collect();
        let view = FeatureView { features, ..FeatureView::new("raced") };
        ViewTable::of_view(project, "raced", &view, &view.features).unwrap()
    };
    [table(project), registered(&["a", "b"]), registered(&["a", "b", "c"]), table(project)]
}

fn check(config: &RedisConfig, writers: &[Vec<Given>], besides: u8) -> Result<(), TestCaseError> {
    check_of(config, &[table(&project())], writers, besides)
}

fn check_of(
    config: &RedisConfig,
    tables: &[ViewTable],
    writers: &[Vec<Given>],
    besides: u8,
) -> Result<(), TestCaseError> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(race(config, tables, writers, besides))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_newest_row_stays_in_feasts_layout(writers in any_writes()) {
        check(&single(), &writers, 0)?;
        check(&single(), &writers, 9)?;
    }

    #[test]
    fn the_newest_row_stays_in_the_packed_layout(writers in any_writes()) {
        check(&RedisConfig { layout: RedisLayout::Packed, ..single() }, &writers, 0)?;
    }

    #[test]
    fn the_newest_row_stays_while_the_schema_changes(writers in any_writes()) {
        let config = RedisConfig { layout: RedisLayout::Packed, ..single() };
        check_of(&config, &tables(&project()), &writers, 0)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn the_newest_row_stays_in_a_cluster(writers in any_writes()) {
        check(&cluster(), &writers, 9)?;
    }
}

/// Writes rows of several keys, in calls of so many rows; how many were written.
async fn written(config: &RedisConfig, table: &ViewTable, times: &[i64], per_call: usize) -> usize {
    let (store, mut written) = (open(config), 0);
    let rows: Vec<_> = (0..).map(key).zip(times).collect();
    for call in rows.chunks(per_call) {
        let mut given = WriteRowsBuilder::new(table);
        for (key, time) in call {
            given.begin_row(key, **time, None).unwrap();
            given.set(0, values(**time, false)[0].as_ref().unwrap()).unwrap();
        }
        let summary = store.write(table, &given.finish(), WriteGuard::EventTime).await.unwrap();
        written += summary.written;
    }
    written
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_transaction_decides_as_the_script_does(
        stored in proptest::collection::vec(any_time(), 20),
        incoming in proptest::collection::vec(any_time(), 20),
        guard in prop_oneof![Just(RedisGuard::EventTime), Just(RedisGuard::Feast)],
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let config = RedisConfig { guard, ..single() };
        let keys: Vec<Vec<u8>> = (0..20).map(key).collect();
        let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
        let outcome = |per_call| {
            let table = table(&project());
            let (config, keys, stored, incoming) = (&config, &keys, &stored, &incoming);
            async move {
                written(config, &table, stored, per_call).await;
                let count = written(config, &table, incoming, per_call).await;
                let store = open(config);
                let rows = store.read(&table, keys).await.unwrap();
                store.teardown(&[table]).await.unwrap();
                (count, rows.event_timestamps().to_vec())
            }
        };
        let (by_script, by_transaction) =
            runtime.block_on(async { (outcome(1).await, outcome(20).await) });
        prop_assert_eq!(by_script, by_transaction);
    }
}

/// A reader that follows writers of rising and falling times never sees one fall, in either layout.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_never_sees_a_row_move_backwards() {
    for layout in [RedisLayout::Feast, RedisLayout::Packed] {
        let config = RedisConfig { layout, ..single() };
        let table = table(&project());
        let done = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let writers: Vec<_> = (0..4_i64)
            .map(|writer| {
                let (store, table, done) = (open(&config), table.clone(), Arc::clone(&done));
                tokio::spawn(async move {
                    for n in 0..100_i64 {
                        let time = (n * 37 + writer * 11) % 100 * 4 + writer;
                        let mut rows = WriteRowsBuilder::new(&table);
                        rows.begin_row(&key(0), time, None).unwrap();
                        for (feature, value) in values(time, true).iter().flatten().enumerate() {
                            rows.set(feature, value).unwrap();
                        }
                        store.write(&table, &rows.finish(), WriteGuard::EventTime).await.unwrap();
                    }
                    done.fetch_add(1, std::sync::atomic::Ordering::Release);
                })
            })
            .collect();
        let store = open(&config);
        let mut last = None;
        while done.load(std::sync::atomic::Ordering::Acquire) < writers.len() {
            let answer = store.read(&table, &[&key(0)]).await.unwrap();
            let seen = answer.event_timestamp(0);
            assert!(seen >= last, "{seen:?} after {last:?}");
            assert_eq!(answer.cell(0, 0), answer.cell(0, 1), "torn at {seen:?}");
            last = seen;
        }
        for writer in writers {
            writer.await.unwrap();
        }
        let answer = store.read(&table, &[&key(0)]).await.unwrap();
        assert_eq!(answer.event_timestamp(0), Some(99 * 4 + 3));
    }
}
