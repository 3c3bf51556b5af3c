//! `misc.json`: what Feast's `remote` client asks a server, and the order of its columns. Connection strings, SQLite rows
//! and CQL of the same file are judged where they are made, in `online-store`.

use serde_json::{Value, json};

use crate::exceptions::REMOTE_CLIENT;
use crate::judge::Judge;
use crate::shop::{Shop, by_name, misc, stock};

/// Status and body; an exchange that only an exception of the client was recorded of ended after retries of a 500.
fn recorded(call: &Value) -> Value {
    match call.get("status") {
        Some(status) => {
            let reply = &call["reply"];
            json!([status, by_name(reply, &reply["metadata"]["feature_names"])])
        }
        None => json!([500]),
    }
}

fn answered(shop: &Shop, call: &Value) -> Value {
    let path = call["path"].as_str().expect("a path");
    let answer = shop.server.post(path, &call["json"]);
    if call.get("status").is_none() {
        return json!([answer.status]);
    }
    let body = answer.json();
    json!([answer.status, by_name(&body, &body["metadata"]["feature_names"])])
}

#[test]
fn every_request_of_the_remote_client_is_answered_as_feast_answered_it() {
    let shop = Shop::on_sqlite();
    stock(&shop, "sqlite");
    let recording = misc();
    let steps = recording["remote_client"].as_array().expect("steps");
    let mut judge = Judge::default();
    for step in steps {
        let name = step["step"].as_str().expect("a name");
        let calls = step["http"].as_array().expect("calls").iter();
        let (before, after): (Vec<Value>, Vec<Value>) =
            calls.map(|call| (recorded(call), answered(&shop, call))).unzip();
        judge.compare(name, &before, &after);
    }
    judge.verdict(steps.len(), REMOTE_CLIENT);
}

/// Feast's order is that of a set, another in every process; here it is that of the request.
#[test]
fn the_columns_of_a_view_are_those_of_feast_in_any_order() {
    let shop = Shop::on_sqlite();
    let recording = misc();
    let sorted = |names: &Value| {
        let mut names = names.as_array().expect("names").clone();
        names.sort_by_key(ToString::to_string);
        names
    };
    let features = ["clicks_7d", "avg_cart_value", "favorite_category", "is_prime"];
    let references = features.map(|feature| format!("user_behavior_features:{feature}"));
    let request = json!({"features": references, "entities": {"user_id": [1001]}});
    let answer = shop.server.post("/get-online-features", &request).json();
    let names = &answer["metadata"]["feature_names"];
    assert_eq!(*names, json!(["user_id", features[0], features[1], features[2], features[3]]));
    let orders = recording["feature_order_by_hash_seed"].as_object().expect("seeds");
    assert!(orders.len() > 2);
    for order in orders.values() {
        assert_eq!(sorted(order), sorted(names));
    }
}
