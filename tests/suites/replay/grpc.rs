//! `grpc.json`: 30 exchanges with `feast listen`, asked with Feast's own message classes.

use larder_tests::{Feast, Repository};
use serde_json::Value;

use crate::exceptions::GRPC;
use crate::judge::Judge;
use crate::shop::{Shop, by_name, recording, stock};

fn comparable(exchange: &Value) -> Value {
    match exchange.get("response") {
        Some(response) => by_name(response, &response["metadata"]["feature_names"]["val"]),
        None => exchange.get("error").unwrap_or_else(|| &exchange["available"]).clone(),
    }
}

#[test]
fn every_recorded_grpc_exchange_is_answered_as_feast_answered_it() {
    let shop = Shop::on_redis();
    stock(&shop, "redis");
    let vectors = Repository::workspace().join("tests/vectors/online/grpc.json");
    let vectors = vectors.to_str().expect("UTF-8");
    let answers = Feast::get().script("grpc_replay.py", &[&shop.server.grpc_address(), vectors]);
    let exchanges = recording("grpc.json");
    let answers = answers.as_array().expect("answers");
    assert_eq!(answers.len(), exchanges.len());
    let mut judge = Judge::default();
    for (exchange, answer) in exchanges.iter().zip(answers) {
        let name = exchange["name"].as_str().expect("a name");
        judge.compare(name, &comparable(exchange), &comparable(answer));
    }
    judge.verdict(exchanges.len(), GRPC);
}
