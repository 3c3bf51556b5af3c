use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::Float64Type;
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use futures::stream;
use serde_json::{Value, json};
use tonic::Code;

use super::fixture::{Flights, nothing, pull, put, times, upload};
use crate::fixture::NOW;

/// Rows for one user and one item, now.
fn entities() -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable([
        ("user_id", Arc::new(Int64Array::from(vec![1, 2, 9])) as ArrayRef, true),
        ("item_id", Arc::new(StringArray::from(vec!["a", "b", "c"])), true),
        ("hour", Arc::new(Int64Array::from(vec![9, 20, 12])), true),
        ("event_timestamp", times(&[NOW.micros(); 3]), true),
    ])
    .unwrap()
}

fn items() -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable([
        ("item_id", Arc::new(StringArray::from(vec!["a", "b"])) as ArrayRef, true),
        ("event_timestamp", times(&[NOW.micros() - 1; 2]), true),
        ("price", Arc::new(arrow_array::Float64Array::from(vec![10.0, 20.0])), true),
    ])
    .unwrap()
}

fn historical(views: &Value, aliases: &Value, features: &Value, full: bool) -> Value {
    json!({"api": "get_historical_features", "feature_view_names": views, "name_aliases": aliases,
           "feature_refs": features, "project": "shop", "full_feature_names": full})
}

async fn answered(flights: &Flights, command: &Value) -> RecordBatch {
    let messages = upload(command, &entities()).await;
    let batches = flights.exchange(stream::iter(messages)).await.unwrap();
    assert_eq!(batches.len(), 1);
    batches.into_iter().next().unwrap()
}

fn floats(batch: &RecordBatch, name: &str) -> Vec<Option<f64>> {
    batch.column_by_name(name).expect(name).as_primitive::<Float64Type>().iter().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alias_that_no_service_knows_is_another_name_of_the_view() {
    let flights = Flights::start().await;
    let command =
        historical(&json!(["user_stats"]), &json!(["mine"]), &json!(["mine:spend"]), true);
    let answer = answered(&flights, &command).await;
    assert_eq!(floats(&answer, "mine__spend"), [Some(40.0), Some(80.0), None]);
    flights.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn computed_features_come_with_their_inputs() {
    let flights = Flights::start().await;
    put(flights.files(), "item.parquet", &items());
    let views = json!(["user_stats", "item_stats"]);
    // In any order, as a Python set has them.
    let features = json!(["item_stats:price", "interaction:price_vs_spend", "user_stats:spend"]);
    let command = historical(&views, &json!([null, null]), &features, false);
    let answer = answered(&flights, &command).await;
    assert_eq!(floats(&answer, "price_vs_spend"), [Some(0.25), Some(0.25), None]);
    assert_eq!(floats(&answer, "price"), [Some(10.0), Some(20.0), None]);
    assert_eq!(floats(&answer, "spend"), [Some(40.0), Some(80.0), None]);
    flights.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_rows_has_its_schema() {
    let flights = Flights::start().await;
    let command =
        historical(&json!(["user_stats"]), &json!([null]), &json!(["user_stats:visits"]), false);
    let none = entities().slice(0, 0);
    let mut client = flights.client().await;
    let answer = client.do_exchange(stream::iter(upload(&command, &none).await)).await.unwrap();
    let mut messages = answer.into_inner();
    let schema = messages.message().await.unwrap().expect("a schema comes without any row");
    let schema = arrow_schema::Schema::try_from(&schema).unwrap();
    assert!(schema.field_with_name("visits").is_ok(), "{schema:?}");
    flights.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_have_the_classes_of_feast() {
    let flights = Flights::start().await;
    let users = json!(["user_stats"]);
    let spend = json!(["user_stats:spend"]);
    let one = json!([null]);
    let mut elsewhere = historical(&users, &one, &spend, false);
    elsewhere["project"] = "other".into();
    let file = |uri: &str| {
        let source = json!({"name": "x", "type": "BATCH_FILE", "fileOptions": {"uri": uri}});
        json!({"api": "get_table_column_names_and_types_from_data_source",
               "data_source_proto": source.to_string()})
    };
    for (command, code, class) in [
        (elsewhere, Code::NotFound, "FeatureViewNotFoundException"),
        (
            historical(&users, &one, &json!(["ghost:x"]), false),
            Code::NotFound,
            "FeatureViewNotFoundException",
        ),
        (file("/etc/passwd"), Code::PermissionDenied, "FeastPermissionError"),
        (file("../user.parquet"), Code::PermissionDenied, "FeastPermissionError"),
        (file("no.parquet"), Code::NotFound, "no.parquet"),
        (json!({"api": "persist"}), Code::InvalidArgument, "retrieve_func"),
    ] {
        let status = flights.refused(&command).await;
        assert_eq!(status.code(), code, "{status}");
        assert!(status.message().contains(class), "{status}");
    }
    // Rows, but not their keys.
    let command = historical(&users, &one, &spend, false);
    let without = entities().project(&[1, 3]).unwrap();
    let messages = upload(&command, &without).await;
    let status = flights.exchange(stream::iter(messages)).await.unwrap_err();
    assert!(status.message().contains("FeastEntityDFMissingColumnsError"), "{status}");
    flights.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_dataset_never_takes_the_place_of_the_rows_of_a_view() {
    let flights = Flights::start().await;
    let before = std::fs::read(flights.files().join("user.parquet")).unwrap();
    let mut command = pull();
    command["api"] = "persist".into();
    command["retrieve_func"] = "pull_all_from_table_or_query".into();
    command["allow_overwrite"] = true.into();
    let status = flights.put(upload(&command, &nothing()).await).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument, "{status}");
    assert_eq!(std::fs::read(flights.files().join("user.parquet")).unwrap(), before);
    flights.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_is_validated_by_its_times() {
    let flights = Flights::start().await;
    let validate = |uri: &str, time: &str| {
        let source = json!({"name": "x", "type": "BATCH_FILE", "timestampField": time,
                            "fileOptions": {"uri": uri}});
        json!({"api": "validate_data_source", "data_source_proto": source.to_string()})
    };
    for (uri, time, code) in [
        ("user.parquet", "event_timestamp", Code::Ok),
        ("user.parquet", "spend", Code::InvalidArgument),
        ("user.parquet", "gone", Code::InvalidArgument),
        ("not_yet.parquet", "event_timestamp", Code::Ok),
    ] {
        let messages = upload(&validate(uri, time), &nothing()).await;
        let put = flights.put(messages).await;
        assert_eq!(put.err().map_or(Code::Ok, |status| status.code()), code, "{uri} {time}");
    }
    flights.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_and_rows_are_counted() {
    let flights = Flights::start().await;
    flights.exchange(stream::iter(upload(&pull(), &nothing()).await)).await.unwrap();
    flights.refused(&json!({"api": "zzz"})).await;
    let url = format!("http://{}/metrics", flights.metrics);
    let page = tokio::task::spawn_blocking(move || {
        ureq::get(url).call().unwrap().body_mut().read_to_string().unwrap()
    });
    let page = page.await.unwrap();
    let api = "pull_all_from_table_or_query";
    for line in [
        format!(r#"larder_offline_commands_total{{api="{api}",kind=""}} 1"#),
        r#"larder_offline_commands_total{api="unknown",kind="unsupported"} 1"#.to_owned(),
        format!(r#"larder_offline_rows_total{{api="{api}",direction="out"}} 2"#),
        r#"larder_requests_total{endpoint="/arrow.flight.protocol.FlightService/DoExchange",kind="",protocol="grpc",status="OK"} 1"#
            .to_owned(),
    ] {
        assert!(page.lines().any(|found| found == line), "{line} in\n{page}");
    }
    flights.stop().await;
}
