//! A replica takes over the slots of its primary, as planned and after a crash.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use larder_core::{ErrorKind, Result};
use larder_online_store::{
    OnlineStore, RedisConfig, RedisStore, RedisTopology, ViewTable, WriteGuard, WriteRows,
    WriteRowsBuilder,
};
use larder_tests::{RedisCluster, RedisServer};

use crate::servers::{config, entity_key, open, project};

const ROWS: u32 = 60;

fn keys() -> Vec<Vec<u8>> {
    (0..ROWS).map(|row| entity_key(&row.to_be_bytes())).collect()
}

fn table() -> ViewTable {
    ViewTable::new(project(), "users", ["age"]).unwrap()
}

fn rows(table: &ViewTable, keys: &[Vec<u8>], time: i64) -> WriteRows {
    let mut rows = WriteRowsBuilder::new(table);
    for key in keys {
        rows.begin_row(key, time, None).unwrap();
        rows.set(0, &[0x20, 7]).unwrap();
    }
    rows.finish()
}

async fn read(store: &RedisStore, table: &ViewTable, keys: &[Vec<u8>]) -> Result<Vec<Option<i64>>> {
    let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
    Ok(store.read(table, &keys).await?.event_timestamps().to_vec())
}

fn settings(cluster: &RedisCluster) -> RedisConfig {
    let text =
        format!("{},socket_timeout=1,socket_connect_timeout=0.5", cluster.connection_string());
    config(RedisTopology::Cluster, &text)
}

/// Waits until the replica has what its primary has.
fn settle(cluster: &RedisCluster) {
    let mut primary = cluster.nodes()[0].connection();
    let replicas: usize = redis::cmd("WAIT").arg(1).arg(10_000).query(&mut primary).unwrap();
    assert_eq!(replicas, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_that_is_killed_is_missed_at_once_and_its_replica_found() {
    let mut cluster = RedisCluster::start_with_replica(Duration::from_secs(2));
    let (store, table, keys) = (open(&settings(&cluster)), table(), keys());
    store.write(&table, &rows(&table, &keys, 5), WriteGuard::EventTime).await.unwrap();
    assert_eq!(read(&store, &table, &keys).await.unwrap(), vec![Some(5); keys.len()]);
    settle(&cluster);
    cluster.kill_first();
    let (killed, mut failed) = (Instant::now(), 0);
    loop {
        let asked = Instant::now();
        let written = store.write(&table, &rows(&table, &keys, 6), WriteGuard::EventTime).await;
        let read = read(&store, &table, &keys).await;
        // Two calls.
        assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
        let errors = [written.map(drop).err(), read.map(drop).err()];
        if errors.iter().all(Option::is_none) {
            break;
        }
        for error in errors.iter().flatten() {
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
            failed += 1;
        }
        assert!(killed.elapsed() < Duration::from_mins(1), "the replica is not found: {errors:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(failed > 0, "nobody missed the primary");
    assert_eq!(read(&store, &table, &keys).await.unwrap(), vec![Some(6); keys.len()]);
    // A client that comes only now has a dead node among those to ask first.
    let late = open(&settings(&cluster));
    assert_eq!(read(&late, &table, &keys).await.unwrap(), vec![Some(6); keys.len()]);
    late.health().await.unwrap();
    store.teardown(std::slice::from_ref(&table)).await.unwrap();
    assert_eq!(read(&late, &table, &keys).await.unwrap(), vec![None; keys.len()]);
}

/// Writes rising times and reads them back until told to stop; the last time.
async fn work(
    store: RedisStore,
    table: ViewTable,
    stop: Arc<AtomicBool>,
    rounds: Arc<AtomicUsize>,
) -> i64 {
    let (keys, mut time) = (keys(), 0);
    while !stop.load(Ordering::Relaxed) {
        time += 1;
        store.write(&table, &rows(&table, &keys, time), WriteGuard::EventTime).await.unwrap();
        let found = read(&store, &table, &keys).await.unwrap();
        assert_eq!(found, vec![Some(time); keys.len()]);
        rounds.fetch_add(1, Ordering::Relaxed);
    }
    time
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_planned_failover_under_load_fails_no_call_and_loses_no_row() {
    let cluster = RedisCluster::start_with_replica(Duration::from_mins(1));
    let text = format!("{},socket_timeout=20", cluster.connection_string());
    let (store, table) = (open(&config(RedisTopology::Cluster, &text)), table());
    let (stop, rounds) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let working =
        tokio::spawn(work(store.clone(), table.clone(), Arc::clone(&stop), Arc::clone(&rounds)));
    let some_rounds = |more: usize| {
        let enough = rounds.load(Ordering::Relaxed) + more;
        while rounds.load(Ordering::Relaxed) < enough && !working.is_finished() {
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    tokio::task::block_in_place(|| {
        some_rounds(5);
        cluster.fail_over();
        some_rounds(5);
    });
    stop.store(true, Ordering::Relaxed);
    let written = working.await.unwrap();
    assert_eq!(read(&store, &table, &keys()).await.unwrap(), vec![Some(written); keys().len()]);
}

/// How many look-ups a node answered.
fn look_ups(node: &RedisServer) -> usize {
    let mut info = redis::cmd("INFO");
    let said: String = info.arg("commandstats").query(&mut node.connection()).unwrap();
    let count = said.lines().find_map(|line| line.strip_prefix("cmdstat_hmget:calls="));
    count.and_then(|count| count.split(',').next()).map_or(0, |count| count.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_answer_reads_only_where_they_may() {
    let cluster = RedisCluster::start_with_replica(Duration::from_mins(1));
    let (table, keys) = (table(), keys());
    let of_primaries = open(&settings(&cluster));
    of_primaries.write(&table, &rows(&table, &keys, 5), WriteGuard::EventTime).await.unwrap();
    settle(&cluster);
    cluster.wait_for_replica();
    for read_from_replicas in [false, true] {
        let store = open(&RedisConfig { read_from_replicas, ..settings(&cluster) });
        let before = [look_ups(cluster.replica()), look_ups(&cluster.nodes()[0])];
        assert_eq!(read(&store, &table, &keys).await.unwrap(), vec![Some(5); keys.len()]);
        let after = [look_ups(cluster.replica()), look_ups(&cluster.nodes()[0])];
        assert_eq!(
            [before[0] < after[0], before[1] < after[1]],
            [read_from_replicas, !read_from_replicas]
        );
        store.write(&table, &rows(&table, &keys, 5), WriteGuard::EventTime).await.unwrap();
    }
}
