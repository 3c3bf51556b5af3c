//! Slots that move from node to node under load: no call fails, and nothing is lost.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use larder_online_store::{
    LayoutMigration, MigratedRows, OnlineStore, RedisConfig, RedisLayout, RedisStore,
    RedisTopology, ViewTable, WriteGuard, WriteRowsBuilder, WriteSummary,
};
use larder_proto::wire::value::put_int64;
use larder_tests::{RedisCluster, RedisServer};

use crate::servers::{cluster_command, config, entity_key, open, told};

/// Slots that hold rows, over all nodes.
const GROUPS: u32 = 9;

/// Rows of a slot: enough for a slot to be half here and half there for a while.
const ROWS_PER_GROUP: u32 = 25;

const ROWS: usize = (GROUPS * ROWS_PER_GROUP) as usize;

/// Entity keys whose braces put the rows of a group into one slot.
fn keys() -> Vec<Vec<u8>> {
    let group = |group: u32| {
        (0..ROWS_PER_GROUP).map(move |row| entity_key(format!("{{{group}}}{row}").as_bytes()))
    };
    (0..GROUPS).flat_map(group).collect()
}

fn id(node: &RedisServer) -> String {
    cluster_command(&["MYID"]).query(&mut node.connection()).unwrap()
}

fn slot_of(node: &RedisServer, group: u32) -> u16 {
    let key = format!("{{{group}}}");
    cluster_command(&["KEYSLOT", &key]).query(&mut node.connection()).unwrap()
}

/// Slots that a node owns.
fn owned(node: &RedisServer) -> Vec<Range<u16>> {
    let me = id(node);
    let nodes: String = cluster_command(&["NODES"]).query(&mut node.connection()).unwrap();
    let line = nodes.lines().find(|line| line.starts_with(&me)).unwrap();
    let slots = line.split(' ').skip(8).filter(|word| !word.starts_with('['));
    slots
        .map(|word| {
            let (first, last) = word.split_once('-').unwrap_or((word, word));
            first.parse().unwrap()..last.parse::<u16>().unwrap() + 1
        })
        .collect()
}

/// Moves a slot with its keys, as an operator's tool does: both ends know, keys move one by one, everybody learns.
fn move_slot(cluster: &RedisCluster, slot: u16, from: &RedisServer, to: &RedisServer) {
    open_slot(slot, from, to);
    while move_key(slot, from, to) {
        // Time for readers and writers to meet a slot that is half here and half there.
        std::thread::sleep(Duration::from_millis(3));
    }
    close_slot(cluster, slot, from, to);
}

fn open_slot(slot: u16, from: &RedisServer, to: &RedisServer) {
    let slot = slot.to_string();
    let importing = cluster_command(&["SETSLOT", &slot, "IMPORTING", &id(from)]);
    importing.exec(&mut to.connection()).unwrap();
    let migrating = cluster_command(&["SETSLOT", &slot, "MIGRATING", &id(to)]);
    migrating.exec(&mut from.connection()).unwrap();
}

/// Moves one key; false when there is none left.
fn move_key(slot: u16, from: &RedisServer, to: &RedisServer) -> bool {
    let mut source = from.connection();
    let next = cluster_command(&["GETKEYSINSLOT", &slot.to_string(), "1"]);
    let keys: Vec<Vec<u8>> = next.query(&mut source).unwrap();
    let Some(key) = keys.first() else { return false };
    let mut migrate = redis::cmd("MIGRATE");
    migrate.arg("127.0.0.1").arg(to.port()).arg(key).arg(0).arg(5_000);
    migrate.exec(&mut source).unwrap();
    true
}

fn close_slot(cluster: &RedisCluster, slot: u16, from: &RedisServer, to: &RedisServer) {
    for node in [to, from].into_iter().chain(cluster.nodes()) {
        let told = cluster_command(&["SETSLOT", &slot.to_string(), "NODE", &id(to)]);
        told.exec(&mut node.connection()).unwrap();
    }
}

/// The owner of a group's slot, and the node after it.
fn owner_and_next(cluster: &RedisCluster, slot: u16) -> [&RedisServer; 2] {
    let nodes = cluster.nodes();
    let owns = |node: &RedisServer| owned(node).iter().any(|range| range.contains(&slot));
    let owner = nodes.iter().position(owns).unwrap();
    [&nodes[owner], &nodes[(owner + 1) % nodes.len()]]
}

/// Moves every group's slot to the next node.
fn move_all(cluster: &RedisCluster) {
    for group in 0..GROUPS {
        let slot = slot_of(&cluster.nodes()[0], group);
        let [owner, next] = owner_and_next(cluster, slot);
        move_slot(cluster, slot, owner, next);
    }
}

async fn write_all(store: &RedisStore, table: &ViewTable, time: i64) -> WriteSummary {
    let mut rows = WriteRowsBuilder::new(table);
    for key in keys() {
        rows.begin_row(&key, time, None).unwrap();
        rows.set_with(0, |out| put_int64(time, out)).unwrap();
    }
    store.write(table, &rows.finish(), WriteGuard::EventTime).await.unwrap()
}

/// Writes every row with rising times, and each time an older one behind it, until told to stop; the last time.
async fn write(store: RedisStore, table: ViewTable, stop: Arc<AtomicBool>) -> i64 {
    let mut time = 0;
    while !stop.load(Ordering::Relaxed) {
        time += 1;
        let newer = write_all(&store, &table, time).await;
        assert_eq!(newer, WriteSummary { written: ROWS, skipped_older: 0 }, "at {time}");
        let older = write_all(&store, &table, time - 1).await;
        assert_eq!(older, WriteSummary { written: 0, skipped_older: ROWS }, "behind {time}");
    }
    time
}

/// Reads every row until told to stop: none is absent, torn or older than before.
async fn read(store: RedisStore, table: ViewTable, stop: Arc<AtomicBool>, reads: Arc<AtomicUsize>) {
    let keys = keys();
    let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
    let mut seen = vec![0; keys.len()];
    let mut value = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let answer = store.read(&table, &keys).await.unwrap();
        for (row, seen) in seen.iter_mut().enumerate() {
            let time = answer.event_timestamp(row).expect("no row is absent");
            assert!(time >= *seen, "{time} after {seen}");
            value.clear();
            put_int64(time, &mut value);
            assert_eq!(answer.cell(row, 0).bytes(), Some(value.as_slice()), "torn");
            *seen = time;
        }
        reads.fetch_add(1, Ordering::Relaxed);
    }
}

/// Writes rows under new keys without guard until told to stop; how many.
async fn make(store: RedisStore, table: ViewTable, stop: Arc<AtomicBool>) -> usize {
    let mut made = 0;
    while !stop.load(Ordering::Relaxed) {
        let mut rows = WriteRowsBuilder::new(&table);
        for group in 0..GROUPS {
            rows.begin_row(&entity_key(format!("{{{group}}}new{made}").as_bytes()), 1, None)
                .unwrap();
            rows.set_with(0, |out| put_int64(1, out)).unwrap();
            made += 1;
        }
        store.write(&table, &rows.finish(), WriteGuard::LastWriteWins).await.unwrap();
        // They have to be moved too.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    made
}

/// How many keys of a project there are, and how many of them go by themselves.
fn keys_with_time_to_live(cluster: &RedisCluster, project: &str) -> [usize; 2] {
    let mut counts = [0, 0];
    for node in cluster.nodes() {
        let mut connection = node.connection();
        let mut all = redis::cmd("KEYS");
        let keys: Vec<Vec<u8>> = all.arg(format!("*{project}")).query(&mut connection).unwrap();
        for key in keys {
            let left: i64 = redis::cmd("TTL").arg(&key).query(&mut connection).unwrap();
            counts[0] += 1;
            counts[1] += usize::from(left > 0);
        }
    }
    counts
}

async fn check(cluster: &RedisCluster, settings: &RedisConfig, project: &str) {
    let table = ViewTable::new(project, "moved", ["a"]).unwrap();
    write_all(&open(settings), &table, 0).await;
    let (stop, reads) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let writer = tokio::spawn(write(open(settings), table.clone(), Arc::clone(&stop)));
    let reader =
        tokio::spawn(read(open(settings), table.clone(), Arc::clone(&stop), Arc::clone(&reads)));
    let mortal = ViewTable::new(format!("{project}_mortal"), "moved", ["a"]).unwrap();
    let with_time_to_live = RedisConfig { key_ttl_seconds: Some(3_600), ..settings.clone() };
    let maker = tokio::spawn(make(open(&with_time_to_live), mortal.clone(), Arc::clone(&stop)));
    let redirected = [told(cluster, "ASK"), told(cluster, "MOVED")];
    tokio::task::block_in_place(|| move_all(cluster));
    stop.store(true, Ordering::Relaxed);
    let (written, read_ended, made) = (writer.await.unwrap(), reader.await, maker.await.unwrap());
    read_ended.unwrap();
    assert_eq!(keys_with_time_to_live(cluster, mortal.project()), [made; 2]);
    assert!(written > 9 && reads.load(Ordering::Relaxed) > 9, "no load: {written} {reads:?}");
    assert!(told(cluster, "ASK") > redirected[0], "nobody met a slot on its way");
    assert!(told(cluster, "MOVED") > redirected[1], "nobody met a slot that was gone");
    let keys = keys();
    let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
    let answer = open(settings).read(&table, &keys).await.unwrap();
    assert_eq!(answer.event_timestamps(), vec![Some(written); ROWS]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn slots_that_move_under_load_lose_no_row_and_fail_no_call() {
    let cluster = RedisCluster::start();
    let settings = config(RedisTopology::Cluster, &cluster.connection_string());
    for (layout, project) in [(RedisLayout::Feast, "feast"), (RedisLayout::Packed, "packed")] {
        check(&cluster, &RedisConfig { layout, ..settings.clone() }, project).await;
    }
}

/// Runs `walk` while a slot is on its way: it must not end before the slot has arrived.
async fn while_a_slot_moves<T: std::fmt::Debug + Send + 'static>(
    cluster: &RedisCluster,
    walk: impl Future<Output = T> + Send + 'static,
) -> T {
    let slot = slot_of(&cluster.nodes()[0], 0);
    let [from, to] = owner_and_next(cluster, slot);
    open_slot(slot, from, to);
    assert!(move_key(slot, from, to));
    let walk = tokio::spawn(walk);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!walk.is_finished(), "keys may have been overlooked: {:?}", walk.await);
    while move_key(slot, from, to) {}
    close_slot(cluster, slot, from, to);
    walk.await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_rows_are_found_while_a_slot_moves() {
    let cluster = RedisCluster::start();
    let settings = config(RedisTopology::Cluster, &cluster.connection_string());
    let packed = open(&RedisConfig { layout: RedisLayout::Packed, ..settings.clone() });
    let table = ViewTable::new("shop", "moved", ["a"]).unwrap();
    write_all(&open(&settings), &table, 7).await;

    let rows = ROWS as u64;
    let (tables, to) = ([table.clone()], RedisLayout::Packed);
    let found = MigratedRows { found: rows, ..MigratedRows::default() };
    let (counting, counted) = (packed.clone(), tables.clone());
    let dry = LayoutMigration { to, keep: false, dry_run: true };
    let count = async move { counting.migrate(&counted, dry, &|_| {}).await };
    assert_eq!(while_a_slot_moves(&cluster, count).await.unwrap(), [found]);

    let (moving, moved) = (packed.clone(), tables.clone());
    let migration = LayoutMigration { to, keep: false, dry_run: false };
    let migrate = async move { moving.migrate(&moved, migration, &|_| {}).await };
    let all = MigratedRows { written: rows, removed: rows, ..found };
    assert_eq!(while_a_slot_moves(&cluster, migrate).await.unwrap(), [all]);
    let keys = keys();
    let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
    let answer = packed.read(&table, &keys).await.unwrap();
    assert_eq!(answer.event_timestamps(), vec![Some(7); ROWS]);

    let removing = packed.clone();
    let remove = async move { removing.teardown(&tables).await };
    while_a_slot_moves(&cluster, remove).await.unwrap();
    assert_eq!(keys_with_time_to_live(&cluster, "shop"), [0, 0]);
}
