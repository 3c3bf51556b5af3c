//! `http.json`: 174 exchanges with `feast serve`, over Redis and over SQLite.

use larder_tests::{Answer, get, post_typed};
use serde_json::{Value, json};

use crate::exceptions::HTTP;
use crate::judge::Judge;
use crate::shop::{Shop, by_name, recording};

/// Status, content type and body, comparable.
type Outcome = (u64, Value, Value);

fn comparable(body: &Value) -> Value {
    by_name(body, &body["metadata"]["feature_names"])
}

fn recorded(response: &Value) -> Outcome {
    let body = response.get("json").unwrap_or_else(|| &response["text"]);
    let status = response["status"].as_u64().expect("a status");
    (status, response["content_type"].clone(), comparable(body))
}

fn answered(answer: &Answer) -> Outcome {
    let body = serde_json::from_str(&answer.body);
    let body = body.unwrap_or_else(|_| Value::from(answer.body.as_str()));
    (u64::from(answer.status), json!(answer.content_type), comparable(&body))
}

fn ask(shop: &Shop, request: &Value) -> Answer {
    let url = shop.server.url(request["path"].as_str().expect("a path"));
    let answer = if request["method"] == "GET" {
        get(&url)
    } else {
        let raw = request["raw"].as_str().map(str::to_owned);
        let body = raw.unwrap_or_else(|| request["json"].to_string());
        let kind = request["headers"]["content-type"].as_str().unwrap_or("application/json");
        post_typed(&url, kind, &body)
    };
    answer.unwrap_or_else(|error| panic!("{url}: {error}: {}", shop.server.log()))
}

#[test]
fn every_recorded_http_exchange_is_answered_as_feast_answered_it() {
    let (sqlite, redis) = (Shop::on_sqlite(), Shop::on_redis());
    let exchanges = recording("http.json");
    let mut judge = Judge::default();
    for exchange in &exchanges {
        let name = exchange["name"].as_str().expect("a name");
        if let Some(store) = exchange["online_store"].as_str() {
            let shop = if store == "redis" { &redis } else { &sqlite };
            let answer = answered(&ask(shop, &exchange["request"]));
            let name = format!("{name} ({store})");
            judge.compare(&name, &recorded(&exchange["response"]), &answer);
        } else if let Some(recorded) = exchange.get("paths") {
            judge.compare(name, recorded, &paths(&sqlite));
        } else {
            judge.compare(name, &exchange["body"], &one_reply(&sqlite));
        }
    }
    judge.verdict(exchanges.len(), HTTP);
}

/// Paths and methods of the OpenAPI document.
fn paths(shop: &Shop) -> Value {
    let document = get(&shop.server.url("/openapi.json")).expect("an answer").json();
    let paths = document["paths"].as_object().expect("paths").iter();
    let methods = |operations: &Value| -> Value {
        let mut methods: Vec<_> = operations.as_object().expect("methods").keys().collect();
        methods.sort();
        json!(methods)
    };
    paths.map(|(path, operations)| (path.clone(), methods(operations))).collect()
}

/// To the byte: what the recording asked for last.
fn one_reply(shop: &Shop) -> Value {
    let read =
        json!({"features": ["user_behavior_features:clicks_7d"], "entities": {"user_id": [1001]}});
    Value::from(shop.server.post("/get-online-features", &read).body)
}
