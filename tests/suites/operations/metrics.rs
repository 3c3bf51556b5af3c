use larder_tests::{free_port, get};

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
