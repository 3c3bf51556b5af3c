//! What only a cluster can do to a client: name the nodes of its slots, rightly and wrongly, and want a user on each.

use std::time::{Duration, Instant};

use larder_core::ErrorKind;
use larder_online_store::{
    OnlineStore, RedisConfig, RedisLayout, RedisTopology, ViewTable, WriteGuard, WriteRowsBuilder,
};
use larder_tests::RedisCluster;

use crate::failures::{row, users};
use crate::servers::{cluster_command, config, entity_key, open, told};

/// Entity keys of any bytes, many of them with braces: a byte is what is left of a product.
fn keys() -> Vec<Vec<u8>> {
    let byte = |seed: u32| match seed % 5 {
        0 => b'{',
        1 => b'}',
        _ => (seed >> 13).to_be_bytes()[3],
    };
    let key = |number: u32| -> Vec<u8> {
        (0..number % 17)
            .map(|at| byte((number * 31 + at).wrapping_mul(2_654_435_761) >> 7))
            .collect()
    };
    let unlike = |number: u32| entity_key(&[&key(number)[..], &number.to_be_bytes()].concat());
    (0..2_000).map(unlike).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_key_finds_its_node_at_once() {
    let cluster = RedisCluster::start();
    let settings = config(RedisTopology::Cluster, &cluster.connection_string());
    let keys = keys();
    let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
    for (layout, project) in [(RedisLayout::Feast, "{feast}"), (RedisLayout::Packed, "pa}cked")] {
        let store = open(&RedisConfig { layout, ..settings.clone() });
        let table = ViewTable::new(project, "braces", ["age"]).unwrap();
        let mut rows = WriteRowsBuilder::new(&table);
        for (time, key) in (1_i64..).zip(&keys) {
            rows.begin_row(key, time, None).unwrap();
            rows.set(0, &[0x20, 7]).unwrap();
        }
        let rows = rows.finish();
        for guard in [WriteGuard::LastWriteWins, WriteGuard::EventTime] {
            assert_eq!(store.write(&table, &rows, guard).await.unwrap().written, keys.len());
        }
        let answer = store.read(&table, &keys).await.unwrap();
        let times: Vec<Option<i64>> = (1_i64..).take(keys.len()).map(Some).collect();
        assert_eq!(answer.event_timestamps(), times);
    }
    assert_eq!(told(&cluster, "MOVED"), 0, "a key was looked for on another node than Redis does");
}

/// An entity key whose row the first node has.
fn key_of_the_first(cluster: &RedisCluster, table: &ViewTable) -> Vec<u8> {
    let mut connection = cluster.nodes()[0].connection();
    let mut is_there = |key: &Vec<u8>| {
        let mut exists = redis::cmd("EXISTS");
        exists.arg([key.as_slice(), table.project().as_bytes()].concat());
        exists.query::<bool>(&mut connection).is_ok()
    };
    (0..=u8::MAX).map(|byte| entity_key(&[byte])).find(|key| is_there(key)).unwrap()
}

/// Has the first two nodes say of each other that it has the slot of a key.
fn contradict(cluster: &RedisCluster, key: &[u8]) {
    let mut nodes = [0, 1].map(|node: usize| cluster.nodes()[node].connection());
    let slot: u16 = cluster_command(&["KEYSLOT"]).arg(key).query(&mut nodes[0]).unwrap();
    let ids: [String; 2] =
        nodes.each_mut().map(|node| cluster_command(&["MYID"]).query(node).unwrap());
    for (node, other) in nodes.iter_mut().zip(ids.iter().rev()) {
        cluster_command(&["SETSLOT", &slot.to_string(), "NODE", other]).exec(node).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_name_one_another_are_not_asked_for_ever() {
    let cluster = RedisCluster::start();
    let settings = config(RedisTopology::Cluster, &cluster.connection_string());
    let (store, table) = (open(&settings), users());
    let key = key_of_the_first(&cluster, &table);
    assert_eq!(store.read(&table, &[&key]).await.unwrap().event_timestamp(0), None);
    let row_key = [key.as_slice(), table.project().as_bytes()].concat();
    for _ in 0..3 {
        contradict(&cluster, &row_key);
        let (before, asked) = (told(&cluster, "MOVED"), Instant::now());
        let error = store.read(&table, &[&key]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        let (redirected, took) = (told(&cluster, "MOVED") - before, asked.elapsed());
        assert!((2..=10).contains(&redirected), "{redirected} redirections");
        assert!(took < Duration::from_secs(4), "{took:?}");
    }
    // The others are not held up.
    let other = users();
    let key = key_of_the_first(&cluster, &other);
    store.write(&other, &row(&other, &key, 5), WriteGuard::EventTime).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_left_the_cluster_is_not_believed() {
    let cluster = RedisCluster::start();
    let alone = RedisCluster::start_alone();
    let text = format!("{},{}", alone.address(), cluster.connection_string());
    let (store, table) = (open(&config(RedisTopology::Cluster, &text)), users());
    let key = entity_key(b"k");
    store.write(&table, &row(&table, &key, 5), WriteGuard::EventTime).await.unwrap();
    assert_eq!(store.read(&table, &[&key]).await.unwrap().event_timestamp(0), Some(5));
    // By itself it serves nothing, and says so in time.
    let nothing = open(&config(RedisTopology::Cluster, &alone.address()));
    let error = nothing.read(&table, &[&key]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_with_the_documented_permissions_works_on_every_node() {
    let user = ["--user", "shop", "on", ">hunter2", "~*"];
    let permissions = [
        "+ping",
        "+select",
        "+hmget",
        "+hget",
        "+hset",
        "+hdel",
        "+hkeys",
        "+del",
        "+expire",
        "+scan",
        "+evalsha",
        "+eval",
        "+asking",
        "+cluster|slots",
        "+cluster|nodes",
    ];
    let options = [&user[..], &permissions].concat();
    let cluster = RedisCluster::start_with(&options);
    let text = format!("{},username=shop,password=hunter2", cluster.connection_string());
    let (store, table) = (open(&config(RedisTopology::Cluster, &text)), users());
    for number in 0..12_u8 {
        let key = entity_key(&[number]);
        store.write(&table, &row(&table, &key, 1), WriteGuard::EventTime).await.unwrap();
        assert_eq!(store.read(&table, &[&key]).await.unwrap().event_timestamp(0), Some(1));
    }
    store.teardown(std::slice::from_ref(&table)).await.unwrap();
    for node in cluster.nodes() {
        let mut list = redis::cmd("CLIENT");
        let clients: String = list.arg("LIST").query(&mut node.connection()).unwrap();
        assert!(clients.contains("user=shop"), "{clients}");
    }
    let wrong = format!("{},username=shop,password=hunter3", cluster.connection_string());
    let error = open(&config(RedisTopology::Cluster, &wrong)).health().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    assert!(!format!("{error:?} {error}").contains("hunter"), "{error:?}");
}
