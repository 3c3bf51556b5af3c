//! Arrow answers of the HTTP server.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float64Type, Int8Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array as _, RecordBatch};
use arrow_ipc::reader::StreamReader;
use larder_core::Compat;
use serde_json::{Value, json};

use crate::fixture::Shop;

const ARROW: &str = "application/vnd.apache.arrow.stream";

fn ask(shop: &Shop, accept: &str, body: &Value) -> (u16, String, Vec<u8>) {
    let mut response = shop
        .client
        .post(format!("http://{}/get-online-features", shop.http))
        .header("content-type", "application/json")
        .header("accept", accept)
        .send(body.to_string())
        .unwrap();
    let media_type = response.headers()["content-type"].to_str().unwrap().to_owned();
    (response.status().as_u16(), media_type, response.body_mut().read_to_vec().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_arrow_answer_has_the_values_of_the_json_answer() {
    let shop = Shop::open(Compat::Larder).await;
    let body = json!({"features": ["user_stats:spend", "user_stats:visits"],
        "entities": {"user_id": [1, 2, 3, 9]}});
    let (status, media_type, bytes) = ask(&shop, ARROW, &body);
    assert_eq!((status, media_type.as_str()), (200, ARROW));
    let batches: Vec<RecordBatch> =
        StreamReader::try_new(bytes.as_slice(), None).unwrap().map(Result::unwrap).collect();
    let [batch] = batches.as_slice() else { panic!("one batch") };
    let names: Vec<_> = batch.schema().fields().iter().map(|field| field.name().clone()).collect();
    let expected = [
        "user_id",
        "spend",
        "spend:status",
        "visits",
        "visits:status",
        "user_stats:event_timestamp",
    ];
    assert_eq!(names, expected);
    let (_, answer) = shop.post("/get-online-features", &body);
    let spend = batch["spend"].as_primitive::<Float64Type>();
    let visits = batch["visits"].as_primitive::<Int64Type>();
    let times = batch["user_stats:event_timestamp"].as_primitive::<TimestampMicrosecondType>();
    for row in 0..4 {
        let json_spend = answer["results"][1]["values"][row].as_f64();
        assert_eq!(spend.is_valid(row).then(|| spend.value(row)), json_spend);
        let json_visits = answer["results"][2]["values"][row].as_i64();
        assert_eq!(visits.is_valid(row).then(|| visits.value(row)), json_visits);
    }
    // PRESENT, OUTSIDE_MAX_AGE, NULL_VALUE, NOT_FOUND as Feast numbers them.
    assert_eq!(batch["spend:status"].as_primitive::<Int8Type>().values(), &[1, 4, 2, 3]);
    assert!(times.is_null(3), "there is no row of user 9");
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_for_the_same_features_get_the_columns_that_they_ask_for() {
    let shop = Shop::open(Compat::Larder).await;
    let bare = json!({"features": ["user_stats:spend"], "entities": {"user_id": [1]}});
    let mut versioned = bare.clone();
    versioned["include_feature_view_version_metadata"] = json!(true);
    let mut versions = Vec::new();
    for body in [&bare, &versioned, &bare] {
        let (status, _, bytes) = ask(&shop, ARROW, body);
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&bytes));
        let mut stream = StreamReader::try_new(bytes.as_slice(), None).unwrap();
        let schema = stream.schema();
        let batch = stream.next().unwrap().unwrap();
        assert_eq!(batch.schema(), schema);
        assert_eq!(batch["user_id"].len(), 1);
        assert!(stream.next().is_none());
        versions.push(schema.metadata().contains_key("version:user_stats"));
    }
    assert_eq!(versions, [false, true, false]);
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_and_what_was_not_asked_for_as_arrow_are_json() {
    let shop = Shop::open(Compat::Larder).await;
    let good = json!({"features": ["user_stats:spend"], "entities": {"user_id": [1]}});
    let bad = json!({"features": ["nope:x"], "entities": {"user_id": [1]}});
    for (accept, body, expected) in
        [(ARROW, &bad, 404), ("application/json", &good, 200), ("*/*", &good, 200)]
    {
        let (status, media_type, bytes) = ask(&shop, accept, body);
        assert_eq!((status, media_type.as_str()), (expected, "application/json"));
        serde_json::from_slice::<Value>(&bytes).unwrap();
    }
    shop.stop().await;
}
