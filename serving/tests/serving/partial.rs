//! Answers without the views that are late.

use std::time::Duration;

use larder_proto::feast::serving::get_online_features_request::Kind as FeaturesKind;
use larder_proto::feast::serving::serving_service_client::ServingServiceClient;
use larder_proto::feast::serving::{FeatureList, FieldStatus, GetOnlineFeaturesRequest};
use larder_proto::feast::types::value::Val;
use larder_proto::feast::types::{RepeatedValue, Value as Key};
use larder_proto::larder::lookup::v1::batch_get_request::Kind as LookupKind;
use larder_proto::larder::lookup::v1::batch_get_response::Chunk;
use larder_proto::larder::lookup::v1::lookup_service_client::LookupServiceClient;
use larder_proto::larder::lookup::v1::{BatchGetRequest, ChunkFormat};
use serde_json::{Value, json};
use tonic::transport::{Channel, Endpoint};

use crate::fixture::{Setup, Shop};
use crate::waiting_store::one_view_late;

async fn shop(view: &'static str) -> Shop {
    let around = Some(one_view_late(view));
    Shop::start(Setup { around, ..Setup::default() }).await
}

/// Status, late views and body.
fn ask(shop: &Shop, headers: &[(&str, &str)]) -> (u16, Option<String>, Value) {
    let body = json!({"features": ["user_stats:visits", "item_stats:price", "interaction:price_vs_spend",
        "interaction:is_evening"], "entities": {"user_id": [1], "item_id": ["a"], "hour": [20]}});
    let mut request = shop
        .client
        .post(format!("http://{}/get-online-features", shop.http))
        .header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut response = request.send(body.to_string()).unwrap();
    let late = response.headers().get("larder-late-views");
    let late = late.map(|value| value.to_str().unwrap().to_owned());
    let text = response.body_mut().read_to_string().unwrap();
    (response.status().as_u16(), late, serde_json::from_str(&text).unwrap())
}

fn statuses(answer: &Value) -> Vec<(String, String)> {
    let names = answer["metadata"]["feature_names"].as_array().unwrap().iter();
    let results = answer["results"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    names.zip(results).map(|(name, result)| (text(name), text(&result["statuses"][0]))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_view_is_a_late_answer_unless_partial_results_are_asked_for() {
    let shop = shop("item_stats").await;
    let hurry = ("larder-timeout-ms", "300");
    let (status, _, _) = ask(&shop, &[hurry]);
    assert_eq!(status, 504);
    let (status, late, answer) = ask(&shop, &[hurry, ("larder-partial-results", "true")]);
    assert_eq!((status, late.as_deref()), (200, Some("item_stats")), "{answer}");
    let expected = [
        ("user_id", "PRESENT"),
        ("item_id", "PRESENT"),
        ("visits", "PRESENT"),
        ("price", "INVALID"),
        // Nothing is known of what would be computed from a view that is late.
        ("price_vs_spend", "INVALID"),
        ("is_evening", "INVALID"),
    ];
    let found = statuses(&answer);
    for (name, status) in expected {
        let expected = (name.to_owned(), status.to_owned());
        assert!(found.contains(&expected), "{expected:?} in {found:?}");
    }
    assert_eq!(answer["results"][2]["values"], json!([7]));
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_which_no_view_came_is_an_error() {
    let shop = shop("_stats").await;
    let (status, late, _) =
        ask(&shop, &[("larder-timeout-ms", "200"), ("larder-partial-results", "true")]);
    assert_eq!((status, late), (504, None));
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wishes_that_make_no_sense_are_refused() {
    let shop = Shop::start(Setup::default()).await;
    for header in [("larder-timeout-ms", "soon"), ("larder-partial-results", "maybe")] {
        let (status, _, answer) = ask(&shop, &[header]);
        assert_eq!(status, 400);
        assert!(answer["detail"].as_str().unwrap().contains(header.0), "{answer}");
    }
    let (status, late, _) = ask(&shop, &[("larder-partial-results", "true")]);
    assert_eq!((status, late), (200, None));
    shop.stop().await;
}

async fn channel(shop: &Shop) -> Channel {
    Endpoint::from_shared(format!("http://{}", shop.grpc)).unwrap().connect().await.unwrap()
}

fn features() -> FeatureList {
    let features = ["user_stats:visits", "item_stats:price", "interaction:price_vs_spend"];
    FeatureList { val: features.map(str::to_owned).to_vec() }
}

/// So many times the user, item and hour of [`ask`].
fn entities(rows: usize) -> std::collections::BTreeMap<String, RepeatedValue> {
    let column = |name: &str, val: Val| {
        let values = RepeatedValue { val: vec![Key { val: Some(val) }; rows] };
        (name.to_owned(), values)
    };
    [
        column("user_id", Val::Int64Val(1)),
        column("item_id", Val::StringVal("a".to_owned())),
        column("hour", Val::Int64Val(20)),
    ]
    .into()
}

fn call<T>(message: T, metadata: &[(&'static str, &'static str)]) -> tonic::Request<T> {
    let mut call = tonic::Request::new(message);
    for (name, value) in metadata {
        call.metadata_mut().insert(*name, value.parse().unwrap());
    }
    call
}

const PARTIAL: (&str, &str) = ("larder-partial-results", "true");
const PRESENT: i32 = FieldStatus::Present as i32;
const INVALID: i32 = FieldStatus::Invalid as i32;

#[tokio::test(flavor = "multi_thread")]
async fn a_grpc_deadline_leaves_late_views_out_where_partial_results_are_asked_for() {
    let shop = shop("item_stats").await;
    let mut client = ServingServiceClient::new(channel(&shop).await);
    let request = || GetOnlineFeaturesRequest {
        kind: Some(FeaturesKind::Features(features())),
        entities: entities(1),
        ..Default::default()
    };
    let whole = call(request(), &[("larder-timeout-ms", "300")]);
    let late = client.get_online_features(whole).await.unwrap_err();
    assert_eq!(late.code(), tonic::Code::DeadlineExceeded);
    // gRPC's own deadline counts as the header does.
    let mut partial = call(request(), &[PARTIAL]);
    partial.set_timeout(Duration::from_secs(2));
    let answer = client.get_online_features(partial).await.unwrap();
    assert_eq!(answer.metadata().get("larder-late-views").unwrap(), "item_stats");
    let answer = answer.into_inner();
    let names = answer.metadata.unwrap().feature_names.unwrap().val;
    let statuses = answer.results.iter().map(|column| column.statuses[0]);
    let found: Vec<(&str, i32)> = names.iter().map(String::as_str).zip(statuses).collect();
    for expected in [("visits", PRESENT), ("price", INVALID), ("price_vs_spend", INVALID)] {
        assert!(found.contains(&expected), "{expected:?} in {found:?}");
    }
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_up_has_its_partial_results_chunk_by_chunk() {
    let shop = shop("item_stats").await;
    let mut client = LookupServiceClient::new(channel(&shop).await);
    let request = || BatchGetRequest {
        kind: Some(LookupKind::Features(features())),
        entities: entities(5),
        format: ChunkFormat::Columns.into(),
        chunk_rows: 2,
        ..Default::default()
    };
    let whole = call(request(), &[("larder-timeout-ms", "300")]);
    let mut stream = client.batch_get(whole).await.unwrap().into_inner();
    assert_eq!(stream.message().await.unwrap_err().code(), tonic::Code::DeadlineExceeded);
    let partial = call(request(), &[("larder-timeout-ms", "1000"), PARTIAL]);
    let mut stream = client.batch_get(partial).await.unwrap().into_inner();
    let mut chunks = Vec::new();
    while let Some(message) = stream.message().await.unwrap() {
        let Some(Chunk::Columns(chunk)) = message.chunk else { panic!("no columns") };
        for column in chunk.columns.iter().filter(|column| !column.name.ends_with("_id")) {
            let expected = if column.name == "visits" { PRESENT } else { INVALID };
            let all = vec![expected; message.rows as usize];
            assert_eq!(column.statuses, all, "{} from row {}", column.name, message.first_row);
        }
        chunks.push((message.first_row, message.rows));
    }
    assert_eq!(chunks, [(0, 2), (2, 2), (4, 1)]);
    shop.stop().await;
}
