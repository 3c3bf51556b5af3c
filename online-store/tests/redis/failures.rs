//! What a server can do to a client: stop, come back, say nothing, ask who it is, hold damaged bytes.

use std::time::{Duration, Instant};

use larder_core::ErrorKind;
use larder_online_store::{
    OnlineStore, RedisConfig, RedisLayout, RedisTopology, ViewRead, ViewTable, WriteGuard,
    WriteRows, WriteRowsBuilder,
};
use larder_proto::wire::check::is_readable;
use larder_tests::{RedisSentinel, RedisServer};

use crate::servers::{config, entity_key, master, open, project, single};

pub(crate) fn users() -> ViewTable {
    ViewTable::new(project(), "users", ["age"]).unwrap()
}

pub(crate) fn row(table: &ViewTable, key: &[u8], micros: i64) -> WriteRows {
    let mut rows = WriteRowsBuilder::new(table);
    rows.begin_row(key, micros, None).unwrap();
    rows.set(0, &[0x20, 7]).unwrap();
    rows.finish()
}

/// The row and a dozen of other keys: enough for a transaction.
fn many(table: &ViewTable, key: &[u8], micros: i64) -> WriteRows {
    let mut rows = WriteRowsBuilder::new(table);
    let others = (0..12_u8).map(|number| entity_key(&[b'o', number]));
    for key in others.chain([key.to_vec()]) {
        rows.begin_row(&key, micros, None).unwrap();
        rows.set(0, &[0x20, 7]).unwrap();
    }
    rows.finish()
}

fn of(server: &RedisServer) -> RedisConfig {
    let text = format!("{},socket_timeout=0.5,socket_connect_timeout=0.5", server.address());
    config(RedisTopology::Single, &text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_was_killed_is_missed_at_once_and_found_again_within_a_second() {
    let mut server = RedisServer::start(&["--appendonly", "yes", "--appendfsync", "always"]);
    let (store, table, key) = (open(&of(&server)), users(), entity_key(b"k"));
    store.write(&table, &row(&table, &key, 5), WriteGuard::EventTime).await.unwrap();
    server.kill();
    for _ in 0..20 {
        let asked = Instant::now();
        let error = store.read(&table, &[&key]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert!(asked.elapsed() < Duration::from_millis(1100), "{:?}", asked.elapsed());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(store.health().await.unwrap_err().kind(), ErrorKind::Unavailable);
    server.restart();
    let back = Instant::now();
    loop {
        match store.read(&table, &[&key]).await {
            Ok(rows) => {
                assert_eq!(rows.event_timestamp(0), Some(5));
                break;
            }
            Err(error) => assert!(back.elapsed() < Duration::from_secs(1), "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    store.write(&table, &row(&table, &key, 6), WriteGuard::EventTime).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_between_two_calls_is_not_noticed() {
    let mut server = RedisServer::start(&["--appendonly", "yes", "--appendfsync", "always"]);
    let (store, table, key) = (open(&of(&server)), users(), entity_key(b"k"));
    store.write(&table, &row(&table, &key, 5), WriteGuard::EventTime).await.unwrap();
    server.restart();
    // Its scripts are gone too.
    let written = store.write(&table, &row(&table, &key, 6), WriteGuard::EventTime).await.unwrap();
    assert_eq!(written.written, 1);
    assert_eq!(store.read(&table, &[&key]).await.unwrap().event_timestamp(0), Some(6));
}

/// Sockets of this process to a port.
fn sockets_to(port: u16) -> usize {
    let wanted = format!("0100007F:{port:04X}");
    let table = std::fs::read_to_string("/proc/self/net/tcp").unwrap();
    // Without an inode it is the system's business alone.
    table
        .lines()
        .filter(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            words.get(2) == Some(&wanted.as_str()) && words.get(9) != Some(&"0")
        })
        .count()
}

fn resident_kilobytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_says_nothing_costs_neither_time_nor_connections_nor_memory() {
    let server = RedisServer::start(&[]);
    let (store, table) = (open(&of(&server)), users());
    let keys: Vec<Vec<u8>> = (0..200_u32).map(|n| entity_key(&n.to_be_bytes())).collect();
    let read = || {
        let (store, table, keys) = (store.clone(), table.clone(), keys.clone());
        tokio::spawn(async move {
            let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
            let asked = Instant::now();
            (store.read(&table, &keys).await.map(drop), asked.elapsed())
        })
    };
    read().await.unwrap().0.unwrap();
    server.pause();
    let before = resident_kilobytes();
    for _ in 0..5 {
        let calls: Vec<_> = (0..300).map(|_| read()).collect();
        for call in calls {
            let (answer, took) = call.await.unwrap();
            let kind = answer.unwrap_err().kind();
            assert!(matches!(kind, ErrorKind::Deadline | ErrorKind::Unavailable), "{kind:?}");
            assert!(took < Duration::from_secs(3), "{took:?}");
        }
        let sockets = sockets_to(server.port());
        assert!(sockets <= 8, "{sockets} sockets");
    }
    let grown = resident_kilobytes().saturating_sub(before);
    assert!(grown < 64 * 1024, "{grown} KiB more");
    server.resume();
    let back = Instant::now();
    while read().await.unwrap().0.is_err() {
        assert!(back.elapsed() < Duration::from_secs(2));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn only_the_right_user_and_password_get_in_and_nobody_tells_them() {
    let user = ["--user", "shop", "on", ">hunter2", "~*", "+@all"];
    let server = RedisServer::start(&[&user[..], &["--requirepass", "hunter3"]].concat());
    let table = users();
    let open_with = |options: &str| {
        let text = format!("{}{options}", server.address());
        open(&config(RedisTopology::Single, &text))
    };
    for options in [",username=shop,password=hunter2", ",password=hunter3"] {
        open_with(options).read(&table, &[&entity_key(b"k")]).await.unwrap();
    }
    for options in ["", ",password=hunter2", ",username=shop,password=hunter3"] {
        let error = open_with(options).read(&table, &[&entity_key(b"k")]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{options}: {error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("password")));
        assert!(!format!("{error:?} {error}").contains("hunter"), "{error:?}");
    }
}

#[tokio::test]
async fn a_user_without_scripts_is_told_so() {
    let user = ["--user", "reader", "on", ">pw", "~*", "+hmget", "+ping", "+select"];
    let server = RedisServer::start(&user);
    let text = format!("{},username=reader,password=pw", server.address());
    let (store, table) = (open(&config(RedisTopology::Single, &text)), users());
    store.read(&table, &[&entity_key(b"k")]).await.unwrap();
    let rows = row(&table, &entity_key(b"k"), 1);
    let error = store.write(&table, &rows, WriteGuard::EventTime).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert!(error.hint().is_some_and(|hint| hint.contains("evalsha")));
}

#[tokio::test]
async fn a_user_without_transactions_writes_many_rows_by_script() {
    let rights = ["+hmget", "+hget", "+hset", "+evalsha", "+eval", "+ping", "+select"];
    let server =
        RedisServer::start(&[&["--user", "writer", "on", ">pw", "~*"][..], &rights].concat());
    let text = format!("{},username=writer,password=pw", server.address());
    let (store, table) = (open(&config(RedisTopology::Single, &text)), users());
    for (micros, written) in [(5, 13), (4, 0)] {
        let rows = many(&table, &entity_key(b"k"), micros);
        let summary = store.write(&table, &rows, WriteGuard::EventTime).await.unwrap();
        assert_eq!(summary.written, written);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_master_is_followed() {
    let mut sentinel = RedisSentinel::start();
    let text = format!("{},socket_timeout=0.5,socket_connect_timeout=0.5", sentinel.address());
    let (store, table, key) = (open(&config(master(), &text)), users(), entity_key(b"k"));
    store.write(&table, &row(&table, &key, 5), WriteGuard::EventTime).await.unwrap();
    let connected = |port: u16| sockets_to(port) > 0;
    assert!(connected(sentinel.master().port()));
    sentinel.master().kill();
    sentinel.wait_for_failover();
    let failed_over = Instant::now();
    loop {
        match store.write(&table, &row(&table, &key, 6), WriteGuard::EventTime).await {
            Ok(_) => break,
            Err(error) => assert!(failed_over.elapsed() < Duration::from_mins(1), "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(store.read(&table, &[&key]).await.unwrap().event_timestamp(0), Some(6));
    assert!(connected(sentinel.replica().port()));
}

#[tokio::test]
async fn the_wrong_kind_of_redis_says_what_to_configure() {
    let (table, key) = (users(), entity_key(b"k"));
    let address = RedisServer::shared();
    let cluster = open(&config(RedisTopology::Cluster, &address));
    let error = cluster.read(&table, &[&key]).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Invalid | ErrorKind::Unavailable), "{error}");
    let database = open(&config(RedisTopology::Single, &format!("{address},db=999")));
    let error = database.read(&table, &[&key]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
}

#[tokio::test]
async fn damaged_bytes_fail_their_view_only() {
    for layout in [RedisLayout::Feast, RedisLayout::Packed] {
        let store = open(&RedisConfig { layout, ..single() });
        let (project, key) = (project(), entity_key(b"k"));
        let [one, other] =
            ["one", "other"].map(|view| ViewTable::new(project.as_str(), view, ["age"]).unwrap());
        for table in [&one, &other] {
            store.write(table, &row(table, &key, 5), WriteGuard::EventTime).await.unwrap();
        }
        let field = if layout == RedisLayout::Feast { "_ts:one" } else { "_row:one" };
        let client = redis::Client::open(format!("redis://{}", RedisServer::shared())).unwrap();
        let mut connection = client.get_connection().unwrap();
        let redis_key = [key.as_slice(), project.as_bytes()].concat();
        redis::cmd("HSET").arg(&redis_key).arg(field).arg("\x08").exec(&mut connection).unwrap();
        let keys: &[&[u8]] = &[&key];
        let reads = [&one, &other].map(|table| ViewRead { table, keys });
        let answers = store.read_views(&reads).await;
        match &answers[0] {
            Err(error) => assert_eq!((error.kind(), layout), (ErrorKind::Data, RedisLayout::Feast)),
            // There is a row, and its value is none.
            Ok(rows) => {
                assert_eq!((rows.event_timestamp(0), layout), (Some(0), RedisLayout::Packed));
                assert!(!is_readable(rows.cell(0, 0).bytes().unwrap()));
            }
        }
        assert_eq!(answers[1].as_ref().unwrap().event_timestamp(0), Some(5));
        let written = store.write(&one, &row(&one, &key, 6), WriteGuard::EventTime).await;
        assert_eq!(written.unwrap_err().kind(), ErrorKind::Data);
        let written = store.write(&one, &many(&one, &key, 6), WriteGuard::EventTime).await;
        let error = written.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data);
        assert!(error.message().contains(&hex::encode(&key)) || layout == RedisLayout::Packed);
        // A key that somebody else uses for something else.
        redis::cmd("SET").arg(&redis_key).arg("text").exec(&mut connection).unwrap();
        let error = store.read(&other, &[&key]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data);
        redis::cmd("DEL").arg(&redis_key).exec(&mut connection).unwrap();
    }
}
