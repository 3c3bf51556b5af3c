//! Rows that move between the layouts: all of them, once, whoever writes meanwhile, and nobody else's.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use larder_core::ErrorKind;
use larder_online_store::{
    Cell, LayoutMigration, MigratedRows, OnlineStore, RedisConfig, RedisLayout, RedisStore,
    RedisTopology, ViewTable, WriteGuard, WriteRowsBuilder,
};
use larder_proto::wire::value::put_int64;
use larder_tests::{RedisCluster, RedisServer};

use crate::servers::{config, entity_key, open};

const KEYS: u32 = 300;
const LAYOUTS: [RedisLayout; 2] = [RedisLayout::Feast, RedisLayout::Packed];

fn other(layout: RedisLayout) -> RedisLayout {
    if layout == RedisLayout::Feast { RedisLayout::Packed } else { RedisLayout::Feast }
}

fn to(layout: RedisLayout) -> LayoutMigration {
    LayoutMigration { to: layout, keep: false, dry_run: false }
}

fn with(config: &RedisConfig, layout: RedisLayout) -> RedisStore {
    open(&RedisConfig { layout, ..config.clone() })
}

fn key(number: u32) -> Vec<u8> {
    entity_key(&number.to_be_bytes())
}

/// Two views whose rows share the keys.
fn tables(project: &str) -> [ViewTable; 2] {
    [("one", &["a", "b", "c"][..]), ("other", &["a"])]
        .map(|(view, names)| ViewTable::new(project, view, names.iter().copied()).unwrap())
}

/// Rows of every kind: the first feature has a value, the second is null or missing, the third missing or a value.
async fn fill(store: &RedisStore, table: &ViewTable, keys: impl Iterator<Item = u32>) {
    let mut rows = WriteRowsBuilder::new(table);
    for number in keys {
        rows.begin_row(&key(number), time(number), None).unwrap();
        rows.set_with(0, |out| put_int64(i64::from(number), out)).unwrap();
        match number % 3 {
            _ if table.features().len() == 1 => {}
            0 => rows.set(1, &[]).unwrap(),
            1 => rows.set(2, b"\x12\x01x").unwrap(),
            _ => {}
        }
    }
    store.write(table, &rows.finish(), WriteGuard::EventTime).await.unwrap();
}

/// Also before 1970, and with microseconds.
fn time(number: u32) -> i64 {
    (i64::from(number) - 100) * 1_000_003
}

/// What a store shows of a view: time and cells of every key.
async fn shown(store: &RedisStore, table: &ViewTable) -> Vec<(Option<i64>, Vec<Option<Vec<u8>>>)> {
    let keys: Vec<Vec<u8>> = (0..KEYS).map(key).collect();
    let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
    let answer = store.read(table, &keys).await.unwrap();
    let cells = |row| {
        let cell = |feature| match answer.cell(row, feature) {
            Cell::Missing => None,
            cell => Some(cell.bytes().unwrap_or_default().to_vec()),
        };
        (0..answer.features()).map(cell).collect()
    };
    (0..keys.len()).map(|row| (answer.event_timestamp(row), cells(row))).collect()
}

/// Everything that a server holds.
fn contents(server: &RedisServer) -> BTreeMap<Vec<u8>, BTreeMap<Vec<u8>, Vec<u8>>> {
    let mut connection = server.connection();
    let keys: Vec<Vec<u8>> = redis::cmd("KEYS").arg("*").query(&mut connection).unwrap();
    keys.into_iter()
        .map(|key| {
            let fields = redis::cmd("HGETALL").arg(&key).query(&mut connection).unwrap();
            (key, fields)
        })
        .collect()
}

async fn migrate(
    store: &RedisStore,
    tables: &[ViewTable],
    migration: LayoutMigration,
) -> Vec<MigratedRows> {
    store.migrate(tables, migration, &|_| {}).await.unwrap()
}

async fn check(config: &RedisConfig, project: &str) {
    let tables = tables(project);
    let both = LAYOUTS.map(|layout| with(config, layout));
    fill(&both[0], &tables[0], 0..KEYS).await;
    fill(&both[0], &tables[1], (0..KEYS).step_by(2)).await;
    let before = [shown(&both[0], &tables[0]).await, shown(&both[0], &tables[1]).await];
    for (from, layout) in [(0, RedisLayout::Packed), (1, RedisLayout::Feast)] {
        let counts = migrate(&both[from], &tables, to(layout)).await;
        for ((table, rows), expected) in tables.iter().zip([KEYS, KEYS / 2]).zip(&before) {
            let count = &counts[usize::from(table.view() == "other")];
            let all = u64::from(rows);
            let every = MigratedRows { found: all, written: all, older: 0, removed: all };
            assert_eq!(*count, every, "{table}");
            assert_eq!(shown(&both[1 - from], table).await, *expected, "{table}");
            let left = shown(&both[from], table).await;
            assert!(left.iter().all(|(time, _)| time.is_none()), "{table}");
        }
        let nothing = migrate(&both[from], &tables, to(layout)).await;
        assert_eq!(nothing, [MigratedRows::default(); 2]);
    }
}

#[tokio::test]
async fn all_rows_move_there_and_back_and_nothing_else_is_touched() {
    let server = RedisServer::start(&[]);
    let config = config(RedisTopology::Single, &server.address());
    // Projects whose names end like ours or begin like it, and other things.
    for layout in LAYOUTS {
        for project in ["workshop", "shop2"] {
            fill(&with(&config, layout), &tables(project)[0], 0..5).await;
        }
    }
    let mut foreign = redis::cmd("HSET");
    foreign.arg(&["session:shop", "_ts:one", "x"]).exec(&mut server.connection()).unwrap();
    let unregistered = ViewTable::new("shop", "unregistered", ["a"]).unwrap();
    fill(&open(&config), &unregistered, 0..5).await;
    let others = contents(&server);
    fill(&open(&config), &tables("shop")[0], 0..KEYS).await;
    let mut with_ours = contents(&server);
    check(&config, "shop").await;
    let now = contents(&server);
    for (key, fields) in &others {
        for (field, value) in fields {
            assert_eq!(now[key].get(field), Some(value), "{key:?}");
        }
    }
    // There and back again: the bytes of the first view are those that were written.
    with_ours.retain(|_, fields| fields.contains_key(&b"_ts:one"[..]));
    for (key, fields) in with_ours {
        for (field, value) in fields {
            assert_eq!(now[&key].get(&field), Some(&value), "{key:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_rows_of_a_cluster_move() {
    let cluster = RedisCluster::start();
    check(&config(RedisTopology::Cluster, &cluster.connection_string()), "shop").await;
}

#[tokio::test]
async fn a_dry_run_counts_and_changes_nothing_and_rows_can_be_kept() {
    let server = RedisServer::start(&[]);
    let config = config(RedisTopology::Single, &server.address());
    let (store, tables) = (open(&config), tables("shop"));
    fill(&store, &tables[0], 0..KEYS).await;
    let before = contents(&server);
    let dry = LayoutMigration { dry_run: true, ..to(RedisLayout::Packed) };
    let found = MigratedRows { found: KEYS.into(), ..MigratedRows::default() };
    assert_eq!(migrate(&store, &tables, dry).await, [found, MigratedRows::default()]);
    assert_eq!(contents(&server), before);
    let keep = LayoutMigration { keep: true, ..to(RedisLayout::Packed) };
    for _ in 0..2 {
        let kept = MigratedRows { written: KEYS.into(), ..found };
        assert_eq!(migrate(&store, &tables, keep).await[0], kept);
        let packed = with(&config, RedisLayout::Packed);
        assert_eq!(shown(&packed, &tables[0]).await, shown(&store, &tables[0]).await);
    }
}

#[tokio::test]
async fn a_newer_row_of_the_new_layout_stays() {
    let server = RedisServer::start(&[]);
    let config = config(RedisTopology::Single, &server.address());
    for (layout, project) in LAYOUTS.into_iter().zip(["one", "other"]) {
        let tables = tables(project);
        let (from, into) = (with(&config, other(layout)), with(&config, layout));
        fill(&from, &tables[1], 0..2).await;
        let mut newer = WriteRowsBuilder::new(&tables[1]);
        newer.begin_row(&key(0), time(0) + 1, None).unwrap();
        newer.set(0, b"\x20\x63").unwrap();
        into.write(&tables[1], &newer.finish(), WriteGuard::EventTime).await.unwrap();
        let counts = migrate(&into, &tables[1..], to(layout)).await;
        assert_eq!(counts, [MigratedRows { found: 2, written: 1, older: 1, removed: 2 }]);
        let rows = shown(&into, &tables[1]).await;
        assert_eq!(rows[0], (Some(time(0) + 1), vec![Some(b"\x20\x63".to_vec())]));
        assert_eq!(rows[1].0, Some(time(1)));
    }
}

#[tokio::test]
async fn a_key_keeps_its_time_to_live() {
    let server = RedisServer::start(&[]);
    let config = RedisConfig {
        key_ttl_seconds: Some(1_000),
        ..config(RedisTopology::Single, &server.address())
    };
    let (store, tables) = (open(&config), tables("shop"));
    fill(&store, &tables[1], 0..1).await;
    let row_key = [key(0).as_slice(), b"shop"].concat();
    let mut connection = server.connection();
    redis::cmd("EXPIRE").arg(&row_key).arg(500).exec(&mut connection).unwrap();
    migrate(&store, &tables[1..], to(RedisLayout::Packed)).await;
    let left: i64 = redis::cmd("TTL").arg(&row_key).query(&mut connection).unwrap();
    assert!((400..=500).contains(&left), "{left}");
}

#[tokio::test]
async fn a_damaged_row_is_named_and_stays() {
    let server = RedisServer::start(&[]);
    let config = config(RedisTopology::Single, &server.address());
    for (layout, field) in [(RedisLayout::Packed, "_ts:other"), (RedisLayout::Feast, "_row:other")]
    {
        let tables = tables(field);
        fill(&with(&config, other(layout)), &tables[1], 0..3).await;
        let row_key = [key(1).as_slice(), field.as_bytes()].concat();
        let mut damage = redis::cmd("HSET");
        damage.arg(&row_key).arg(field).arg(b"\xff").exec(&mut server.connection()).unwrap();
        let store = open(&config);
        let error = store.migrate(&tables[1..], to(layout), &|_| {}).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data);
        assert!(error.to_string().contains(&hex::encode(key(1))), "{error}");
        let stored: Vec<u8> =
            redis::cmd("HGET").arg(&row_key).arg(field).query(&mut server.connection()).unwrap();
        assert_eq!(stored, b"\xff");
    }
}

/// Writers that still use the old layout: what they wrote is in one of the two, and a last run finds the rest.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn what_is_written_in_the_old_layout_meanwhile_is_not_lost() {
    let server = RedisServer::start(&[]);
    let config = config(RedisTopology::Single, &server.address());
    for (layout, project) in LAYOUTS.into_iter().zip(["one", "other"]) {
        let table = tables(project)[1].clone();
        let (old, new) = (with(&config, other(layout)), with(&config, layout));
        let stop = Arc::new(AtomicBool::new(false));
        let writer = {
            let (old, table, stop) = (old.clone(), table.clone(), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut time = 0;
                while !stop.load(Ordering::Relaxed) {
                    time += 1;
                    let mut rows = WriteRowsBuilder::new(&table);
                    for number in 0..KEYS {
                        rows.begin_row(&key(number), time, None).unwrap();
                        rows.set_with(0, |out| put_int64(time, out)).unwrap();
                    }
                    old.write(&table, &rows.finish(), WriteGuard::EventTime).await.unwrap();
                }
                time
            })
        };
        let one = std::slice::from_ref(&table);
        let mut moved = 0;
        while moved < 5 * u64::from(KEYS) {
            // Rows that never hold still are left for another run.
            match new.migrate(one, to(layout), &|_| {}).await {
                Ok(counts) => moved += counts[0].written,
                Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error}"),
            }
        }
        stop.store(true, Ordering::Relaxed);
        let last = writer.await.unwrap();
        migrate(&new, one, to(layout)).await;
        let mut value = Vec::new();
        put_int64(last, &mut value);
        assert_eq!(shown(&new, &table).await, vec![(Some(last), vec![Some(value)]); KEYS as usize]);
        assert!(shown(&old, &table).await.iter().all(|(time, _)| time.is_none()));
    }
}
