//! `POST /materialize` and `/materialize-incremental`, done at once or taken up for later.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use futures::FutureExt as _;
use larder_core::{Interval, Timestamp};
use larder_proto::convert::parse_timestamp;
use parquet::arrow::ArrowWriter;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::fixture::{Setup, Shop};
use crate::waiting_store::held_writes;

const RANGE: &str = "/materialize";
const INCREMENTAL: &str = "/materialize-incremental";

/// A shop with files of items and users behind its views; no write goes through while `gate` has no permit.
async fn shop(gate: &Arc<Semaphore>) -> Shop {
    let gate = Arc::clone(gate);
    let around = held_writes(move || {
        let gate = Arc::clone(&gate);
        async move { drop(gate.acquire().await.unwrap()) }.boxed()
    });
    let shop = Shop::start(Setup { around: Some(around), ..Setup::default() }).await;
    items(shop.files());
    shop
}

fn open_gate() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(1))
}

/// Closes a gate; [`Semaphore::add_permits`] opens it.
async fn close(gate: &Semaphore) {
    gate.acquire().await.unwrap().forget();
}

/// Items `m` and `n`, priced on the first of January and on the first of February.
fn items(folder: &Path) {
    let times = ["2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"].map(|text| at(text).micros());
    let columns: [(&str, ArrayRef); 3] = [
        ("item_id", Arc::new(StringArray::from(vec!["m", "n"]))),
        ("price", Arc::new(Float64Array::from(vec![1.5, 2.5]))),
        (
            "event_timestamp",
            Arc::new(TimestampMicrosecondArray::from(times.to_vec()).with_timezone("UTC")),
        ),
    ];
    let rows = RecordBatch::try_from_iter(columns).unwrap();
    let file = File::create(folder.join("item.parquet")).unwrap();
    let mut writer = ArrowWriter::try_new(file, rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
}

fn at(text: &str) -> Timestamp {
    parse_timestamp(text).unwrap()
}

fn between(start: &str, end: &str) -> (String, Interval) {
    ("item_stats".to_owned(), Interval { start: at(start), end: at(end) })
}

/// The prices of items `m` and `n`.
fn prices(shop: &Shop) -> Value {
    let body = json!({"features": ["item_stats:price"], "entities": {"item_id": ["m", "n"]}});
    let (_, answer) = shop.post("/get-online-features", &body);
    let times = &answer["results"][1];
    let found = |row: usize| times["statuses"][row] != "NOT_FOUND";
    json!([found(0), found(1)])
}

fn january() -> Value {
    json!({"start_ts": "2026-01-01", "end_ts": "2026-01-31T00:00:00+00:00", "feature_views": ["item_stats"]})
}

/// Waits for what a job does.
fn until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_is_materialized_and_then_recorded() {
    let shop = shop(&open_gate()).await;
    assert_eq!(shop.post(RANGE, &january()), (200, Value::Null));
    assert_eq!(prices(&shop), json!([true, false]));
    let recorded = vec![between("2026-01-01T00:00:00Z", "2026-01-31T00:00:00Z")];
    assert_eq!(shop.intervals.recorded(), recorded);
    let all = json!({"disable_event_timestamp": true, "feature_views": ["item_stats"]});
    assert_eq!(shop.post(RANGE, &all), (200, Value::Null));
    // Until now, which is before the first of February.
    assert_eq!(prices(&shop), json!([true, false]));
    let none = json!({"start_ts": "2026-01-01", "end_ts": "2026-01-31", "feature_views": []});
    assert_eq!(shop.post(RANGE, &none), (200, Value::Null));
    assert_eq!(shop.intervals.recorded().len(), 2);
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incremental_run_begins_where_the_views_ttl_does() {
    let shop = shop(&open_gate()).await;
    let until = json!({"end_ts": "2026-02-02T00:00:00", "feature_views": ["item_stats"]});
    assert_eq!(shop.post(INCREMENTAL, &until), (200, Value::Null));
    // The ttl is a week.
    assert_eq!(prices(&shop), json!([false, true]));
    let recorded = vec![between("2026-01-24T12:00:00Z", "2026-02-02T00:00:00Z")];
    assert_eq!(shop.intervals.recorded(), recorded);
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_nobody_waits_for_is_accepted_at_once_and_done_later() {
    let gate = open_gate();
    let shop = shop(&gate).await;
    close(&gate).await;
    let accepted = (202, json!({"status": "accepted", "feature_views": ["item_stats"]}));
    assert_eq!(shop.post("/materialize?async=true", &january()), accepted);
    assert!(shop.intervals.recorded().is_empty());
    gate.add_permits(1);
    until("the run is recorded", || !shop.intervals.recorded().is_empty());
    assert_eq!(prices(&shop), json!([true, false]));
    let end = json!({"end_ts": "2026-02-02", "feature_views": ["item_stats"]});
    until("the next run is taken up", || {
        shop.post("/materialize-incremental?async=true", &end) == accepted
    });
    until("the next run is recorded", || shop.intervals.recorded().len() == 2);
    assert_eq!(prices(&shop), json!([true, true]));
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_that_is_being_materialized_is_not_taken_up_again_unless_forced() {
    let gate = open_gate();
    let shop = shop(&gate).await;
    close(&gate).await;
    assert_eq!(shop.post("/materialize?async=true", &january()).0, 202);
    let end = json!({"end_ts": "2026-02-02", "feature_views": ["item_stats"]});
    for (path, body) in
        [("/materialize?async=true", january()), ("/materialize-incremental?async=1", end)]
    {
        let (status, answer) = shop.post(path, &body);
        assert_eq!((status, &answer["feature_views"]), (409, &json!(["item_stats"])));
        assert_eq!(
            answer["error"],
            "Cannot start async materialization — the following feature views are already in MATERIALIZING state: \
             ['item_stats']. Use ?force=true to override."
        );
    }
    assert_eq!(shop.post("/materialize?async=true&force=true", &january()).0, 202);
    gate.add_permits(1);
    until("both runs are recorded", || shop.intervals.recorded().len() == 2);
    until("the view is free again", || shop.post("/materialize?async=true", &january()).0 == 202);
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_has_begun_ends_well_when_the_server_stops_and_the_waiting_ones_are_left() {
    let gate = open_gate();
    let shop = shop(&gate).await;
    close(&gate).await;
    let force = || shop.post("/materialize?async=true&force=true", &january()).0;
    let mut accepted = 0;
    while force() == 202 {
        accepted += 1;
        assert!(accepted < 100, "runs wait without limit");
    }
    assert_eq!(force(), 503, "no more than a few runs wait");
    assert!(accepted >= 2, "{accepted}");
    shop.terminate();
    gate.add_permits(1);
    let intervals = Arc::clone(&shop.intervals);
    shop.stop().await;
    assert_eq!(intervals.recorded().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_materialized_is_refused_and_nothing_is_written() {
    let shop = shop(&open_gate()).await;
    let range = |views: Value| json!({"start_ts": "2026-01-01", "end_ts": "2026-02-01", "feature_views": views});
    let mut versioned = range(json!(["item_stats", "user_stats"]));
    versioned["version"] = json!("v1");
    for (path, body, status) in [
        (RANGE, json!({"feature_views": ["item_stats"]}), 400),
        (RANGE, json!({"start_ts": "2026-01-01", "feature_views": ["item_stats"]}), 400),
        (RANGE, json!({"start_ts": "2026-02-01", "end_ts": "2026-01-01"}), 400),
        (RANGE, json!({"start_ts": "soon", "end_ts": "2026-01-01"}), 400),
        (RANGE, json!({"start_ts": 1, "end_ts": "2026-01-01"}), 422),
        (RANGE, range(json!(["nope"])), 404),
        (RANGE, range(json!(["interaction"])), 400),
        (RANGE, range(json!("item_stats")), 422),
        (RANGE, range(json!([1])), 422),
        (RANGE, versioned, 400),
        ("/materialize?async=true", range(json!(["nope"])), 404),
        ("/materialize?async=maybe", range(json!(["item_stats"])), 422),
        ("/materialize?force=2", range(json!(["item_stats"])), 422),
        (INCREMENTAL, json!({}), 422),
        (INCREMENTAL, json!({"end_ts": "soon"}), 400),
        (INCREMENTAL, json!({"end_ts": "2026-02-01", "feature_views": ["nope"]}), 404),
        // Its file is missing.
        (RANGE, range(json!(["user_stats"])), 404),
    ] {
        let (got, answer) = shop.post(path, &body);
        assert_eq!(got, status, "{path} {body}: {answer}");
    }
    assert!(shop.intervals.recorded().is_empty());
    assert_eq!(prices(&shop), json!([false, false]));
    shop.stop().await;
}
