//! Feast's own `remote` online store as the client of `fs serve` and of `feast serve`.

use larder_tests::{Feast, Repository, Server};
use serde_json::{Value, json};

const SQLITE: &str = "online_store: {type: sqlite, path: data/online.db}";

/// A repository whose rows Feast itself materialized, so that both servers read the same file.
fn materialized(feast: &Feast, end: &str) -> Repository {
    let repository = Repository::shop(feast, SQLITE);
    feast.ok(&repository.path(), &["apply"]);
    feast.ok(&repository.path(), &["materialize", "2026-01-01T00:00:00", end]);
    repository
}

/// A client repository: the same registry, and the server as its online store.
fn client(repository: &Repository, server: &Server) -> Repository {
    Repository::with(&[(
        "feature_store.yaml",
        &format!(
            "project: ecommerce\nprovider: local\nregistry: {}\nentity_key_serialization_version: 3\n\
             online_store: {{type: remote, path: \"{}\"}}\noffline_store: {{type: file}}\n",
            repository.file("data/registry.db"),
            server.url("")
        ),
    )])
}

fn requests() -> Value {
    let users = json!(["u1", "u2", "u3", "u2", "nobody"]);
    let products = json!(["p1", "p2", "p3", "p2", "nothing"]);
    let devices = json!(["mobile", "desktop", "tablet", "mobile", "mobile"]);
    let stored =
        json!(["user_behavior_features:avg_order_value", "user_behavior_features:device_type"]);
    json!([
        {"features": stored, "entities": {"user_id": users}},
        {"features": stored, "entities": {"user_id": users}, "full_feature_names": true},
        {"feature_service": "user_profile", "entities": {"user_id": users}},
        {"feature_service": "recommendation_v1",
         "entities": {"user_id": users, "product_id": products, "session_device": devices}},
        {"features": ["product_features:price", "interaction_features:price_vs_avg_order"],
         "entities": {"user_id": users, "product_id": products, "session_device": devices}},
        {"features": ["no_such_view:price"], "entities": {"user_id": users}},
    ])
}

fn answers(feast: &Feast, repository: &Repository, server: &Server) -> Value {
    let client = client(repository, server);
    let requests = requests().to_string();
    feast.script("online_read.py", &[&client.file(""), &requests])
}

#[test]
fn the_remote_client_gets_from_fs_what_it_gets_from_feast() {
    let feast = Feast::get();
    let repository = materialized(&feast, "2100-01-01T00:00:00");
    let from_feast = {
        let server = Server::feast(&feast, &repository.path());
        answers(&feast, &repository, &server)
    };
    let server = Server::fs(&repository.path());
    let from_fs = answers(&feast, &repository, &server);
    assert_eq!(from_fs, from_feast);
    assert!(from_fs[0]["avg_order_value"][0].is_number(), "{from_fs}");
    assert!(from_fs[3]["price"][0].is_number(), "{from_fs}");
}

#[test]
fn expired_values_are_answered_as_feast_does_only_when_asked_for() {
    let feast = Feast::get();
    let repository = Repository::shop(&feast, SQLITE);
    // The views keep rows for 30 days: shorten that to less than a day and look at old rows only.
    let definitions =
        repository.read("features.py").replace("timedelta(days=30)", "timedelta(hours=1)");
    repository.write("features.py", definitions);
    feast.ok(&repository.path(), &["apply"]);
    let yesterday = feast.script("time_ago.py", &["25"]);
    let yesterday = yesterday.as_str().expect("a time");
    feast.ok(&repository.path(), &["materialize", "2026-01-01T00:00:00", yesterday]);

    let request = json!({
        "features": ["product_features:price"], "entities": {"product_id": ["p1", "nothing"]}
    });
    let answered = |statuses: Value, has_value: bool| {
        let server = Server::fs(&repository.path());
        let answer = server.post("/get-online-features", &request).json();
        let price = answer["metadata"]["feature_names"].as_array().expect("names");
        let price = price.iter().position(|name| name == "price").expect("price is answered");
        assert_eq!(answer["results"][price]["statuses"], statuses, "{answer}");
        assert_eq!(answer["results"][price]["values"][0].is_number(), has_value, "{answer}");
    };
    answered(json!(["OUTSIDE_MAX_AGE", "NOT_FOUND"]), false);
    repository.write("larder.yaml", "compat: feast\n");
    answered(json!(["PRESENT", "NOT_FOUND"]), true);
}

/// Rows of two products; the second call has an older row of one of them.
fn products(feast: &Feast) -> Value {
    let [now, earlier] = ["0", "1"].map(|hours| feast.script("time_ago.py", &[hours]));
    json!([
        {"product_id": ["p1", "p2"], "category": ["books", null], "price": [12.5, 7.25],
         "popularity_score": [0.25, 0.5], "event_timestamp": [now, now], "created": [now, now]},
        {"product_id": ["p1"], "category": ["old"], "price": [99.0], "popularity_score": [0.125],
         "event_timestamp": [earlier], "created": [earlier]},
    ])
}

/// What the SDK reads from the store of a server that the SDK, too, wrote to through `remote`.
fn written(feast: &Feast, repository: &Repository, server: &Server, rows: &Value) -> Value {
    let client = client(repository, server);
    let (folder, rows) = (client.file(""), rows.to_string());
    feast.script("remote_write.py", &[&folder, "product_features", &rows]);
    let request = json!([{
        "features": ["product_features:category", "product_features:price"],
        "entities": {"product_id": ["p1", "p2", "nothing"]},
    }]);
    feast.script("online_read.py", &[&repository.file(""), &request.to_string()])[0].clone()
}

#[test]
fn the_remote_client_writes_to_fs_as_to_feast_and_no_older_row_wins() {
    let feast = Feast::get();
    let rows = products(&feast);
    let applied = || {
        let repository = Repository::shop(&feast, SQLITE);
        feast.ok(&repository.path(), &["apply"]);
        repository
    };
    let repository = applied();
    let server = Server::fs(&repository.path());
    let through_fs = written(&feast, &repository, &server, &rows);
    let newest = json!({"product_id": ["p1", "p2", "nothing"],
        "category": ["books", null, null], "price": [12.5, 7.25, null]});
    assert_eq!(through_fs, newest);
    // Feast's SQLite store has no guard: the same but for the row that came too late.
    let repository = applied();
    let server = Server::feast(&feast, &repository.path());
    let first = json!([rows[0]]);
    assert_eq!(written(&feast, &repository, &server, &first), newest);
    let late = written(&feast, &repository, &server, &json!([rows[1]]));
    assert_eq!((&late["price"][0], &late["price"][1]), (&json!(99.0), &json!(7.25)));
}
