//! Vector search, where no store offers it: Feast's `redis`, `cassandra` and plain `sqlite` refuse it as `fs` does, and every
//! store of `fs` answers alike.

use larder_tests::{Answer, Cassandra, Feast, RedisServer, Repository, Server};
use serde_json::{Value, json};

fn repository(store: &str) -> Repository {
    let repository = Repository::copy_of("tests/repositories/vectors");
    let settings = format!(
        "project: search_{}\nprovider: local\nregistry: data/registry.db\n\
         entity_key_serialization_version: 3\n{store}\n",
        std::process::id()
    );
    repository.write("feature_store.yaml", settings);
    repository.fs().ok(&["apply"]);
    repository
}

const PATHS: [&str; 2] = ["/search", "/retrieve-online-documents"];

fn queries() -> [Value; 2] {
    let query = |api_version: u32| {
        json!({
            "features": ["documents:title", "documents:embedding"], "query": [1.0, 0.0], "top_k": 1,
            "distance_metric": "cosine", "api_version": api_version,
        })
    };
    [query(1), query(2)]
}

fn outcome(answer: &Answer) -> (u16, Value) {
    (answer.status, answer.json())
}

/// The one vector store of a server: the view, whatever holds it.
fn vector_store(server: &Server) -> Value {
    let listed = larder_tests::get(&server.url("/v1/vector_stores")).expect("an answer").json();
    let stores = listed["data"].as_array().expect("a list");
    let [store] = stores.as_slice() else { panic!("one view has an index: {listed}") };
    assert_eq!(store["name"], "documents");
    let id = store["id"].as_str().expect("a text");
    let one = larder_tests::get(&server.url(&format!("/v1/vector_stores/{id}")));
    assert_eq!(one.expect("an answer").json(), *store);
    store.clone()
}

#[track_caller]
fn refused(store: &str, name: &str) {
    let repository = repository(store);
    let server = Server::fs(&repository.path());
    for (path, query) in PATHS.iter().flat_map(|path| queries().map(|query| (path, query))) {
        let (status, body) = outcome(&server.post(path, &query));
        assert_eq!(status, 501, "{path} on {name}: {body}");
        let text = body.as_str().expect("a text");
        let expected = format!("online store {name} does not support online retrieval");
        assert!(text.contains(&expected), "{path} on {name}: {text}");
    }
    let id = vector_store(&server)["id"].as_str().expect("a text").to_owned();
    let path = format!("/v1/vector_stores/{id}/search");
    let (status, body) = outcome(&server.post(&path, &json!({"query": [1.0, 0.0]})));
    assert_eq!((status, &body["error"]["type"]), (422, &json!("invalid_request_error")), "{body}");
}

#[track_caller]
fn refused_as_by_feast(store: &str) {
    let feast = Feast::get();
    let repository = repository(store);
    repository.write("larder.yaml", "compat: feast\n");
    let theirs = Server::feast(&feast, &repository.path());
    let ours = Server::fs(&repository.path());
    for (path, query) in PATHS.iter().flat_map(|path| queries().map(|query| (path, query))) {
        let [feast, fs] = [&theirs, &ours].map(|server| outcome(&server.post(path, &query)));
        assert_eq!(feast.0, 500, "Feast searches: {}", feast.1);
        assert_eq!(fs, feast, "{path} {query}");
    }
    assert_eq!(vector_store(&ours), vector_store(&theirs));
}

const SQLITE: &str = "online_store: {type: sqlite, path: data/online.db}";

fn on_redis(check: fn(&str)) {
    let server = RedisServer::start(&[]);
    check(&format!("online_store: {{type: redis, connection_string: \"{}\"}}", server.address()));
}

#[test]
fn every_store_refuses_a_search_and_says_which_store_it_is() {
    refused(SQLITE, "sqlite");
    refused("online_store: {type: embedded, path: data/online}", "embedded");
    on_redis(|store| refused(store, "redis"));
    let cassandra = Cassandra::get(&Feast::get());
    for kind in ["cassandra", "scylladb"] {
        refused(&cassandra.online_store(kind), kind);
    }
}

#[test]
fn a_search_on_sqlite_is_refused_as_feast_refuses_it() {
    refused_as_by_feast(SQLITE);
}

#[test]
fn a_search_on_redis_is_refused_as_feast_refuses_it() {
    on_redis(refused_as_by_feast);
}

#[test]
fn a_search_on_cassandra_is_refused_as_feast_refuses_it() {
    let cassandra = Cassandra::get(&Feast::get());
    refused_as_by_feast(&cassandra.online_store("cassandra"));
}
