//! Precomputed services over views with different join keys: Feast and `fs` answer the same from the same vectors, and on
//! every store `fs` answers all entities from vectors.

use larder_tests::{Answer, Cassandra, Feast, RedisServer, Repository, Server};
use serde_json::{Map, Value, json};

/// An applied repository of a project of its own, with this `online_store` section.
fn repository(store: &str, project: &str) -> Repository {
    let repository = Repository::copy_of("tests/repositories/precomputed");
    let settings = format!(
        "project: {project}_{}\nprovider: local\nregistry: data/registry.db\n\
         entity_key_serialization_version: 3\n{store}\noffline_store: {{type: file}}\n",
        std::process::id()
    );
    repository.write("feature_store.yaml", settings);
    repository.fs().ok(&["apply"]);
    repository
}

/// Rows of every view: clicks and prices of now, orders of three hours ago, which is past their ttl. `factor` tells one
/// push from another.
fn pushes(feast: &Feast, hours_ago: &str, factor: i64) -> [(&'static str, Value); 3] {
    let now = feast.script("time_ago.py", &[hours_ago]);
    let long_ago = feast.script("time_ago.py", &["3"]);
    let (clicks, spend, price) = ([10 * factor, 3 * factor], 2.5, 1.25);
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let factor = factor as f64;
    [
        (
            "clicks_push",
            json!({"user_id": [1, 2], "clicks_7d": clicks, "segment": ["a", "b"],
                "event_timestamp": [now, now]}),
        ),
        (
            "orders_push",
            json!({"user_id": [1], "spend": [spend * factor], "event_timestamp": [long_ago]}),
        ),
        (
            "prices_push",
            json!({"item_id": ["p", "q"], "price": [price * factor, null], "event_timestamp": [now, now]}),
        ),
    ]
}

fn push(server: &Server, pushes: [(&'static str, Value); 3]) {
    for (source, df) in pushes {
        let answer = server.post("/push", &json!({"push_source_name": source, "df": df}));
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
}

fn mixed(users: &Value, items: &Value) -> Value {
    json!({
        "feature_service": "mixed", "full_feature_names": true,
        "entities": {"user_id": users, "item_id": items},
    })
}

fn friends(users: &Value, friends: &Value) -> Value {
    json!({
        "feature_service": "friends", "full_feature_names": true,
        "entities": {"user_id": users, "friend_id": friends},
    })
}

/// Status and body, the columns by name.
fn outcome(answer: &Answer) -> (u16, Value) {
    let body = answer.json();
    let columns = |results: &Vec<Value>| {
        let names = body["metadata"]["feature_names"].as_array().expect("names").iter();
        let names = names.map(|name| name.as_str().expect("a text").to_owned());
        names.zip(results.iter().cloned()).collect::<Map<_, _>>().into()
    };
    (answer.status, body["results"].as_array().map_or_else(|| body.clone(), columns))
}

fn redis() -> (RedisServer, String) {
    let server = RedisServer::start(&[]);
    let store =
        format!("online_store: {{type: redis, connection_string: \"{}\"}}", server.address());
    (server, store)
}

#[track_caller]
fn both_answer_the_same(theirs: &Server, ours: &Server) {
    let mut short = mixed(&json!([1]), &json!(["p"]));
    short["full_feature_names"] = json!(false);
    for (request, status) in [
        (mixed(&json!([1, 2, 1]), &json!(["p", "q", "nothing"])), 200),
        (friends(&json!([1, 2]), &json!([2, 99])), 200),
        (mixed(&json!([1, 99]), &json!(["p", "p"])), 500),
        (short, 500),
    ] {
        let [feast, fs] =
            [theirs, ours].map(|server| outcome(&server.post("/get-online-features", &request)));
        assert_eq!(feast.0, status, "Feast: {request} {}", feast.1);
        assert_eq!(fs, feast, "{request}");
    }
}

#[test]
fn vectors_are_answered_as_feast_answers_them_whoever_made_them() {
    let feast = Feast::get();
    let (_redis, store) = redis();
    let repository = repository(&store, "vectors");
    repository.write("larder.yaml", "compat: feast\n");
    for (source, df) in pushes(&feast, "2", 1) {
        let df = df.to_string();
        feast.script("online_write.py", &[&repository.file(""), "push", source, &df]);
    }
    let theirs = Server::feast(&feast, &repository.path());
    let ours = Server::fs(&repository.path());
    both_answer_the_same(&theirs, &ours);
    push(&ours, pushes(&feast, "1", 2));
    both_answer_the_same(&theirs, &ours);

    let request = mixed(&json!([1]), &json!(["p"]));
    let (_, answer) = outcome(&ours.post("/get-online-features", &request));
    let column =
        |name: &str| (answer[name]["values"][0].clone(), answer[name]["statuses"][0].clone());
    assert_eq!(column("clicks__clicks_7d"), (json!(20), json!("PRESENT")), "{answer}");
    assert_eq!(column("orders__spend"), (json!(5.0), json!("OUTSIDE_MAX_AGE")), "{answer}");
    // Items are not found under users.
    assert_eq!(column("prices__price"), (Value::Null, json!("OUTSIDE_MAX_AGE")), "{answer}");
}

/// Rows are written behind the vectors' back, by a server that knows of no service; then what a service answers must be
/// what was there before.
#[track_caller]
fn all_entities_have_vectors(store: &str) {
    let feast = Feast::get();
    let repository = repository(store, "sorts");
    push(&Server::fs(&repository.path()), pushes(&feast, "2", 1));

    let settings = repository.read("feature_store.yaml");
    let services = repository.read("services.py");
    repository.write("services.py", "");
    repository.write("feature_store.yaml", settings.replace("registry.db", "views.db"));
    repository.fs().ok(&["apply"]);
    push(&Server::fs(&repository.path()), pushes(&feast, "1", 2));
    repository.write("services.py", services);
    repository.write("feature_store.yaml", settings);

    let server = Server::fs(&repository.path());
    let read = |request: &Value| {
        let answer = server.post("/get-online-features", request);
        assert_eq!(answer.status, 200, "{}", answer.body);
        outcome(&answer).1
    };
    let request = mixed(&json!([1, 2, 1]), &json!(["q", "p", "p"]));
    let answer = read(&request);
    let values = |name: &str| answer[name]["values"].clone();
    assert_eq!(values("clicks__clicks_7d"), json!([10, 3, 10]), "{answer}");
    assert_eq!(values("prices__price"), json!([null, 1.25, 1.25]), "{answer}");
    assert_eq!(values("orders__spend"), json!([null, null, null]), "{answer}");
    let statuses = json!(["OUTSIDE_MAX_AGE", "NOT_FOUND", "OUTSIDE_MAX_AGE"]);
    assert_eq!(answer["orders__spend"]["statuses"], statuses, "{answer}");
    let answer = read(&friends(&json!([1, 1]), &json!([2, 1])));
    assert_eq!(answer["friend__clicks_7d"]["values"], json!([3, 10]), "{answer}");

    // An item without vector: the views are read.
    let answer = read(&mixed(&json!([1, 2]), &json!(["p", "nothing"])));
    assert_eq!(answer["clicks__clicks_7d"]["values"], json!([20, 6]), "{answer}");
    assert_eq!(answer["prices__price"]["statuses"], json!(["PRESENT", "NOT_FOUND"]), "{answer}");

    push(&server, pushes(&feast, "0", 3));
    let answer = read(&request);
    let features = ["clicks:clicks_7d", "prices:price", "orders:spend"];
    let views = read(&json!({
        "features": features, "full_feature_names": true, "entities": request["entities"],
    }));
    assert_eq!(answer["prices__price"]["values"], json!([null, 3.75, 3.75]), "{answer}");
    assert_eq!(answer, views);
}

#[test]
fn every_entity_of_a_service_has_a_vector_on_sqlite() {
    all_entities_have_vectors("online_store: {type: sqlite, path: data/online.db}");
}

#[test]
fn every_entity_of_a_service_has_a_vector_in_the_embedded_store() {
    all_entities_have_vectors("online_store: {type: embedded, path: data/online}");
}

#[test]
fn every_entity_of_a_service_has_a_vector_on_redis() {
    let (_redis, store) = redis();
    all_entities_have_vectors(&store);
}

#[test]
fn every_entity_of_a_service_has_a_vector_on_cassandra() {
    let cassandra = Cassandra::get(&Feast::get());
    all_entities_have_vectors(&cassandra.online_store("cassandra"));
}
