//! On-demand views that are computed on write and precomputed services: what one side stored is what the other stores,
//! and is read by the other.

use larder_tests::{Feast, RedisServer, Repository, Server};
use serde_json::{Value, json};

const SQLITE: &str = "{type: sqlite, path: data/online.db}";
const WINDOW: [&str; 2] = ["2026-01-01T00:00:00", "2026-02-01T00:00:00"];

fn redis() -> (RedisServer, String) {
    let server = RedisServer::start(&[]);
    let store = format!("{{type: redis, connection_string: \"{}\"}}", server.address());
    (server, store)
}

/// The applied repository with its data.
fn repository(feast: &Feast, online_store: &str) -> Repository {
    let repository = Repository::copy_of("tests/repositories/on_write");
    let settings = format!(
        "project: shop\nprovider: local\nregistry: data/registry.db\n\
         entity_key_serialization_version: 3\nonline_store: {online_store}\noffline_store: {{type: file}}\n"
    );
    repository.write("feature_store.yaml", settings);
    feast.script("on_write_data.py", &[&repository.file("data")]);
    repository.fs().ok(&["apply"]);
    repository
}

fn write_by_fs(repository: &Repository, view: &str, df: &Value, transform: bool) {
    let server = Server::fs(&repository.path());
    let body = json!({"feature_view_name": view, "df": df, "transform_on_write": transform});
    let answer = server.post("/write-to-online-store", &body);
    assert_eq!((answer.status, answer.body.as_str()), (200, "null"));
}

fn write_by_feast(feast: &Feast, repository: &Repository, view: &str, df: &Value, transform: bool) {
    let (df, transform) = (df.to_string(), transform.to_string());
    feast.script("online_write.py", &[&repository.file(""), "write", view, &df, &transform]);
}

fn read_by_feast(feast: &Feast, repository: &Repository, request: &Value) -> Value {
    let requests = json!([request]).to_string();
    feast.script("online_read.py", &[&repository.file(""), &requests])[0].clone()
}

/// Columns by name, values only.
fn read_by_fs(server: &Server, request: &Value) -> Value {
    let answer = server.post("/get-online-features", request);
    assert_eq!(answer.status, 200, "{}", answer.body);
    let answer = answer.json();
    let names = answer["metadata"]["feature_names"].as_array().expect("names").iter();
    let columns = names.zip(answer["results"].as_array().expect("results"));
    let column = |(name, column): (&Value, &Value)| {
        (name.as_str().expect("a text").to_owned(), column["values"].clone())
    };
    columns.map(column).collect::<serde_json::Map<_, _>>().into()
}

/// Every key and field of a Redis, but for times, which differ from write to write.
fn stored(server: &RedisServer) -> Vec<(Vec<u8>, Vec<u8>, Vec<u8>)> {
    let mut connection = server.connection();
    let keys: Vec<Vec<u8>> = redis::cmd("KEYS").arg("*").query(&mut connection).expect("keys");
    let mut found = Vec::new();
    for key in keys {
        let fields: Vec<(Vec<u8>, Vec<u8>)> =
            redis::cmd("HGETALL").arg(&key).query(&mut connection).expect("a hash");
        found.extend(fields.into_iter().map(|(field, value)| {
            let is_time = field.starts_with(b"_ts:");
            (key.clone(), field, if is_time { Vec::new() } else { value })
        }));
    }
    found.sort();
    found
}

fn request() -> Value {
    json!({
        "features": ["activity:is_active", "activity:per_click", "activity:clicks_7d", "doubling:doubled"],
        "entities": {"user_id": [1, 2, 3, 99]},
    })
}

#[test]
fn feast_reads_what_fs_computed_on_write_from_sqlite() {
    let feast = Feast::get();
    written_by_fs(&feast, &repository(&feast, SQLITE));
}

#[test]
fn what_fs_computes_on_write_has_the_bytes_of_feast_on_redis() {
    let feast = Feast::get();
    let ((by_fs, fs_store), (by_feast, feast_store)) = (redis(), redis());
    written_by_fs(&feast, &repository(&feast, &fs_store));

    let other = repository(&feast, &feast_store);
    write_by_feast(&feast, &other, "activity", &inputs(), true);
    write_by_feast(&feast, &other, "doubling", &features(), false);
    assert_eq!(stored(&by_fs), stored(&by_feast));
    let server = Server::fs(&other.path());
    assert_eq!(read_by_fs(&server, &request()), read_by_feast(&feast, &other, &request()));
}

fn inputs() -> Value {
    json!({"user_id": [1, 2], "clicks_7d": [10, 3], "spend": [25.0, 12.0]})
}

fn features() -> Value {
    json!({"user_id": [1, 3], "doubled": [7, 9]})
}

#[track_caller]
fn written_by_fs(feast: &Feast, repository: &Repository) {
    write_by_fs(repository, "activity", &inputs(), true);
    write_by_fs(repository, "doubling", &features(), false);
    let read = read_by_feast(feast, repository, &request());
    assert_eq!(read["is_active"], json!([1, 0, null, null]), "{read}");
    assert_eq!(read["per_click"], json!([2.5, 4.0, null, null]), "{read}");
    assert_eq!(read["clicks_7d"], json!([10, 3, null, null]), "{read}");
    // Not transformed: the columns are the features.
    assert_eq!(read["doubled"], json!([7, null, 9, null]), "{read}");
    assert_eq!(read_by_fs(&Server::fs(&repository.path()), &request()), read);
}

#[test]
fn feast_reads_what_fs_computed_at_materialization_from_sqlite() {
    let feast = Feast::get();
    materialized_by_fs(&feast, &repository(&feast, SQLITE));
}

#[test]
fn what_fs_computes_at_materialization_is_what_feast_computes() {
    let feast = Feast::get();
    let ((_by_fs, fs_store), (_by_feast, feast_store)) = (redis(), redis());
    let own = repository(&feast, &fs_store);
    materialized_by_fs(&feast, &own);

    let other = repository(&feast, &feast_store);
    feast.ok(&other.path(), &["materialize", WINDOW[0], WINDOW[1]]);
    let doubled = |repository| read_by_feast(&feast, repository, &request())["doubled"].clone();
    assert_eq!(doubled(&other), doubled(&own));
}

#[track_caller]
fn materialized_by_fs(feast: &Feast, repository: &Repository) {
    repository.fs().ok(&["materialize", WINDOW[0], WINDOW[1]]);
    let read = read_by_feast(feast, repository, &request());
    // As of each user's newest row in either file.
    assert_eq!(read["is_active"], json!([1, 0, 1, null]), "{read}");
    assert_eq!(read["per_click"], json!([2.5, 4.0, 0.5, null]), "{read}");
    assert_eq!(read["doubled"], json!([20, 6, 16, null]), "{read}");
}

const NOW: &str = "time_ago.py";

fn profile() -> Value {
    json!({"feature_service": "profile", "entities": {"user_id": [1, 2]}, "full_feature_names": true})
}

/// Rows of two views, pushed one after the other.
fn pushes(feast: &Feast) -> [(&'static str, Value); 2] {
    let now = feast.script(NOW, &["0"]);
    let times = json!([now, now]);
    [
        (
            "clicks_push",
            json!({"user_id": [1, 2], "clicks_7d": [10, 3], "segment": ["a", "b"], "event_timestamp": times}),
        ),
        ("orders_push", json!({"user_id": [1, 2], "spend": [2.5, 1.25], "event_timestamp": times})),
    ]
}

#[track_caller]
fn assert_profile(read: &Value) {
    assert_eq!(read["clicks__clicks_7d"], json!([10, 3]), "{read}");
    assert_eq!(read["clicks__segment"], json!(["a", "b"]), "{read}");
    assert_eq!(read["orders__spend"], json!([2.5, 1.25]), "{read}");
}

#[test]
fn feast_reads_the_vectors_that_fs_makes_of_pushed_rows() {
    let feast = Feast::get();
    let (_redis, on_redis) = redis();
    for store in [SQLITE, &on_redis] {
        let repository = repository(&feast, store);
        let server = Server::fs(&repository.path());
        for (source, df) in pushes(&feast) {
            let answer = server.post("/push", &json!({"push_source_name": source, "df": df}));
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
        // Feast fails the request when an entity has no vector.
        assert_profile(&read_by_feast(&feast, &repository, &profile()));
        assert_profile(&read_by_fs(&server, &profile()));
    }
}

#[test]
fn fs_reads_the_vectors_that_feast_made_and_the_views_where_there_is_none() {
    let feast = Feast::get();
    let (redis_server, store) = redis();
    let repository = repository(&feast, &store);
    for (source, df) in pushes(&feast) {
        let df = df.to_string();
        feast.script("online_write.py", &[&repository.file(""), "push", source, &df]);
    }
    let server = Server::fs(&repository.path());
    assert_profile(&read_by_fs(&server, &profile()));
    // Without the rows of the views, the vectors alone answer.
    keep_vectors(&redis_server);
    assert_profile(&read_by_fs(&server, &profile()));
    // A user without vector: the views of all are read.
    let mut unknown = profile();
    unknown["entities"]["user_id"] = json!([1, 99]);
    let read = read_by_fs(&server, &unknown);
    assert_eq!(read["clicks__clicks_7d"], json!([null, null]), "{read}");
    repository.write("larder.yaml", "compat: feast\n");
    let as_feast = Server::fs(&repository.path());
    let answer = as_feast.post("/get-online-features", &unknown);
    assert_eq!(answer.status, 500, "{}", answer.body);
    assert!(answer.body.contains("pre-computed vectors could not be read"), "{}", answer.body);
}

/// Removes every feature of every row but the longest, which is the vector.
fn keep_vectors(server: &RedisServer) {
    let mut connection = server.connection();
    let keys: Vec<Vec<u8>> = redis::cmd("KEYS").arg("*").query(&mut connection).expect("keys");
    for key in keys {
        let mut fields: Vec<(Vec<u8>, Vec<u8>)> =
            redis::cmd("HGETALL").arg(&key).query(&mut connection).expect("a hash");
        fields.retain(|(field, _)| !field.starts_with(b"_ts:"));
        fields.sort_by_key(|(_, value)| value.len());
        fields.pop().expect("a vector");
        assert_eq!(fields.len(), 3, "three features and a vector");
        for (field, _) in fields {
            let mut delete = redis::cmd("HDEL");
            delete.arg(&key).arg(field).exec(&mut connection).expect("a field can be deleted");
        }
    }
}
