//! Step by step what real Feast 0.67 wrote, and the dump of all keys after each step (`tests/vectors/online/redis.json`).

use std::collections::BTreeMap;

use larder_core::Value;
use larder_online_store::{
    Cell, OnlineStore, RedisConfig, RedisGuard, RedisTopology, ViewTable, WriteGuard,
    WriteRowsBuilder,
};
use larder_proto::wire::entity_key::{EntityKeyLayout, EntityKeyVersion};
use larder_proto::wire::value::put_int64;
use larder_tests::RedisServer;
use serde_json::Value as Json;

use crate::servers::open;

type Dump = BTreeMap<String, BTreeMap<String, String>>;

/// 2024-01-02 03:04:05.
const T0: i64 = 1_704_164_645_000_000;
const SECOND: i64 = 1_000_000;

fn golden() -> Json {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/online/redis.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn dump(server: &RedisServer) -> Dump {
    let mut connection = server.connection();
    let keys: Vec<Vec<u8>> = redis::cmd("KEYS").arg("*").query(&mut connection).unwrap();
    keys.into_iter()
        .map(|key| {
            let fields: BTreeMap<Vec<u8>, Vec<u8>> =
                redis::cmd("HGETALL").arg(&key).query(&mut connection).unwrap();
            let fields = fields.into_iter();
            (hex::encode(key), fields.map(|(k, v)| (hex::encode(k), hex::encode(v))).collect())
        })
        .collect()
}

/// A Redis that follows the recording.
struct Follower {
    server: RedisServer,
    steps: std::vec::IntoIter<Json>,
}

impl Follower {
    fn config(&self) -> RedisConfig {
        let config = RedisConfig::new(RedisTopology::Single, &self.server.address()).unwrap();
        RedisConfig { guard: RedisGuard::Feast, ..config }
    }

    /// Compares with the dump of the next step, whose name begins so.
    #[track_caller]
    fn expect(&mut self, name: &str) -> Json {
        let step = self.steps.next().unwrap();
        assert!(step["step"].as_str().unwrap().starts_with(name), "{}", step["step"]);
        let expected: Dump = serde_json::from_value(step["dump"].clone()).unwrap();
        assert_eq!(dump(&self.server), expected, "{name}");
        step
    }

    async fn write(&self, config: &RedisConfig, table: &ViewTable, rows: &[Row]) {
        let mut given = WriteRowsBuilder::new(table);
        for (key, event, cells) in rows {
            given.begin_row(key, *event, None).unwrap();
            for (feature, value) in cells {
                given.set(table.feature(feature).unwrap(), value).unwrap();
            }
        }
        open(config).write(table, &given.finish(), WriteGuard::EventTime).await.unwrap();
    }
}

/// Entity key, event time, features with encoded values.
type Row = (Vec<u8>, i64, Vec<(&'static str, Vec<u8>)>);

fn key(names: &[&str], values: &[Value]) -> Vec<u8> {
    EntityKeyLayout::new(EntityKeyVersion::V3, names).unwrap().encode(values).unwrap()
}

fn user(number: i64) -> Vec<u8> {
    key(&["user_id"], &[Value::Int64(number)])
}

fn pair(number: i64, product: &str) -> Vec<u8> {
    key(&["user_id", "product_id"], &[Value::Int64(number), Value::String(product.to_owned())])
}

fn int(number: i64) -> Vec<u8> {
    let mut bytes = Vec::new();
    put_int64(number, &mut bytes);
    bytes
}

fn text(text: &str) -> Vec<u8> {
    [&[0x12, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat()
}

fn score(number: i64) -> Vec<(&'static str, Vec<u8>)> {
    vec![("score", int(number))]
}

#[tokio::test]
async fn every_step_leaves_the_bytes_that_feast_left() {
    let golden = golden();
    let steps = golden["steps"].as_array().unwrap().clone().into_iter();
    let mut follower = Follower { server: RedisServer::start(&[]), steps };
    let config = follower.config();
    let affinity = ViewTable::new("shop", "affinity", ["score", "note"]).unwrap();

    let all_types = all_types(&golden);
    follower.write(&config, &all_types, &[every_type(&golden, &all_types)]).await;
    follower.expect("write every Value kind");
    let at = T0 + 123_456;
    let given = (pair(1, "p-1"), at, vec![("score", int(7)), ("note", text("hi"))]);
    follower.write(&config, &affinity, &[given]).await;
    follower.expect("composite key");
    let given = (user(2), T0, vec![("int64_val", int(1)), ("string_val", Vec::new())]);
    follower.write(&config, &all_types, &[given]).await;
    follower.expect("second view on the same entity key");
    guarded_steps(&mut follower, &config, &affinity).await;
    settings(&mut follower, &config, &affinity).await;
    reads_and_removals(&mut follower, &config, [&affinity, &all_types]).await;
    assert_eq!(follower.steps.next(), None);
}

async fn guarded_steps(follower: &mut Follower, config: &RedisConfig, affinity: &ViewTable) {
    let at = T0 + 123_456;
    let older = (pair(1, "p-1"), T0, vec![("score", int(8)), ("note", text("older"))]);
    follower.write(config, affinity, &[older]).await;
    follower.expect("stale write");
    let equal = (pair(1, "p-1"), at, vec![("score", int(9)), ("note", text("equal"))]);
    follower.write(config, affinity, &[equal]).await;
    follower.expect("equal event time is ignored");
    follower.write(config, affinity, &[(pair(1, "p-1"), T0 + SECOND, score(10))]).await;
    follower.expect("newer event time wins");
    let thrice = [3, 2, 4].map(|n| (pair(2, "p-2"), T0 + n * SECOND, score(n)));
    follower.write(config, affinity, &thrice).await;
    follower.expect("same key three times");
    let early = [(pair(3, "p-3"), -2 * SECOND, score(1)), (pair(4, "p-4"), 0, score(1))];
    follower.write(config, affinity, &early).await;
    follower.expect("event time before 1970");
    let sixties = -315_619_200 * SECOND;
    follower.write(config, affinity, &[(pair(4, "p-4"), sixties, score(2))]).await;
    follower.expect("epoch row overwritten");
    follower.write(config, affinity, &[(pair(5, "p-5"), T0, score(1))]).await;
    follower.expect("naive datetime");
}

async fn settings(follower: &mut Follower, config: &RedisConfig, affinity: &ViewTable) {
    let global = ViewTable::new("shop", "glob", ["ctr"]).unwrap();
    let dummy = key(&["__dummy_id"], &[Value::String(String::new())]);
    follower.write(config, &global, &[(dummy, T0, vec![("ctr", int(1))])]).await;
    follower.expect("entityless view");
    let unguarded = RedisConfig { guard: RedisGuard::Off, ..config.clone() };
    let yesterday = T0 - 86_400 * SECOND;
    follower.write(&unguarded, affinity, &[(pair(1, "p-1"), yesterday, score(99))]).await;
    follower.expect("skip_dedup=True");
    let expiring = RedisConfig { key_ttl_seconds: Some(3600), ..config.clone() };
    follower.write(&expiring, affinity, &[(pair(6, "p-6"), T0, score(1))]).await;
    let step = follower.expect("key_ttl_seconds=3600");
    let mut connection = follower.server.connection();
    for (key, expected) in step["ttl_seconds"].as_object().unwrap() {
        let left: i64 =
            redis::cmd("TTL").arg(hex::decode(key).unwrap()).query(&mut connection).unwrap();
        assert!((left - expected.as_i64().unwrap()).abs() <= 2, "{key}: {left}");
    }
    let second = ViewTable::new("shop", "affinity_v2", ["score", "note"]).unwrap();
    follower.write(config, &second, &[(pair(7, "p-7"), T0, score(1))]).await;
    follower.expect("feature view versioning on");
}

async fn reads_and_removals(
    follower: &mut Follower,
    config: &RedisConfig,
    [affinity, all_types]: [&ViewTable; 2],
) {
    let store = open(config);
    let keys = [pair(1, "p-1"), pair(2, "p-2"), pair(404, "x")];
    let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
    let rows = store.read(affinity, &keys).await.unwrap();
    let yesterday = T0 - 86_400 * SECOND;
    assert_eq!(rows.event_timestamps(), [Some(yesterday), Some(T0 + 4 * SECOND), None]);
    assert_eq!(rows.cell(0, 0), Cell::Value(&int(99)));
    assert_eq!(rows.cell(0, 1), Cell::Value(&text("hi")));
    assert_eq!((rows.cell(1, 0), rows.cell(1, 1)), (Cell::Value(&int(4)), Cell::Missing));
    follower.expect("read: hit, hit, miss");
    store.update(&[], std::slice::from_ref(affinity)).await.unwrap();
    follower.expect("delete_table(affinity)");
    let global = ViewTable::new("shop", "glob", ["ctr"]).unwrap();
    store.teardown(&[global]).await.unwrap();
    follower.expect("teardown of glob only");
    // Feast deletes a key of the project "workshop" as well; we do not, and that is all the difference.
    let foreign = [&key(&["user_id"], &[Value::String("x".to_owned())])[..], b"workshop"].concat();
    let mut connection = follower.server.connection();
    redis::cmd("HSET").arg(&foreign).arg("_ts:other").arg("").exec(&mut connection).unwrap();
    store.teardown(std::slice::from_ref(all_types)).await.unwrap();
    assert!(dump(&follower.server).contains_key(&hex::encode(&foreign)));
    redis::cmd("DEL").arg(&foreign).exec(&mut connection).unwrap();
    follower.expect("teardown of all_types");
}

fn all_types(golden: &Json) -> ViewTable {
    let fields = golden["hash_fields"].as_object().unwrap();
    let features = fields.keys().filter_map(|name| name.strip_prefix("all_types:"));
    ViewTable::new("shop", "all_types", features.map(str::to_owned)).unwrap()
}

/// The first row: a value of every kind, taken from the recording itself and written through the store.
fn every_type(golden: &Json, table: &ViewTable) -> Row {
    let recorded = golden["steps"][0]["dump"].as_object().unwrap().values().next().unwrap();
    let cells = table.features().iter().map(|feature| {
        let value = recorded[hex::encode(feature.hash.to_le_bytes())].as_str().unwrap();
        let name: &'static str = String::leak(feature.name.to_string());
        (name, hex::decode(value).unwrap())
    });
    (user(1), T0, cells.collect())
}
