//! Feast's own clients of a server that speaks TLS.

use larder_tests::{Certificate, Feast, Repository, Server};
use serde_json::{Value, json};

/// A served shop over TLS; `cert.pem` of the repository is what its clients trust.
fn served(feast: &Feast) -> (Repository, Server) {
    let repository = Repository::shop(feast, "");
    repository.fs().ok(&["apply"]);
    repository.fs().ok(&["materialize", "2026-01-01T00:00:00", "2100-01-01T00:00:00"]);
    Certificate::new().write(&repository.path());
    let server = Server::fs_tls(&repository.path());
    (repository, server)
}

/// What the `remote` store reads, with these lines more in its section.
fn read(feast: &Feast, repository: &Repository, server: &Server, more: &str) -> Value {
    let client = Repository::with(&[(
        "feature_store.yaml",
        &format!(
            "project: ecommerce\nprovider: local\nregistry: {}\nentity_key_serialization_version: 3\n\
             online_store:\n  type: remote\n  path: \"{}\"\n{more}offline_store: {{type: file}}\n",
            repository.file("data/registry.db"),
            server.url(""),
        ),
    )]);
    let request = json!([{
        "features": ["product_features:price"], "entities": {"product_id": ["p1", "nothing"]}
    }]);
    feast.script("online_read.py", &[&client.file(""), &request.to_string()])[0].take()
}

#[test]
fn the_remote_store_reads_over_tls_when_it_trusts_the_certificate() {
    let feast = Feast::get();
    let (repository, server) = served(&feast);
    let trusting = format!("  cert: {}\n", repository.file("cert.pem"));
    let answer = read(&feast, &repository, &server, &trusting);
    assert!(answer["price"][0].is_number(), "{answer}");
    assert_eq!(answer["price"][1], Value::Null, "{answer}");
    let answer = read(&feast, &repository, &server, "");
    assert!(answer["error"].is_string(), "an unknown certificate was accepted: {answer}");
}

#[test]
fn grpc_answers_an_encrypted_channel_and_no_other() {
    let feast = Feast::get();
    let (repository, server) = served(&feast);
    let requests = json!([{
        "service": "feast.serving.ServingService", "method": "GetOnlineFeatures",
        "request": {
            "features": {"val": ["product_features:price"]},
            "entities": {"product_id": {"val": [{"string_val": "p1"}]}},
        },
    }])
    .to_string();
    let address = server.grpc_address();
    let certificate = repository.file("cert.pem");
    let answers = feast.script("grpc_calls.py", &[&address, &requests, &certificate]);
    assert!(answers[0]["results"][1]["values"][0]["double_val"].is_number(), "{answers}");
    let answers = feast.script("grpc_calls.py", &[&address, &requests]);
    assert_eq!(answers[0]["code"], "UNAVAILABLE", "{answers}");
}
