use std::collections::BTreeMap;

use larder_core::{Catalog, Compat, Field, ValueType};
use larder_proto::feast::serving::GetOnlineFeaturesRequest;
use larder_proto::feast::serving::get_online_features_request::Kind;
use larder_proto::feast::types::value::Val;
use larder_proto::feast::types::{RepeatedValue, Value as WireValue};
use larder_proto::feature_server::grpc_feature_server_client::GrpcFeatureServerClient;
use larder_proto::feature_server::{PushRequest, WriteToOnlineStoreRequest};
use serde_json::{Value, json};
use tonic::Code;
use tonic::transport::Channel;

use crate::fixture::{Shop, parts};

const WRITE: &str = "/write-to-online-store";

/// Price of an item; null when there is none.
fn price(shop: &Shop, item: &str) -> Value {
    let body = json!({"features": ["item_stats:price"], "entities": {"item_id": [item]}});
    shop.post("/get-online-features", &body).1["results"][1]["values"][0].clone()
}

fn row(item: &str, price: &Value) -> Value {
    json!({"item_id": [item], "price": [price], "event_timestamp": ["2026-01-31T10:00:00Z"]})
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_written_to_one_view() {
    let shop = Shop::open(Compat::Larder).await;
    let write =
        |view: &str, df: Value| shop.post(WRITE, &json!({"feature_view_name": view, "df": df}));
    assert_eq!(write("item_stats", row("c", &json!(7.5))), (200, Value::Null));
    assert_eq!(price(&shop, "c"), json!(7.5));
    // Nothing to write, and nothing but nulls.
    assert_eq!(write("item_stats", json!({})), (200, Value::Null));
    assert_eq!(write("item_stats", row("c", &Value::Null)), (200, Value::Null));
    assert_eq!(price(&shop, "c"), json!(7.5));
    for (view, df, status, class) in [
        ("nope", json!({"a": [1]}), 404, "FeastObjectNotFoundException"),
        ("interaction", json!({"a": [1]}), 501, "FeastError"),
        ("item_stats", json!({"item_id": ["c"], "price": [1.0]}), 400, "FeastError"),
        ("item_stats", json!({"item_id": ["c", "d"], "price": [1.0]}), 400, "FeastError"),
        ("item_stats", row("c", &json!("cheap")), 400, "FeastError"),
    ] {
        let (got, body) = write(view, df);
        let detail: Value = serde_json::from_str(body.as_str().unwrap()).unwrap();
        assert_eq!((got, detail["class"].as_str()), (status, Some(class)), "{view}: {body}");
    }
    assert_eq!(shop.post(WRITE, &json!({"df": {}})).0, 422);
    assert_eq!(price(&shop, "c"), json!(7.5));
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_without_vectors_says_so_and_lists_none() {
    let shop = Shop::open(Compat::Larder).await;
    let get = |path: &str| {
        let mut answer = shop.client.get(format!("http://{}{path}", shop.http)).call().unwrap();
        let body: Value =
            serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap();
        (answer.status().as_u16(), body)
    };
    assert_eq!(get("/v1/vector_stores"), (200, json!({"object": "list", "data": []})));
    let missing = json!({"error": {
        "message": "No vector store found with id 'none'", "type": "not_found_error"}});
    assert_eq!(get("/v1/vector_stores/none"), (404, missing.clone()));
    assert_eq!(shop.post("/v1/vector_stores/none/search", &json!({"query": "x"})), (404, missing));
    let query = json!({"features": ["user_stats:spend"], "query": [0.5], "top_k": 1});
    for path in ["/search", "/retrieve-online-documents"] {
        let (status, body) = shop.post(path, &query);
        assert_eq!(status, 501, "{body}");
        assert!(body.as_str().unwrap().contains("does not support online retrieval"), "{body}");
    }
    let (status, body) = shop.post("/chat", &json!({"messages": []}));
    assert_eq!(status, 200);
    assert!(body["response"].is_string());
    assert_eq!(shop.post("/chat", &json!({})).0, 422);
    shop.stop().await;
}

async fn client(shop: &Shop) -> GrpcFeatureServerClient<Channel> {
    let endpoint = Channel::from_shared(format!("http://{}", shop.grpc)).unwrap();
    GrpcFeatureServerClient::new(endpoint.connect().await.unwrap())
}

fn value(val: Val) -> WireValue {
    WireValue { val: Some(val) }
}

fn text(text: &str) -> WireValue {
    value(Val::StringVal(text.to_owned()))
}

fn map<T>(fields: impl IntoIterator<Item = (&'static str, T)>) -> BTreeMap<String, T> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_servers_grpc_service_pushes_writes_and_reads() {
    let shop = Shop::open(Compat::Larder).await;
    let mut client = client(&shop).await;
    let time = "2026-01-31T10:00:00Z";
    let push = PushRequest {
        features: map([("item_id", "c"), ("price", "1.5"), ("event_timestamp", time)]
            .map(|(n, t)| (n, t.to_owned()))),
        stream_feature_view: "item_push".to_owned(),
        to: "online".to_owned(),
        ..PushRequest::default()
    };
    assert!(client.push(push.clone()).await.unwrap().into_inner().status);
    assert_eq!(price(&shop, "c"), json!(1.5));
    let write = WriteToOnlineStoreRequest {
        typed_features: map([
            ("item_id", text("d")),
            ("price", value(Val::DoubleVal(2.5))),
            ("event_timestamp", text(time)),
        ]),
        feature_view_name: "item_stats".to_owned(),
        ..WriteToOnlineStoreRequest::default()
    };
    assert!(client.write_to_online_store(write.clone()).await.unwrap().into_inner().status);
    let features =
        larder_proto::feast::serving::FeatureList { val: vec!["item_stats:price".to_owned()] };
    let read = GetOnlineFeaturesRequest {
        kind: Some(Kind::Features(features)),
        entities: map([("item_id", RepeatedValue { val: vec![text("d"), text("a")] })]),
        ..GetOnlineFeaturesRequest::default()
    };
    let answer = client.get_online_features(read).await.unwrap().into_inner();
    assert_eq!(answer.results[1].values, [2.5, 10.0].map(|price| value(Val::DoubleVal(price))));

    let both = PushRequest { typed_features: write.typed_features.clone(), ..push.clone() };
    let nowhere = PushRequest { to: String::new(), ..push.clone() };
    let unknown = PushRequest { stream_feature_view: "nope".to_owned(), ..push };
    for (push, code) in
        [(both, Code::InvalidArgument), (nowhere, Code::InvalidArgument), (unknown, Code::NotFound)]
    {
        assert_eq!(client.push(push).await.unwrap_err().code(), code);
    }
    let unknown = WriteToOnlineStoreRequest { feature_view_name: "nope".to_owned(), ..write };
    assert_eq!(client.write_to_online_store(unknown).await.unwrap_err().code(), Code::NotFound);
    shop.stop().await;
}

/// The catalog with the interaction view computed on write, by item.
fn computed_on_write() -> Catalog {
    let mut parts = parts();
    "2".clone_into(&mut parts.version);
    let view = &mut parts.on_demand_feature_views[0];
    view.write_to_online_store = true;
    view.entities = vec!["item".to_owned()];
    view.entity_columns = vec![Field::new("item_id", ValueType::String)];
    Catalog::new(parts)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_is_computed_on_write_from_its_inputs_and_found_by_its_keys() {
    let shop = Shop::open(Compat::Larder).await;
    let write = |transform: bool, df: Value| {
        let request =
            json!({"feature_view_name": "interaction", "df": df, "transform_on_write": transform});
        shop.post(WRITE, &request).0
    };
    let inputs = json!({"item_id": ["a"], "price": [10.0], "spend": [40.0], "hour": [20]});
    assert_eq!(write(true, inputs.clone()), 501, "it is computed when it is asked for");
    shop.source.push(computed_on_write());
    while write(true, inputs.clone()) == 501 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let features = json!({"item_id": ["b"], "price_vs_spend": [7.0], "is_evening": [false]});
    assert_eq!(write(false, features.clone()), 200);
    for (transform, df, status) in [
        (true, json!({}), 200),
        (true, json!({"item_id": ["a"], "price": [null], "spend": [null], "hour": [null]}), 200),
        (true, features, 400),
        (false, inputs, 400),
        (true, json!({"price": [10.0], "spend": [40.0], "hour": [20]}), 400),
        (true, json!({"item_id": [null], "price": [10.0], "spend": [40.0], "hour": [20]}), 400),
        (true, json!({"item_id": ["a"], "price": ["x"], "spend": [40.0], "hour": [20]}), 400),
    ] {
        assert_eq!(write(transform, df.clone()), status, "{df}");
    }
    let request = json!({
        "features": ["interaction:price_vs_spend", "interaction:is_evening"],
        "entities": {"item_id": ["a", "b", "c"]},
    });
    let (status, answer) = shop.post("/get-online-features", &request);
    assert_eq!(status, 200, "{answer}");
    let [_, ratio, evening] = [0, 1, 2].map(|column| &answer["results"][column]);
    assert_eq!(ratio["values"], json!([0.25, 7.0, null]));
    assert_eq!(evening["values"], json!([true, false, null]));
    assert_eq!(ratio["statuses"], json!(["PRESENT", "PRESENT", "NOT_FOUND"]));
    assert_eq!(ratio["event_timestamps"][0], "2026-01-31T12:00:00Z", "the time of the write");
    shop.stop().await;
}
