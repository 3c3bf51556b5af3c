use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use larder_core::{Catalog, Compat};
use larder_proto::feast::serving::get_online_features_request::Kind;
use larder_proto::feast::serving::serving_service_client::ServingServiceClient;
use larder_proto::feast::serving::{FeatureList, GetOnlineFeaturesRequest};
use larder_serving::{METRICS, MetricDefinition, STREAM_METRICS};
use serde_json::json;

use crate::fixture::{Shop, parts};

/// Series by name with labels, as scraped.
fn scrape(shop: &Shop) -> BTreeMap<String, f64> {
    let mut page = shop.client.get(format!("http://{}/metrics", shop.metrics)).call().unwrap();
    assert_eq!(page.headers()["content-type"], "text/plain; version=0.0.4");
    let text = page.body_mut().read_to_string().unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(series, value)| (series.to_owned(), value.parse().unwrap()))
        .collect()
}

fn read(shop: &Shop) -> u16 {
    let body = json!({"features": ["user_stats:spend", "user_stats:visits"], "entities": {"user_id": [1, 2, 3, 9]}});
    shop.post("/get-online-features", &body).0
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_statuses_and_pushes_are_counted_under_feasts_names() {
    let shop = Shop::open(Compat::Larder).await;
    let before = scrape(&shop);
    assert_eq!(before.get("feast_online_features_request_total"), Some(&0.0));
    assert_eq!(read(&shop), 200);
    let unknown = json!({"features": ["nope:x"], "entities": {"user_id": [1]}});
    assert_eq!(shop.post("/get-online-features", &unknown).0, 404);
    let after = scrape(&shop);
    for (series, value) in [
        (
            r#"feast_feature_server_request_total{endpoint="/get-online-features",status="success"}"#,
            1.0,
        ),
        (
            r#"feast_feature_server_request_total{endpoint="/get-online-features",status="error"}"#,
            1.0,
        ),
        (
            r#"feast_feature_server_request_latency_seconds_count{endpoint="/get-online-features",feature_count="1-10",feature_view_count="1"}"#,
            1.0,
        ),
        (
            r#"feast_feature_server_request_latency_seconds_count{endpoint="/get-online-features",feature_count="",feature_view_count=""}"#,
            1.0,
        ),
        ("feast_online_features_request_total", 1.0),
        ("feast_online_features_entity_count_sum", 4.0),
        (r#"feast_online_features_status_total{feature_view="user_stats",status="present"}"#, 6.0),
        (
            r#"feast_online_features_status_total{feature_view="user_stats",status="not_found"}"#,
            2.0,
        ),
        (r#"feast_push_request_total{mode="online",push_source="user_push"}"#, 1.0),
        (r#"feast_push_request_total{mode="offline",push_source="user_push"}"#, 0.0),
        ("feast_feature_server_online_store_read_duration_seconds_count", 1.0),
    ] {
        assert_eq!(after.get(series), Some(&value), "{series}");
    }
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn statuses_error_kinds_stages_and_ages_are_larders_own() {
    let shop = Shop::open(Compat::Larder).await;
    assert_eq!(read(&shop), 200);
    shop.post(
        "/get-online-features",
        &json!({"features": ["nope:x"], "entities": {"user_id": [1]}}),
    );
    shop.post("/get-online-features", &json!([]));
    shop.post("/made/up", &json!({}));
    let channel = tonic::transport::Channel::from_shared(format!("http://{}", shop.grpc)).unwrap();
    let mut client = ServingServiceClient::new(channel.connect().await.unwrap());
    let kind = Kind::Features(FeatureList { val: vec!["nope:x".to_owned()] });
    let request = GetOnlineFeaturesRequest { kind: Some(kind), ..Default::default() };
    client.get_online_features(request).await.unwrap_err();
    let page = scrape(&shop);
    for (series, value) in [
        (
            r#"larder_requests_total{endpoint="/get-online-features",kind="",protocol="http",status="200"}"#,
            1.0,
        ),
        (
            r#"larder_requests_total{endpoint="/get-online-features",kind="not_found",protocol="http",status="404"}"#,
            1.0,
        ),
        (
            r#"larder_requests_total{endpoint="/get-online-features",kind="invalid",protocol="http",status="422"}"#,
            1.0,
        ),
        (
            r#"larder_requests_total{endpoint="other",kind="invalid",protocol="http",status="404"}"#,
            1.0,
        ),
        (
            r#"larder_requests_total{endpoint="/feast.serving.ServingService/GetOnlineFeatures",kind="not_found",protocol="grpc",status="NOT_FOUND"}"#,
            1.0,
        ),
        (r#"larder_feature_values_total{feature_view="user_stats",status="PRESENT"}"#, 3.0),
        (r#"larder_feature_values_total{feature_view="user_stats",status="NULL_VALUE"}"#, 1.0),
        (r#"larder_stage_duration_seconds_count{stage="store"}"#, 1.0),
        (r#"larder_stage_duration_seconds_count{stage="encode"}"#, 1.0),
        (r#"larder_served_row_age_seconds_count{feature_view="user_stats"}"#, 1.0),
        (r#"larder_online_store_call_duration_seconds_count{operation="read"}"#, 1.0),
        // The two pushes of the shop.
        (r#"larder_online_store_call_duration_seconds_count{operation="write"}"#, 2.0),
    ] {
        assert_eq!(page.get(series), Some(&value), "{series}");
    }
    // The row of user 2 is of the first of January, thirty and a half days ago.
    let age = page[r#"larder_served_row_age_seconds_sum{feature_view="user_stats"}"#];
    assert!((age - 30.5 * 86_400.0).abs() < 1.0, "{age}");
    assert!(page["larder_connections"] >= 1.0);
    assert!(page["process_resident_memory_bytes"] > 0.0);
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_leaves_the_catalog_leaves_the_metrics() {
    let shop = Shop::open(Compat::Larder).await;
    assert_eq!(read(&shop), 200);
    let of_users = |page: &BTreeMap<String, f64>| {
        page.keys().filter(|series| series.contains("\"user_")).count()
    };
    assert!(of_users(&scrape(&shop)) > 0);
    let mut smaller = parts();
    smaller.version = "2".to_owned();
    smaller.feature_views.retain(|view| view.name != "user_stats");
    smaller.on_demand_feature_views.clear();
    smaller.feature_services.clear();
    shop.source.push(Catalog::new(smaller));
    let limit = Instant::now() + Duration::from_secs(10);
    while of_users(&scrape(&shop)) > 0 {
        assert!(Instant::now() < limit, "series of a view that is gone stay");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let changes = r#"larder_registry_reloads_total{result="changed"}"#;
    assert_eq!(scrape(&shop).get(changes), Some(&1.0));
    shop.stop().await;
}

/// The table of the page.
fn table(metrics: &[MetricDefinition]) -> String {
    let row = |metric: &MetricDefinition| {
        let labels: Vec<_> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        format!(
            "| `{}` | {} | {} | {} |",
            metric.name,
            metric.kind.name(),
            labels.join(", "),
            metric.help
        )
    };
    metrics.iter().fold(String::new(), |mut text, metric| {
        writeln!(text, "{}", row(metric)).unwrap();
        text
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_lists_exactly_what_a_server_exposes() {
    let page = include_str!("../../../docs/reference/metrics.md");
    for metrics in [METRICS, STREAM_METRICS] {
        let table = table(metrics);
        assert!(page.contains(&table), "docs/reference/metrics.md must contain:\n{table}");
    }
    let shop = Shop::open(Compat::Larder).await;
    assert_eq!(read(&shop), 200);
    let exposed = scrape(&shop);
    for series in exposed.keys().filter(|series| !series.starts_with("process_")) {
        let name = series.split('{').next().unwrap();
        let known = METRICS.iter().any(|metric| {
            let rest = name.strip_prefix(metric.name);
            rest.is_some_and(|rest| ["", "_bucket", "_sum", "_count"].contains(&rest))
        });
        assert!(known, "{series} is not on the page");
    }
    // No view was materialized, the embedded store has no connections, nothing fails, and no offline server runs.
    let absent = [
        "feast_feature_freshness_seconds",
        "larder_online_store_connections",
        "larder_online_store_calls_",
        "larder_online_store_errors_total",
        "larder_offline_",
    ];
    let is_absent = |name: &str| absent.iter().any(|absent| name.starts_with(absent));
    for metric in METRICS.iter().filter(|metric| !is_absent(metric.name)) {
        let is_exposed = exposed.keys().any(|series| series.starts_with(metric.name));
        assert!(is_exposed, "{} is never exposed", metric.name);
    }
    shop.stop().await;
}
