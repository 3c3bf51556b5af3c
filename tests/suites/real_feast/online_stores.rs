//! SQLite and Redis, both ways: rows that one side wrote are read by the other.

use larder_tests::{Feast, RedisServer, Repository, Server};
use serde_json::{Value, json};

const SQLITE: &str = "online_store: {type: sqlite, path: data/online.db}";

/// A Redis and the section that names it.
fn redis() -> (RedisServer, String) {
    let server = RedisServer::start(&[]);
    let address = server.address();
    (server, format!("online_store: {{type: redis, connection_string: \"{address},db=1\"}}"))
}
const WINDOW: [&str; 2] = ["2026-01-01T00:00:00", "2100-01-01T00:00:00"];

/// What is asked on both sides: stored and computed features, present, null and unknown rows.
fn request() -> Value {
    json!({
        "features": [
            "user_behavior_features:avg_order_value",
            "user_behavior_features:total_page_views_7d",
            "user_behavior_features:device_type",
            "product_features:category",
            "product_features:price",
            "interaction_features:price_vs_avg_order",
            "interaction_features:category_match",
            "interaction_features:device_optimization",
        ],
        "entities": {
            "user_id": (0..20).map(|i| format!("u{i}")).chain(["nobody".to_owned()]).collect::<Vec<_>>(),
            "product_id": (0..20).map(|i| format!("p{i}")).chain(["nothing".to_owned()]).collect::<Vec<_>>(),
            "session_device": vec!["mobile"; 21],
        },
    })
}

/// What the Feast SDK reads from a repository.
fn read_by_feast(feast: &Feast, repository: &Repository) -> Value {
    let requests = json!([request()]).to_string();
    let answers = feast.script("online_read.py", &[&repository.file(""), &requests]);
    answers[0].clone()
}

/// What `fs serve` answers, as columns by name.
fn read_by_fs(repository: &Repository) -> Value {
    let server = Server::fs(&repository.path());
    let answer = server.post("/get-online-features", &request());
    assert_eq!(answer.status, 200, "{}", answer.body);
    let answer = answer.json();
    let names = answer["metadata"]["feature_names"].as_array().expect("names");
    let results = answer["results"].as_array().expect("results");
    names
        .iter()
        .zip(results)
        .map(|(name, column)| (name.as_str().expect("text").to_owned(), column["values"].clone()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

#[test]
fn feast_reads_the_rows_that_fs_materialized() {
    from_fs_to_feast(SQLITE);
}

#[test]
fn feast_reads_the_rows_that_fs_materialized_on_redis() {
    let (_server, store) = redis();
    from_fs_to_feast(&store);
}

#[track_caller]
fn from_fs_to_feast(store: &str) {
    let feast = Feast::get();
    let by_fs = Repository::shop(&feast, store);
    by_fs.fs().ok(&["apply"]);
    by_fs.fs().ok(&["materialize", WINDOW[0], WINDOW[1]]);
    let answer = read_by_feast(&feast, &by_fs);
    assert_eq!(answer, read_by_fs(&by_fs));
    assert_rows(&answer);
}

#[test]
fn fs_reads_the_rows_that_feast_materialized() {
    from_feast_to_fs(SQLITE);
}

#[test]
fn fs_reads_the_rows_that_feast_materialized_on_redis() {
    let (_server, store) = redis();
    from_feast_to_fs(&store);
}

#[track_caller]
fn from_feast_to_fs(store: &str) {
    let feast = Feast::get();
    let by_feast = Repository::shop(&feast, store);
    feast.ok(&by_feast.path(), &["apply"]);
    feast.ok(&by_feast.path(), &["materialize", WINDOW[0], WINDOW[1]]);
    let answer = read_by_fs(&by_feast);
    assert_eq!(answer, read_by_feast(&feast, &by_feast));
    assert_rows(&answer);
}

#[test]
fn feast_reads_a_row_that_was_pushed_to_fs() {
    pushed_to_fs(SQLITE);
}

#[test]
fn feast_reads_a_row_that_was_pushed_to_fs_on_redis() {
    let (_server, store) = redis();
    pushed_to_fs(&store);
}

#[track_caller]
fn pushed_to_fs(store: &str) {
    let feast = Feast::get();
    let repository = Repository::shop(&feast, store);
    repository.fs().ok(&["apply"]);
    let now = feast.script("time_ago.py", &["0"]);
    let row = json!({
        "product_id": ["p1"], "category": ["books"], "price": [12.5], "popularity_score": [0.25],
        "event_timestamp": [now], "created": [now],
    });
    let push = |row: &Value| {
        let server = Server::fs(&repository.path());
        let body = json!({"push_source_name": "product_push", "df": row, "to": "online"});
        let answer = server.post("/push", &body);
        assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    };
    push(&row);
    let answer = read_by_feast(&feast, &repository);
    assert_eq!((&answer["price"][1], &answer["category"][1]), (&json!(12.5), &json!("books")));
    assert_eq!(answer["price"][2], Value::Null);
    // An hour earlier, with another price: the newer row stays.
    let mut older = row;
    older["price"] = json!([99.0]);
    older["event_timestamp"] = json!([feast.script("time_ago.py", &["1"])]);
    push(&older);
    assert_eq!(read_by_feast(&feast, &repository)["price"][1], json!(12.5));
}

/// The answer holds real values: both sides agreeing on nulls would prove nothing.
#[track_caller]
fn assert_rows(answer: &Value) {
    let column = |name: &str| answer[name].as_array().expect("a column per feature").clone();
    assert_eq!(column("price").iter().filter(|price| price.is_number()).count(), 20);
    assert_eq!(column("price")[20], Value::Null);
    assert_eq!(column("device_optimization")[20], Value::Null);
    assert!(column("category_match").contains(&json!(1.0)));
    assert!(column("price_vs_avg_order").iter().filter(|ratio| ratio.is_number()).count() > 10);
}
