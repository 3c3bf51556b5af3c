//! Packed rows: of every type, of older versions and other schemas, and the schemas that are kept for them.

use larder_core::{FeatureView, Field, ValueType};
use larder_online_store::{
    Cell, LayoutMigration, OnlineStore, RedisConfig, RedisLayout, RedisTopology, ViewTable,
    WriteGuard, WriteRows, WriteRowsBuilder, WriteSummary,
};
use larder_proto::wire::check::is_readable;
use larder_proto::wire::value::{put_double, put_int64, value_case};
use larder_tests::RedisServer;
use serde_json::Value as Json;

use crate::servers::{cluster, config, entity_key, open, project, single};

fn packed(config: RedisConfig) -> RedisConfig {
    RedisConfig { layout: RedisLayout::Packed, ..config }
}

/// A registered view with these features.
fn view(project: &str, features: &[(&str, ValueType)]) -> ViewTable {
    let features = features.iter().map(|(name, value_type)| Field::new(*name, *value_type));
    let view = FeatureView { features: features.collect(), ..FeatureView::new("users") };
    ViewTable::of_view(project, "users", &view, &view.features).unwrap()
}

fn row(table: &ViewTable, event: i64, values: &[&[u8]]) -> WriteRows {
    let mut rows = WriteRowsBuilder::new(table);
    rows.begin_row(&entity_key(b"k"), event, None).unwrap();
    for (feature, value) in values.iter().enumerate() {
        rows.set(feature, value).unwrap();
    }
    rows.finish()
}

fn double(number: f64) -> Vec<u8> {
    let mut value = Vec::new();
    put_double(number, &mut value);
    value
}

fn int(number: i64) -> Vec<u8> {
    let mut value = Vec::new();
    put_int64(number, &mut value);
    value
}

async fn shown(store: &impl OnlineStore, table: &ViewTable) -> Vec<Option<Vec<u8>>> {
    let rows = store.read(table, &[&entity_key(b"k")]).await.unwrap();
    rows.row(0).map(|cell| cell.bytes().map(<[u8]>::to_vec)).collect()
}

async fn write(store: &impl OnlineStore, table: &ViewTable, rows: &WriteRows) -> WriteSummary {
    store.write(table, rows, WriteGuard::EventTime).await.unwrap()
}

fn row_key(project: &str) -> Vec<u8> {
    [entity_key(b"k").as_slice(), project.as_bytes()].concat()
}

fn stored_row(connection: &mut redis::Connection, project: &str) -> Vec<u8> {
    redis::cmd("HGET").arg(row_key(project)).arg("_row:users").query(connection).unwrap()
}

fn schemas(connection: &mut redis::Connection, project: &str) -> usize {
    let key = format!("larder:schemas:{project}:users");
    redis::cmd("HLEN").arg(key).query(connection).unwrap()
}

/// Every value of Feast 0.67, under its type and under another one.
#[tokio::test]
async fn every_type_comes_back() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/online/values.json");
    let vectors: Json = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let values: Vec<Vec<u8>> = vectors["values"]
        .as_array()
        .unwrap()
        .iter()
        .map(|value| hex::decode(value["hex"].as_str().unwrap()).unwrap())
        .collect();
    let case = |value: &Vec<u8>| value_case(value).unwrap().unwrap_or(ValueType::Int64);
    let types: Vec<ValueType> = values.iter().map(case).collect();
    let known = |wanted: &&ValueType| types.contains(wanted);
    assert!(ValueType::ALL.iter().filter(known).count() > 30, "{types:?}");
    let names: Vec<String> = (0..values.len()).map(|at| format!("f{at}")).collect();
    for config in [single(), cluster()] {
        for turned in [0, 1] {
            let types = types.iter().cycle().skip(turned);
            let features: Vec<_> = names.iter().map(String::as_str).zip(types.copied()).collect();
            let (store, table) = (open(&packed(config.clone())), view(&project(), &features));
            let values: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
            write(&store, &table, &row(&table, 5, &values)).await;
            let expected: Vec<_> = values.iter().map(|value| Some(value.to_vec())).collect();
            assert_eq!(shown(&store, &table).await, expected);
            // Another process needs to find out what it is that it reads.
            assert_eq!(shown(&open(&packed(config.clone())), &table).await, expected);
        }
    }
}

#[tokio::test]
async fn rows_of_version_1_are_read_guarded_and_replaced() {
    let (store, project) = (open(&packed(single())), project());
    let mut connection = connection(&RedisServer::shared());
    // Features age (int64 7) and city (null), event time 1_767_225_600_123_456.
    let old = "010002004022224648470600d9a97844adf414f002000000020000002007";
    let old = hex::decode(old).unwrap();
    let mut put = redis::cmd("HSET");
    put.arg(row_key(&project)).arg("_row:users").arg(&old).exec(&mut connection).unwrap();
    let all = view(&project, &[("age", ValueType::Int64), ("city", ValueType::String)]);
    assert_eq!(shown(&store, &all).await, [Some(int(7)), Some(Vec::new())]);
    let event = 1_767_225_600_123_456;
    let late = write(&store, &all, &row(&all, event - 1, &[&int(6), b""])).await;
    assert_eq!(late, WriteSummary { written: 0, skipped_older: 1 });
    // What is left out stays, in the new form.
    let age = ViewTable::new(project.as_str(), "users", ["age"]).unwrap();
    write(&store, &age, &row(&age, event + 1, &[&int(8)])).await;
    assert_eq!(shown(&store, &all).await, [Some(int(8)), Some(Vec::new())]);
    assert_eq!(stored_row(&mut connection, &project)[0] & 0xf0, 0x20);
    put.exec(&mut connection).unwrap();
    write(&store, &all, &row(&all, event + 1, &[&int(9), b"\x12\x01x"])).await;
    assert_eq!(shown(&store, &all).await, [Some(int(9)), Some(b"\x12\x01x".to_vec())]);
    assert_eq!(stored_row(&mut connection, &project)[0], 0x20);
    store.teardown(&[all]).await.unwrap();
}

#[tokio::test]
async fn rows_of_another_schema_are_read_by_feature_and_merged() {
    for config in [single(), cluster()].map(packed) {
        let project = project();
        let before = view(&project, &[("a", ValueType::Double), ("b", ValueType::Int64)]);
        let now = view(
            &project,
            &[("c", ValueType::Double), ("b", ValueType::Double), ("a", ValueType::Double)],
        );
        write(&open(&config), &before, &row(&before, 5, &[&double(0.5), &int(7)])).await;
        // Deployed anew, with other features: nobody has told this process of the old ones.
        let store = open(&config);
        let expected = [None, Some(int(7)), Some(double(0.5))];
        assert_eq!(shown(&store, &now).await, expected);
        let rows = row(&now, 6, &[&double(1.0), &double(2.0), &double(3.0)]);
        assert_eq!(write(&store, &now, &rows).await.written, 1);
        let expected = [1.0, 2.0, 3.0].map(|number| Some(double(number)));
        assert_eq!(shown(&store, &now).await, expected);
        // Still running with the old ones: what it does not know stays.
        let old = open(&config);
        assert_eq!(shown(&old, &before).await, [Some(double(3.0)), Some(double(2.0))]);
        assert_eq!(
            write(&old, &before, &row(&before, 7, &[&double(4.0), &int(5)])).await.written,
            1
        );
        assert_eq!(shown(&store, &now).await, [Some(double(1.0)), Some(int(5)), Some(double(4.0))]);
        let late = write(&store, &now, &row(&now, 6, &[&double(9.0)])).await;
        assert_eq!(late.skipped_older, 1);
        store.teardown(&[now]).await.unwrap();
    }
}

#[tokio::test]
async fn without_their_schema_the_values_of_a_row_are_unreadable_until_it_is_written_again() {
    let server = RedisServer::start(&[]);
    let config = packed(config(RedisTopology::Single, &server.address()));
    let before = view("shop", &[("a", ValueType::Double)]);
    let now = view("shop", &[("a", ValueType::Double), ("b", ValueType::Double)]);
    write(&open(&config), &before, &row(&before, 5, &[&double(0.5)])).await;
    redis::cmd("DEL").arg("larder:schemas:shop:users").exec(&mut server.connection()).unwrap();
    // Who knows the schema needs no key.
    assert_eq!(shown(&open(&config), &before).await, [Some(double(0.5))]);
    let store = open(&config);
    let rows = store.read(&now, &[&entity_key(b"k")]).await.unwrap();
    assert_eq!(rows.event_timestamp(0), Some(5));
    assert!(rows.row(0).all(|cell| !is_readable(cell.bytes().unwrap())));
    let some = row(&now, 4, &[&double(1.0), &double(2.0)]);
    assert_eq!(write(&store, &now, &some).await.skipped_older, 1);
    let some = row(&now, 6, &[&double(1.0)]);
    assert_eq!(write(&store, &now, &some).await.written, 1);
    let rows = store.read(&now, &[&entity_key(b"k")]).await.unwrap();
    assert_eq!(rows.cell(0, 0), Cell::Value(&double(1.0)));
    assert_eq!(rows.cell(0, 1), Cell::Missing);
}

#[tokio::test]
async fn schemas_come_with_the_first_row_and_go_with_the_last() {
    let server = RedisServer::start(&[]);
    let config = packed(config(RedisTopology::Single, &server.address()));
    let (store, mut connection) = (open(&config), server.connection());
    let table = view("shop", &[("a", ValueType::Double)]);
    let rows = row(&table, 5, &[&double(0.5)]);
    let nothing = WriteRowsBuilder::new(&table).finish();
    write(&store, &table, &nothing).await;
    assert_eq!(schemas(&mut connection, "shop"), 0);
    for _ in 0..3 {
        write(&store, &table, &rows).await;
        assert_eq!(schemas(&mut connection, "shop"), 1);
    }
    store.update(&[], std::slice::from_ref(&table)).await.unwrap();
    // The same process writes it anew.
    write(&store, &table, &rows).await;
    assert_eq!(schemas(&mut connection, "shop"), 1);
    let other = view("workshop", &[("a", ValueType::Double)]);
    write(&store, &other, &rows).await;
    store.teardown(std::slice::from_ref(&table)).await.unwrap();
    assert_eq!((schemas(&mut connection, "shop"), schemas(&mut connection, "workshop")), (0, 1));
    write(&store, &table, &rows).await;
    for (to, keep, left) in [
        (RedisLayout::Feast, true, 1),
        (RedisLayout::Feast, false, 0),
        (RedisLayout::Packed, false, 1),
    ] {
        let migration = LayoutMigration { to, keep, dry_run: false };
        store.migrate(std::slice::from_ref(&table), migration, &|_| {}).await.unwrap();
        assert_eq!(schemas(&mut connection, "shop"), left, "{to:?}");
    }
    assert_eq!(shown(&store, &table).await, [Some(double(0.5))]);
}

#[tokio::test]
async fn rows_of_several_schemas_and_versions_move_to_feasts_layout() {
    let server = RedisServer::start(&[]);
    let config = packed(config(RedisTopology::Single, &server.address()));
    let before = view("shop", &[("a", ValueType::Double), ("b", ValueType::Int64)]);
    write(&open(&config), &before, &row(&before, 5, &[&double(0.5), &int(7)])).await;
    let now = view("shop", &[("a", ValueType::Double), ("c", ValueType::Double)]);
    let migration = LayoutMigration { to: RedisLayout::Feast, keep: false, dry_run: false };
    let store = open(&config);
    let counts = store.migrate(std::slice::from_ref(&now), migration, &|_| {}).await.unwrap();
    assert_eq!((counts[0].written, counts[0].removed), (1, 1));
    let feast = open(&RedisConfig { layout: RedisLayout::Feast, ..config });
    assert_eq!(shown(&feast, &now).await, [Some(double(0.5)), None]);
}

fn connection(address: &str) -> redis::Connection {
    redis::Client::open(format!("redis://{address}")).unwrap().get_connection().unwrap()
}
