//! Allocations per request, of a whole server in this process: `cargo xtask bench allocations`.
//!
//! Clients send prepared bytes and read into a buffer of their own, so that what is counted is the server's.

#![expect(clippy::unwrap_used, reason = "a benchmark ends by panicking")]
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

#[path = "../../tests/serving/fixture.rs"]
#[expect(dead_code, reason = "tests need more of it")]
mod fixture;
mod wire;

use std::alloc::System;
use std::collections::BTreeMap;

use larder_core::Compat;
use larder_proto::feast::serving::get_online_features_request::Kind;
use larder_proto::feast::serving::{FeatureList, GetOnlineFeaturesRequest};
use larder_proto::feast::types::value::Val;
use larder_proto::feast::types::{RepeatedValue, Value};
use larder_proto::larder::lookup::v1::{BatchGetRequest, ChunkFormat, batch_get_request};
use larder_proto::larder::recommendation::v1::{
    GetInteractionFeaturesRequest, get_interaction_features_request,
};
use prost::Message;
use serde_json::json;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

use self::fixture::Shop;
use self::wire::{Connection, Grpc, Http};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Users and items in the store: numbers from here on.
const FIRST: i64 = 100;
const KEYS: i64 = 1_000;

/// Requests before anything is counted, and those that are counted.
const WARM: usize = 50;
const COUNTED: usize = 200;

const STORED: [&str; 3] = ["user_stats:spend", "user_stats:visits", "item_stats:price"];
const COMPUTED: [&str; 2] = ["interaction:price_vs_spend", "interaction:is_evening"];

const READ: &str = "/feast.serving.ServingService/GetOnlineFeatures";
const LOOK_UP: &str = "/larder.lookup.v1.LookupService/BatchGet";
const INTERACT: &str = "/larder.recommendation.v1.RecommendationService/GetInteractionFeatures";

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let shop = runtime.block_on(Shop::open(Compat::Larder));
    stock(&shop);
    println!("| request | rows | features | allocations | per row | KiB allocated |");
    println!("|---|---|---|---|---|---|");
    for (what, features) in [("stored", &STORED[..]), ("stored and computed", &everything())] {
        for rows in [1, 10, 100] {
            let columns = features.len();
            let mut http = Http::new(shop.http, &http_body(features, rows));
            report(&format!("HTTP, {what}"), rows, columns, &mut http);
            let mut grpc = Grpc::new(shop.grpc, READ, &read(features, rows));
            report(&format!("gRPC, {what}"), rows, columns, &mut grpc);
        }
    }
    let mut interact = Grpc::new(shop.grpc, INTERACT, &interaction(100));
    report("GetInteractionFeatures", 100, COMPUTED.len(), &mut interact);
    for (what, format) in [("columns", ChunkFormat::Columns), ("Arrow", ChunkFormat::ArrowStream)] {
        let mut look_up = Grpc::new(shop.grpc, LOOK_UP, &look_up(1_000, format));
        report(&format!("BatchGet, {what}"), 1_000, STORED.len(), &mut look_up);
    }
    runtime.block_on(shop.stop());
}

fn everything() -> Vec<&'static str> {
    [&STORED[..], &COMPUTED].concat()
}

/// A user and an item for each number.
fn stock(shop: &Shop) {
    let ids: Vec<i64> = (FIRST..FIRST + KEYS).collect();
    let floats: Vec<f64> = ids.iter().map(|id| *id as f64 / 3.0).collect();
    let times = vec!["2026-01-31T11:00:00Z"; ids.len()];
    let names: Vec<String> = ids.iter().map(i64::to_string).collect();
    let users = json!({"push_source_name": "user_push",
        "df": {"user_id": ids, "spend": floats, "visits": ids, "event_timestamp": times}});
    let items = json!({"push_source_name": "item_push",
        "df": {"item_id": names, "price": floats, "event_timestamp": times}});
    for body in [users, items] {
        assert_eq!(shop.post("/push", &body).0, 200);
    }
}

fn report(what: &str, rows: usize, features: usize, connection: &mut dyn Connection) {
    (0..WARM).for_each(|_| connection.ask());
    let before = ALLOCATOR.stats();
    (0..COUNTED).for_each(|_| connection.ask());
    let made = ALLOCATOR.stats() - before;
    let allocations = (made.allocations + made.reallocations) as f64 / COUNTED as f64;
    let kibibytes = made.bytes_allocated as f64 / COUNTED as f64 / 1024.0;
    let per_row = allocations / rows as f64;
    println!("| {what} | {rows} | {features} | {allocations:.0} | {per_row:.1} | {kibibytes:.1} |");
}

fn ids(rows: usize) -> impl Iterator<Item = i64> {
    (FIRST..FIRST + KEYS).take(rows)
}

fn http_body(features: &[&str], rows: usize) -> String {
    let names: Vec<String> = ids(rows).map(|id| id.to_string()).collect();
    let users: Vec<i64> = ids(rows).collect();
    let entities = json!({"user_id": users, "item_id": names, "hour": vec![20; rows]});
    json!({"features": features, "entities": entities}).to_string()
}

fn list(features: &[&str]) -> FeatureList {
    FeatureList { val: features.iter().map(|&name| name.to_owned()).collect() }
}

fn value(val: Val) -> Value {
    Value { val: Some(val) }
}

fn users(rows: usize) -> RepeatedValue {
    RepeatedValue { val: ids(rows).map(|id| value(Val::Int64Val(id))).collect() }
}

fn items(rows: usize) -> RepeatedValue {
    RepeatedValue { val: ids(rows).map(|id| value(Val::StringVal(id.to_string()))).collect() }
}

fn entities(rows: usize) -> BTreeMap<String, RepeatedValue> {
    let hours = RepeatedValue { val: vec![value(Val::Int64Val(20)); rows] };
    let columns = [("user_id", users(rows)), ("item_id", items(rows)), ("hour", hours)];
    columns.map(|(name, values)| (name.to_owned(), values)).into()
}

fn read(features: &[&str], rows: usize) -> Vec<u8> {
    let request = GetOnlineFeaturesRequest {
        kind: Some(Kind::Features(list(features))),
        entities: entities(rows),
        ..GetOnlineFeaturesRequest::default()
    };
    request.encode_to_vec()
}

fn interaction(candidates: usize) -> Vec<u8> {
    let request = GetInteractionFeaturesRequest {
        kind: Some(get_interaction_features_request::Kind::Features(list(&COMPUTED))),
        user_join_key: "user_id".to_owned(),
        user_id: Some(value(Val::Int64Val(FIRST))),
        item_join_key: "item_id".to_owned(),
        item_ids: Some(items(candidates)),
        request_context: [("hour".to_owned(), value(Val::Int64Val(20)))].into(),
        full_feature_names: false,
    };
    request.encode_to_vec()
}

fn look_up(rows: usize, format: ChunkFormat) -> Vec<u8> {
    let request = BatchGetRequest {
        kind: Some(batch_get_request::Kind::Features(list(&STORED))),
        entities: entities(rows),
        format: format.into(),
        ..BatchGetRequest::default()
    };
    request.encode_to_vec()
}
