//! Slots that move from node to node under load: calls may fail and be told to come again, but nothing is lost.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use larder_core::ErrorKind;
use larder_online_store::{
    OnlineStore, RedisConfig, RedisLayout, RedisStore, RedisTopology, ViewTable, WriteGuard,
    WriteRowsBuilder,
};
use larder_proto::wire::value::put_int64;
use larder_tests::{RedisCluster, RedisServer};

use crate::servers::{config, entity_key, open};

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

fn cluster_command(words: &[&str]) -> redis::Cmd {
    let mut command = redis::cmd("CLUSTER");
    command.arg(words);
    command
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
    let (mut source, mut target) = (from.connection(), to.connection());
    let (slot_text, owner) = (slot.to_string(), id(to));
    cluster_command(&["SETSLOT", &slot_text, "IMPORTING", &id(from)]).exec(&mut target).unwrap();
    cluster_command(&["SETSLOT", &slot_text, "MIGRATING", &owner]).exec(&mut source).unwrap();
    loop {
        let next = cluster_command(&["GETKEYSINSLOT", &slot_text, "1"]);
        let keys: Vec<Vec<u8>> = next.query(&mut source).unwrap();
        let Some(key) = keys.first() else { break };
        let mut migrate = redis::cmd("MIGRATE");
        migrate.arg("127.0.0.1").arg(to.port()).arg(key).arg(0).arg(5_000);
        migrate.exec(&mut source).unwrap();
        // Time for readers and writers to meet a slot that is half here and half there.
        std::thread::sleep(Duration::from_millis(3));
    }
    for node in [to, from].into_iter().chain(cluster.nodes()) {
        let told = cluster_command(&["SETSLOT", &slot_text, "NODE", &owner]);
        told.exec(&mut node.connection()).unwrap();
    }
}

/// Moves every group's slot to the next node.
fn move_all(cluster: &RedisCluster) {
    let nodes = cluster.nodes();
    for group in 0..GROUPS {
        let slot = slot_of(&nodes[0], group);
        let owns = |node: &RedisServer| owned(node).iter().any(|range| range.contains(&slot));
        let owner = nodes.iter().position(owns).unwrap();
        move_slot(cluster, slot, &nodes[owner], &nodes[(owner + 1) % nodes.len()]);
    }
}

/// How often the nodes answered with this error, for instance `ASK`.
fn told(cluster: &RedisCluster, error: &str) -> usize {
    let of_node = |node: &RedisServer| -> usize {
        let asked = redis::cmd("INFO").arg("errorstats").query(&mut node.connection());
        let said: String = asked.unwrap();
        let start = format!("errorstat_{error}:count=");
        let count = said.lines().find_map(|line| line.strip_prefix(&start));
        count.map_or(0, |count| count.trim().parse().unwrap())
    };
    cluster.nodes().iter().map(of_node).sum()
}

/// Whether a call that failed may be made again, as a cluster that moves slots asks for.
fn comes_again(error: &larder_core::Error) -> bool {
    matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Deadline)
}

/// Writes every row with this time, again and again until all are acknowledged.
async fn write_all(store: &RedisStore, table: &ViewTable, time: i64) {
    let mut rows = WriteRowsBuilder::new(table);
    for key in keys() {
        rows.begin_row(&key, time, None).unwrap();
        rows.set_with(0, |out| put_int64(time, out)).unwrap();
    }
    let rows = rows.finish();
    while let Err(error) = store.write(table, &rows, WriteGuard::EventTime).await {
        assert!(comes_again(&error), "{error}");
    }
}

/// Writes every row with rising times, and each time an older one behind it, until told to stop; the last time.
async fn write(store: RedisStore, table: ViewTable, stop: Arc<AtomicBool>) -> i64 {
    let mut time = 0;
    while !stop.load(Ordering::Relaxed) {
        time += 1;
        write_all(&store, &table, time).await;
        write_all(&store, &table, time - 1).await;
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
        let answer = match store.read(&table, &keys).await {
            Ok(answer) => answer,
            Err(error) => {
                assert!(comes_again(&error), "{error}");
                continue;
            }
        };
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

async fn check(cluster: &RedisCluster, settings: &RedisConfig, project: &str) {
    let table = ViewTable::new(project, "moved", ["a"]).unwrap();
    write_all(&open(settings), &table, 0).await;
    let (stop, reads) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let writer = tokio::spawn(write(open(settings), table.clone(), Arc::clone(&stop)));
    let reader =
        tokio::spawn(read(open(settings), table.clone(), Arc::clone(&stop), Arc::clone(&reads)));
    let redirected = [told(cluster, "ASK"), told(cluster, "MOVED")];
    tokio::task::block_in_place(|| move_all(cluster));
    stop.store(true, Ordering::Relaxed);
    let (written, read_ended) = (writer.await.unwrap(), reader.await);
    read_ended.unwrap();
    assert!(written > 0 && reads.load(Ordering::Relaxed) > 0, "no load: {written} {reads:?}");
    assert!(told(cluster, "ASK") > redirected[0], "nobody met a slot on its way");
    assert!(told(cluster, "MOVED") > redirected[1], "nobody met a slot that was gone");
    let keys = keys();
    let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
    let answer = open(settings).read(&table, &keys).await.unwrap();
    assert_eq!(answer.event_timestamps(), vec![Some(written); ROWS]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn slots_that_move_under_load_lose_no_row() {
    let cluster = RedisCluster::start();
    let settings = config(RedisTopology::Cluster, &cluster.connection_string());
    for (layout, project) in [(RedisLayout::Feast, "feast"), (RedisLayout::Packed, "packed")] {
        check(&cluster, &RedisConfig { layout, ..settings.clone() }, project).await;
    }
}
