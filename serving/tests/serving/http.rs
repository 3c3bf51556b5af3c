use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;

use larder_core::Compat;
use larder_online_store::{ViewTable, WriteGuard, WriteRowsBuilder};
use larder_proto::wire::entity_key::{EntityKeyLayout, EntityKeyVersion};
use serde_json::{Value, json};

use crate::fixture::{NOW, Shop};

const READ: &str = "/get-online-features";

/// The column of this name: values, statuses, timestamps.
fn column(body: &Value, name: &str) -> (Value, Value, Value) {
    let names = body["metadata"]["feature_names"].as_array().unwrap();
    let index = names
        .iter()
        .position(|known| known == name)
        .unwrap_or_else(|| panic!("no {name} in {body}"));
    let result = &body["results"][index];
    (result["values"].clone(), result["statuses"].clone(), result["event_timestamps"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_gets_its_value_status_and_time() {
    let shop = Shop::open(Compat::Larder).await;
    let body = json!({"features": ["user_stats:spend", "user_stats:visits"], "entities": {"user_id": [1, 2, 3, 9, 1]}});
    let (status, answer) = shop.post(READ, &body);
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["metadata"]["feature_names"], json!(["user_id", "spend", "visits"]));
    let (values, statuses, times) = column(&answer, "spend");
    assert_eq!(values, json!([40.0, null, null, null, 40.0]));
    assert_eq!(
        statuses,
        json!(["PRESENT", "OUTSIDE_MAX_AGE", "NULL_VALUE", "NOT_FOUND", "PRESENT"])
    );
    assert_eq!(times[0], "2026-01-31T11:00:00Z");
    assert_eq!(times[2], "2026-01-31T11:59:59.500Z");
    assert_eq!(times[3], "1970-01-01T00:00:00Z");
    let (values, statuses, _) = column(&answer, "user_id");
    assert_eq!((values, statuses), (json!([1, 2, 3, 9, 1]), json!(vec!["PRESENT"; 5])));
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn feast_statuses_come_back_by_a_switch() {
    let shop = Shop::open(Compat::Feast).await;
    let body = json!({"features": ["user_stats:spend"], "entities": {"user_id": [1, 2, 3]}});
    let (values, statuses, _) = column(&shop.post(READ, &body).1, "spend");
    assert_eq!(values, json!([40.0, 80.0, null]));
    assert_eq!(statuses, json!(["PRESENT", "PRESENT", "PRESENT"]));
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_cast_to_the_declared_type_and_entity_names_stand_for_join_keys() {
    let shop = Shop::open(Compat::Larder).await;
    for entities in [json!({"user_id": ["1"]}), json!({"user_id": [1.0]}), json!({"user": [1]})] {
        let body = json!({"features": ["user_stats:visits"], "entities": entities});
        let (status, answer) = shop.post(READ, &body);
        assert_eq!(status, 200, "{answer}");
        assert_eq!(column(&answer, "visits").0, json!([7]));
        assert_eq!(column(&answer, "user_id").0, json!([1]));
    }
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn interactions_are_computed_from_stored_and_request_data() {
    let shop = Shop::open(Compat::Larder).await;
    let body = json!({"feature_service": "ranking", "full_feature_names": true, "entities": {
        "user_id": [1, 1, 3, 9], "item_id": ["a", "b", "a", "a"], "hour": [9, 20, 20, 20]}});
    let (status, answer) = shop.post(READ, &body);
    assert_eq!(status, 200, "{answer}");
    let (values, statuses, _) = column(&answer, "interaction__price_vs_spend");
    assert_eq!(values, json!([0.25, 0.5, null, null]));
    assert_eq!(statuses, json!(["PRESENT", "PRESENT", "NULL_VALUE", "NULL_VALUE"]));
    assert_eq!(column(&answer, "interaction__is_evening").0, json!([false, true, true, true]));
    assert_eq!(column(&answer, "user_stats__spend").0, json!([40.0, 40.0, null, null]));
    let names = answer["metadata"]["feature_names"].as_array().unwrap();
    assert_eq!(names.len(), 5, "inputs that were not asked for stay out: {names:?}");
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn client_faults_are_refused_with_feasts_detail() {
    let shop = Shop::open(Compat::Larder).await;
    let users = json!({"user_id": [1]});
    let many: Vec<i64> = (0..1001).collect();
    for (features, entities, status, class) in [
        (json!(["nope:x"]), users.clone(), 404, "FeatureViewNotFoundException"),
        (json!(["user_stats:nope"]), users.clone(), 404, "FeastObjectNotFoundException"),
        (json!(["user_stats"]), users.clone(), 400, "FeastError"),
        (json!([]), users.clone(), 400, "FeastError"),
        (
            json!(["user_stats:spend", "user_stats:spend"]),
            users.clone(),
            400,
            "FeatureNameCollisionError",
        ),
        (
            json!(["interaction:is_evening"]),
            json!({"user_id": [1], "item_id": ["a"]}),
            404,
            "RequestDataNotFoundInEntityRowsException",
        ),
        (json!(["user_stats:spend"]), json!({"item_id": ["a"]}), 400, "FeastError"),
        (json!(["user_stats:spend"]), json!({"user_id": []}), 400, "FeastError"),
        (json!(["user_stats:spend"]), json!({}), 400, "FeastError"),
        (
            json!(["user_stats:spend"]),
            json!({"user_id": [1, 2], "item_id": ["a"]}),
            400,
            "FeastError",
        ),
        (json!(["user_stats:spend"]), json!({"user_id": ["abc"]}), 400, "FeastError"),
        (json!(["user_stats:spend"]), json!({"user_id": [null]}), 400, "FeastError"),
        (json!(["user_stats:spend"]), json!({"user_id": many}), 400, "FeastError"),
    ] {
        let (got, answer) = shop.post(READ, &json!({"features": features, "entities": entities}));
        let detail: Value = serde_json::from_str(answer.as_str().unwrap_or("null")).unwrap();
        assert_eq!((got, detail["class"].as_str()), (status, Some(class)), "{features}: {answer}");
    }
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_bodies_are_refused_with_the_place() {
    let shop = Shop::open(Compat::Larder).await;
    let json_type = "application/json";
    for (content_type, body, kind, loc) in [
        (json_type, "", "missing", json!(["body"])),
        (json_type, "{\"entities\": ", "json_invalid", Value::Null),
        (json_type, "[]", "model_attributes_type", json!(["body"])),
        ("text/plain", "{\"entities\": {}}", "model_attributes_type", json!(["body"])),
        (json_type, "{}", "missing", json!(["body", "entities"])),
        (json_type, "{\"entities\": [1]}", "dict_type", json!(["body", "entities"])),
        (
            json_type,
            "{\"entities\": {\"user_id\": 1}}",
            "list_type",
            json!(["body", "entities", "user_id"]),
        ),
        (
            json_type,
            "{\"entities\": {}, \"features\": \"v:f\"}",
            "list_type",
            json!(["body", "features"]),
        ),
        (
            json_type,
            "{\"entities\": {}, \"features\": [1]}",
            "string_type",
            json!(["body", "features", 0]),
        ),
        (
            json_type,
            "{\"entities\": {}, \"full_feature_names\": \"x\"}",
            "bool_parsing",
            json!(["body", "full_feature_names"]),
        ),
    ] {
        let (status, answer) = shop.post_text(READ, content_type, body);
        assert_eq!(status, 422, "{body}: {answer}");
        assert_eq!(answer["detail"][0]["type"], kind, "{body}");
        if !loc.is_null() {
            assert_eq!(answer["detail"][0]["loc"], loc, "{body}");
        }
    }
    let (status, answer) = shop.post("/nowhere", &json!({}));
    assert_eq!((status, answer), (404, json!({"detail": "Not Found"})));
    let (status, answer) = shop.post("/health", &json!({}));
    assert_eq!((status, answer), (405, json!({"detail": "Method Not Allowed"})));
    assert_eq!(announced(&shop, 2 << 20), "HTTP/1.1 413 Payload Too Large");
    shop.stop().await;
}

/// The status line for a request that announces a body of `length` bytes and does not send it.
fn announced(shop: &Shop, length: usize) -> String {
    let mut stream = TcpStream::connect(shop.http).unwrap();
    let head = format!(
        "POST {READ} HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_push_writes_nothing_and_an_older_row_never_wins() {
    let shop = Shop::open(Compat::Larder).await;
    let read = |shop: &Shop| {
        let body = json!({"features": ["user_stats:visits"], "entities": {"user_id": [1]}});
        column(&shop.post(READ, &body).1, "visits").0
    };
    let push = |to: &str, source: &str, df: Value| {
        shop.post("/push", &json!({"push_source_name": source, "to": to, "df": df})).0
    };
    let row = |visits: Value, time: &str| json!({"user_id": [1], "spend": [1.0], "visits": [visits], "event_timestamp": [time]});
    assert_eq!(push("online", "nope", json!({"user_id": [1]})), 422);
    assert_eq!(push("sideways", "user_push", row(json!(1), "2026-01-31T11:30:00Z")), 400);
    assert_eq!(push("online", "user_push", json!({"user_id": [1]})), 400);
    assert_eq!(push("online", "user_push", row(json!("many"), "2026-01-31T11:30:00Z")), 400);
    assert_eq!(push("online", "user_push", row(json!(1), "yesterday")), 400);
    assert_eq!(read(&shop), json!([7]));
    assert_eq!(push("online", "user_push", row(json!(1), "2026-01-31T10:00:00Z")), 200);
    assert_eq!(read(&shop), json!([7]), "an older row");
    assert_eq!(push("online", "user_push", row(json!(70), "2026-01-31T11:00:00.000001Z")), 200);
    assert_eq!(read(&shop), json!([70]), "a newer row");
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn health_is_an_empty_200() {
    let shop = Shop::open(Compat::Larder).await;
    let mut response = shop.client.get(format!("http://{}/health", shop.http)).call().unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.body_mut().read_to_string().unwrap(), "");
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_stored_bytes_cost_their_own_value_only() {
    let shop = Shop::open(Compat::Larder).await;
    let table = ViewTable::new("shop", "user_stats", ["spend", "visits"]).unwrap();
    let keys = EntityKeyLayout::new(EntityKeyVersion::V3, &["user_id"]).unwrap();
    let mut rows = WriteRowsBuilder::new(&table);
    let mut key = Vec::new();
    keys.encode_into(&[larder_core::Value::Int64(1)], &mut key).unwrap();
    rows.begin_row(&key, NOW.micros(), None).unwrap();
    rows.set(0, b"\x29cut").unwrap();
    rows.set(1, b"\x20\x2a").unwrap();
    shop.store.write(&table, &rows.finish(), WriteGuard::EventTime).await.unwrap();

    let body = json!({"features": ["user_stats:spend", "user_stats:visits"], "entities": {"user_id": [1, 3]}});
    let (status, answer) = shop.post(READ, &body);
    assert_eq!(status, 200, "{answer}");
    let (values, statuses, _) = column(&answer, "spend");
    assert_eq!((values, statuses), (json!([null, null]), json!(["INVALID", "NULL_VALUE"])));
    let (values, statuses, _) = column(&answer, "visits");
    assert_eq!((values, statuses), (json!([42, 9]), json!(["PRESENT", "PRESENT"])));
    shop.stop().await;
}
