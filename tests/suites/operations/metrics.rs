use larder_tests::{free_port, get};
use serde_json::json;

use crate::{applied, request, served};

#[test]
fn metrics_are_served_on_their_own_port_when_asked_for() {
    let repository = applied();
    let port = free_port().to_string();
    let page = format!("http://127.0.0.1:{port}/metrics");
    let count = |arguments: &[&str]| {
        let server = served(&repository, arguments);
        server.post("/get-online-features", &request());
        let text = get(&page).expect("metrics are served").body;
        let line =
            text.lines().find(|line| line.starts_with("feast_online_features_request_total"));
        line.map(str::to_owned)
    };
    let one = Some("feast_online_features_request_total 1".to_owned());
    assert_eq!(count(&["--metrics-port", &port]), one);
    // Feast's own switch, with the port of Larder's file.
    let settings = repository.read("feature_store.yaml");
    let feast = "feature_server: {type: local, enabled: true, metrics: {enabled: true}}\n";
    repository.write("feature_store.yaml", format!("{settings}{feast}"));
    repository.write("larder.yaml", format!("serving: {{metrics_port: {port}}}\n"));
    assert_eq!(count(&[]), one);
    repository.write("feature_store.yaml", settings);
    let _server = served(&repository, &[]);
    get(&page).expect_err("metrics are off by default");
}

#[test]
fn the_store_its_connections_and_its_cache_are_counted() {
    let repository = applied();
    repository.write("larder.yaml", "online_store: {cache: {ttl_ms: 600000}}\n");
    let port = free_port().to_string();
    let server = served(&repository, &["--metrics-port", &port]);
    let request = json!({"features": ["trips:count"], "entities": {"driver_id": [1, 2, 3]}});
    for _ in 0..2 {
        assert_eq!(server.post("/get-online-features", &request).status, 200);
    }
    // A file that takes the place of ours and is no database.
    repository.write("data/broken", "no database, but of more than a hundred bytes ".repeat(100));
    let data = repository.path().join("data");
    std::fs::rename(data.join("broken"), data.join("online.db")).expect("it takes its place");
    let request = json!({"features": ["trips:count"], "entities": {"driver_id": [4]}});
    assert!(server.post("/get-online-features", &request).status >= 500);
    let text = get(&format!("http://127.0.0.1:{port}/metrics")).expect("metrics are served").body;
    for line in [
        r#"larder_online_store_call_duration_seconds_count{operation="write"} 1"#,
        // Two looks into the cache for the same three rows, one for the row of a broken file.
        r#"larder_online_store_call_duration_seconds_count{operation="read"} 2"#,
        r#"larder_online_store_cache_rows_total{result="hit"} 3"#,
        r#"larder_online_store_cache_rows_total{result="miss"} 4"#,
        r#"larder_online_store_cache_rows_total{result="shared"} 0"#,
        r#"larder_online_store_calls_in_flight{store="sqlite"} 0"#,
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
    }
    let has = |start: &str| text.lines().any(|line| line.starts_with(start));
    assert!(has(r#"larder_online_store_connections{store="sqlite"} "#), "{text}");
    assert!(has("larder_online_store_errors_total{kind="), "{text}");
}
