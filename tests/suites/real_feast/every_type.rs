//! Every value type on every store that both sides have, both ways: rows that one side wrote are read by the other.

use larder_tests::{Cassandra, Feast, RedisServer, Repository, Server};
use serde_json::{Value, json};

const WINDOW: [&str; 2] = ["2026-01-01T00:00:00", "2100-01-01T00:00:00"];

/// A repository with a feature of every type, a project of its own and this `online_store` section.
fn repository(feast: &Feast, store: &str, project: &str) -> Repository {
    let repository = Repository::copy_of("tests/repositories/every_type");
    feast.script("every_type_data.py", &[&repository.file("data")]);
    let settings = repository.read("feature_store.yaml");
    let project = format!("{project}_{}", std::process::id());
    let settings = settings.replace("project: every_type", &format!("project: {project}"));
    repository.write("feature_store.yaml", format!("{settings}\n{store}\n"));
    repository
}

const SQLITE: &str = "online_store: {type: sqlite, path: data/online.db}";

/// Every feature, of the row of ordinary values, that of edges, that of nulls and one that is not there.
fn request() -> Value {
    let primitives =
        ["int32", "int64", "float32", "float64", "bool", "string", "bytes", "unix_timestamp"];
    let lists = primitives.map(|name| format!("{name}_list"));
    let others = ["string_set", "int64_set", "json", "map", "uuid"];
    let names = primitives.map(str::to_owned).into_iter().chain(lists);
    let names = names.chain(others.map(str::to_owned));
    let features: Vec<String> = names.map(|name| format!("every_type:{name}")).collect();
    json!({"features": features, "entities": {"item_id": [1, 2, 3, 4]}})
}

fn read_by_feast(feast: &Feast, repository: &Repository) -> Value {
    let requests = json!([request()]).to_string();
    feast.script("online_read.py", &[&repository.file(""), &requests])[0].clone()
}

fn read_by_fs(repository: &Repository) -> Value {
    let server = Server::fs(&repository.path());
    let answer = server.post("/get-online-features", &request());
    assert_eq!(answer.status, 200, "{}", answer.body);
    let answer = answer.json();
    let names = answer["metadata"]["feature_names"].as_array().expect("names");
    let results = answer["results"].as_array().expect("results");
    let column = |(name, column): (&Value, &Value)| {
        let name = name.as_str().expect("text");
        let values = column["values"].as_array().expect("values");
        let values: Vec<Value> = values.iter().map(|value| as_the_sdk_shows(name, value)).collect();
        (name.to_owned(), Value::from(values))
    };
    names.iter().zip(results).map(column).collect::<serde_json::Map<_, _>>().into()
}

/// The SDK parses JSON that servers pass on as text, and shows Feast's mark of a missing time as none.
fn as_the_sdk_shows(name: &str, value: &Value) -> Value {
    match (name, value) {
        ("json", Value::String(text)) => {
            serde_json::from_str(text).expect("JSON in a JSON feature")
        }
        ("unix_timestamp", value) if *value == json!(i64::MIN) => Value::Null,
        (_, value) => value.clone(),
    }
}

/// The answer holds real values: both sides agreeing on nulls would prove nothing.
#[track_caller]
fn assert_rows(answer: &Value) {
    let columns = answer.as_object().expect("columns by name");
    assert_eq!(columns.len(), 22);
    for (name, column) in columns.iter().filter(|(name, _)| *name != "item_id") {
        let nulls: Vec<bool> =
            column.as_array().expect("values").iter().map(Value::is_null).collect();
        assert_eq!(nulls, [false, false, true, true], "{name}: {column}");
    }
}

#[track_caller]
fn from_fs_to_feast(feast: &Feast, store: &str, project: &str) {
    let by_fs = repository(feast, store, project);
    by_fs.fs().ok(&["apply"]);
    by_fs.fs().ok(&["materialize", WINDOW[0], WINDOW[1]]);
    let answer = read_by_feast(feast, &by_fs);
    assert_eq!(answer, read_by_fs(&by_fs), "{store}");
    assert_rows(&answer);
    by_fs.fs().ok(&["teardown"]);
}

#[track_caller]
fn from_feast_to_fs(feast: &Feast, store: &str, project: &str) {
    let by_feast = repository(feast, store, project);
    feast.ok(&by_feast.path(), &["apply"]);
    feast.ok(&by_feast.path(), &["materialize", WINDOW[0], WINDOW[1]]);
    let answer = read_by_fs(&by_feast);
    assert_eq!(answer, read_by_feast(feast, &by_feast), "{store}");
    assert_rows(&answer);
}

#[test]
fn cassandra_and_scylladb_hold_every_type_for_both() {
    let feast = Feast::get();
    for kind in ["cassandra", "scylladb"] {
        let store = Cassandra::get(&feast).online_store(kind);
        from_fs_to_feast(&feast, &store, &format!("by_fs_{kind}"));
        from_feast_to_fs(&feast, &store, &format!("by_feast_{kind}"));
    }
}

#[test]
fn redis_holds_every_type_for_both() {
    let feast = Feast::get();
    let server = RedisServer::start(&[]);
    let address = server.address();
    let store = format!("online_store: {{type: redis, connection_string: \"{address}\"}}");
    from_fs_to_feast(&feast, &store, "by_fs");
    from_feast_to_fs(&feast, &store, "by_feast");
}

#[test]
fn sqlite_holds_every_type_for_both() {
    let feast = Feast::get();
    from_fs_to_feast(&feast, SQLITE, "by_fs");
    from_feast_to_fs(&feast, SQLITE, "by_feast");
}

/// The same repository with the server as its online store.
fn client_of(repository: &Repository, server: &Server) -> Repository {
    let settings = repository.read("feature_store.yaml");
    let registry = format!("registry: {}", repository.file("data/registry.db"));
    let store = format!("online_store: {{type: remote, path: \"{}\"}}", server.url(""));
    let settings = settings.replace("registry: data/registry.db", &registry);
    let settings = settings.replace(SQLITE, &store);
    assert!(settings.contains("remote"), "{settings}");
    let client = Repository::with(&[("feature_store.yaml", &settings)]);
    client.write(
        "data/items.parquet",
        std::fs::read(repository.file("data/items.parquet")).expect("the data is there"),
    );
    client
}

#[test]
fn fs_reads_every_type_through_the_server_of_feast() {
    let feast = Feast::get();
    let by_feast = repository(&feast, SQLITE, "remote_read");
    feast.ok(&by_feast.path(), &["apply"]);
    feast.ok(&by_feast.path(), &["materialize", WINDOW[0], WINDOW[1]]);
    let server = Server::feast(&feast, &by_feast.path());
    let client = client_of(&by_feast, &server);
    let answer = read_by_fs(&client);
    assert_eq!(answer, read_by_fs(&by_feast));
    assert_rows(&answer);
}

#[test]
fn fs_writes_every_type_through_its_own_server_as_to_the_store_itself() {
    let feast = Feast::get();
    let reference = repository(&feast, SQLITE, "remote_reference");
    reference.fs().ok(&["apply"]);
    reference.fs().ok(&["materialize", WINDOW[0], WINDOW[1]]);
    let expected = read_by_fs(&reference);
    assert_rows(&expected);
    let behind = repository(&feast, SQLITE, "remote_write");
    behind.fs().ok(&["apply"]);
    let server = Server::fs(&behind.path());
    client_of(&behind, &server).fs().ok(&["materialize", WINDOW[0], WINDOW[1]]);
    assert_eq!(read_by_fs(&behind), expected);
    assert_eq!(read_by_feast(&feast, &behind), read_by_feast(&feast, &reference));
}
