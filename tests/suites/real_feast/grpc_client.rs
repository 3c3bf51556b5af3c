//! gRPC, called with Feast's own stubs and, for Larder's services, through reflection.

use larder_tests::{Feast, Repository, Server};
use serde_json::{Value, json};

const SERVING: &str = "feast.serving.ServingService";
const RECOMMENDATION: &str = "larder.recommendation.v1.RecommendationService";

/// A served shop with every row of its files online.
fn served(feast: &Feast) -> (Repository, Server) {
    let repository = Repository::shop(feast, "");
    repository.fs().ok(&["apply"]);
    repository.fs().ok(&["materialize", "2026-01-01T00:00:00", "2100-01-01T00:00:00"]);
    let server = Server::fs(&repository.path());
    (repository, server)
}

fn calls(feast: &Feast, server: &Server, requests: &Value) -> Vec<Value> {
    let answers = feast.script("grpc_calls.py", &[&server.grpc_address(), &requests.to_string()]);
    answers.as_array().expect("a list of answers").clone()
}

fn strings(values: &[&str]) -> Value {
    json!({"val": values.iter().map(|value| json!({"string_val": value})).collect::<Vec<_>>()})
}

/// One column of a columnar answer, as plain values.
fn column(answer: &Value, name: &str) -> Vec<Value> {
    let names = answer["metadata"]["feature_names"]["val"].as_array().expect("names");
    let index = names.iter().position(|known| known == name).expect("the feature is answered");
    let values = answer["results"][index]["values"].as_array().expect("values");
    values.iter().map(plain).collect()
}

/// The value inside a protobuf `Value` as JSON; 64-bit integers are texts there.
fn plain(value: &Value) -> Value {
    let inner = value.as_object().and_then(|fields| fields.values().next()).cloned();
    match inner {
        Some(Value::String(text)) => text.parse::<i64>().map_or(Value::String(text), Value::from),
        other => other.unwrap_or_default(),
    }
}

#[test]
fn grpc_and_http_answer_the_same() {
    let feast = Feast::get();
    let (_repository, server) = served(&feast);
    let features =
        ["user_behavior_features:avg_order_value", "user_behavior_features:total_page_views_7d"];
    let users = ["u1", "u2", "u2", "nobody"];
    let request = json!({"features": {"val": features}, "entities": {"user_id": strings(&users)}});
    let answers = calls(
        &feast,
        &server,
        &json!([
            {"service": SERVING, "method": "GetOnlineFeatures", "request": request},
        ]),
    );
    let http = server
        .post(
            "/get-online-features",
            &json!({"features": features, "entities": {"user_id": users}}),
        )
        .json();
    for (index, name) in ["user_id", "avg_order_value", "total_page_views_7d"].iter().enumerate() {
        assert_eq!(http["metadata"]["feature_names"][index], *name);
        let expected = http["results"][index]["values"].as_array().expect("values");
        assert_eq!(&column(&answers[0], name), expected, "{name}");
        assert_eq!(
            answers[0]["results"][index]["statuses"], http["results"][index]["statuses"],
            "{name}"
        );
    }
}

#[test]
fn health_and_reflection_name_every_service() {
    let feast = Feast::get();
    let (_repository, server) = served(&feast);
    let health = |service: &str| json!({"service": "grpc.health.v1.Health", "method": "Check", "request": {"service": service}});
    let answers = calls(
        &feast,
        &server,
        &json!([{"service": "reflection"}, health(""), health(SERVING), health(RECOMMENDATION)]),
    );
    let services: Vec<&str> =
        answers[0].as_array().expect("names").iter().filter_map(Value::as_str).collect();
    for name in [SERVING, RECOMMENDATION, "grpc.health.v1.Health"] {
        assert!(services.contains(&name), "{name} is not in {services:?}");
    }
    for answer in &answers[1..] {
        assert_eq!(answer["status"], "SERVING", "{answer}");
    }
}

#[test]
fn client_faults_have_the_codes_of_client_faults() {
    let feast = Feast::get();
    let (_repository, server) = served(&feast);
    let call = |features: &[&str], service: &str, entities: Value| {
        let mut request = json!({"entities": entities});
        if service.is_empty() {
            request["features"] = json!({"val": features});
        } else {
            request["feature_service"] = json!(service);
        }
        json!({"service": SERVING, "method": "GetOnlineFeatures", "request": request})
    };
    let user = json!({"user_id": strings(&["u1"])});
    let cases = [
        (call(&["no_such_view:x"], "", user.clone()), "NOT_FOUND"),
        (call(&["user_behavior_features:no_such_feature"], "", user.clone()), "NOT_FOUND"),
        (call(&[], "no_such_service", user.clone()), "NOT_FOUND"),
        (call(&["no colon"], "", user.clone()), "INVALID_ARGUMENT"),
        (call(&[], "", user), "INVALID_ARGUMENT"),
        (
            call(
                &["user_behavior_features:device_type", "product_features:price"],
                "",
                json!({"user_id": strings(&["u1", "u2"]), "product_id": strings(&["p1"])}),
            ),
            "INVALID_ARGUMENT",
        ),
    ];
    let requests: Vec<&Value> = cases.iter().map(|(request, _)| request).collect();
    let answers = calls(&feast, &server, &json!(requests));
    for ((request, code), answer) in cases.iter().zip(answers) {
        assert_eq!(answer["code"], *code, "{request} {answer}");
    }
}

#[test]
fn one_user_and_twenty_candidates_get_interaction_features() {
    let feast = Feast::get();
    let (_repository, server) = served(&feast);
    let mut items: Vec<String> = (0..20).map(|item| format!("p{item}")).collect();
    items[7] = "nothing".to_owned();
    let items: Vec<&str> = items.iter().map(String::as_str).collect();
    let interactions = ["price_vs_avg_order", "category_match", "device_optimization"];
    let references: Vec<String> =
        interactions.iter().map(|name| format!("interaction_features:{name}")).collect();
    let request = |user: &str| {
        json!({"service": RECOMMENDATION, "method": "GetInteractionFeatures", "request": {
            "features": {"val": references},
            "user_join_key": "user_id", "user_id": {"string_val": user},
            "item_join_key": "product_id", "item_ids": strings(&items),
            "request_context": {"session_device": {"string_val": "mobile"}},
        }})
    };
    let answers = calls(&feast, &server, &json!([request("u1"), request("nobody")]));
    let pairs = server
        .post(
            "/get-online-features",
            &json!({"features": references, "entities": {
                "user_id": vec!["u1"; 20], "product_id": items, "session_device": vec!["mobile"; 20],
            }}),
        )
        .json();
    for name in interactions {
        let found = interaction(&answers[0], name);
        assert_eq!(found.len(), 20);
        assert_eq!(found, online(&pairs, name), "{name}");
    }
    assert!(interaction(&answers[0], "device_optimization")[0].is_number());
    let statuses = answers[0]["candidate_statuses"].as_array().expect("statuses");
    assert_eq!(statuses[7], "CANDIDATE_STATUS_ITEM_NOT_FOUND");
    assert_eq!(statuses[0], "CANDIDATE_STATUS_PRESENT", "{statuses:?}");
    assert_eq!(answers[1]["candidate_statuses"][0], "CANDIDATE_STATUS_USER_NOT_FOUND");
}

/// A column of an interaction answer as plain values.
fn interaction(answer: &Value, name: &str) -> Vec<Value> {
    let columns = answer["columns"].as_array().unwrap_or_else(|| panic!("no columns in {answer}"));
    let column =
        columns.iter().find(|column| column["name"] == name).expect("the feature is answered");
    column["values"].as_array().expect("values").iter().map(plain).collect()
}

/// A column of an HTTP answer.
fn online(answer: &Value, name: &str) -> Vec<Value> {
    let names = answer["metadata"]["feature_names"].as_array().expect("names");
    let index = names.iter().position(|known| known == name).expect("the feature is answered");
    answer["results"][index]["values"].as_array().expect("values").clone()
}
