//! `fs serve` whose own store is another `fs serve`: what is written and read through both is what one alone gives.

use larder_core::ValueType;
use larder_tests::{Repository, Server};
use serde_json::{Map, Value as Json, json};

use crate::recorded::{Recorded, dtype, values};

const SQLITE: &str = "online_store: {type: sqlite, path: data/online.db}\n";

const HEAD: &str = "\
from datetime import timedelta
from feast import Entity, FeatureView, Field, FileSource, PushSource, ValueType
from feast.types import Array, Int64, Set, String

k = Entity(name=\"k\", join_keys=[\"k\"], value_type=ValueType.STRING)
rows = FileSource(name=\"rows\", path=\"rows.parquet\", timestamp_field=\"event_timestamp\", \
created_timestamp_column=\"created\")
pushed = PushSource(name=\"pushed\", batch_source=rows)
";

/// Values that travel as JSON.
fn shown() -> Vec<Recorded> {
    values().into_iter().filter(|value| value.value_type != ValueType::ScalarMap).collect()
}

fn repository(online_store: &str) -> Repository {
    let settings = format!(
        "project: through\nprovider: local\nregistry: data/registry.db\n\
         entity_key_serialization_version: 3\n{online_store}"
    );
    let field = |value: &Recorded| {
        format!("Field(name=\"{}\", dtype={})", value.feature, dtype(value.value_type))
    };
    let fields: Vec<String> = shown().iter().map(field).collect();
    let definitions = format!(
        "{HEAD}every = FeatureView(name=\"every\", entities=[k], ttl=timedelta(0), schema=[{}], \
         source=pushed)\n",
        fields.join(", ")
    );
    let repository =
        Repository::with(&[("feature_store.yaml", &settings), ("definitions.py", &definitions)]);
    repository.fs().ok(&["apply"]);
    repository
}

/// A row of all values, and one of nulls.
fn rows(keys: [&str; 2]) -> Json {
    let mut columns = Map::new();
    columns.insert("k".to_owned(), json!(keys));
    for value in shown() {
        columns.insert(value.feature, json!([value.json, null]));
    }
    let times = ["2026-01-31T12:00:00Z", "2026-01-31T13:00:00Z"];
    columns.insert("event_timestamp".to_owned(), json!(times));
    columns.insert("created".to_owned(), json!([times[1], null]));
    columns.into()
}

/// Writes both ways and reads.
fn answer(server: &Server) -> Json {
    for (path, body) in [
        ("/push", json!({"push_source_name": "pushed", "df": rows(["a", "b"])})),
        ("/write-to-online-store", json!({"feature_view_name": "every", "df": rows(["c", "d"])})),
    ] {
        let answer = server.post(path, &body);
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    }
    let features: Vec<String> =
        shown().iter().map(|value| format!("every:{}", value.feature)).collect();
    let request = json!({"features": features, "entities": {"k": ["a", "b", "c", "d", "nobody"]}});
    let answer = server.post("/get-online-features", &request);
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

#[test]
fn rows_pushed_and_written_through_a_remote_store_are_those_of_its_server() {
    let alone = repository(SQLITE);
    let expected = answer(&Server::fs(&alone.path()));
    let behind = repository(SQLITE);
    let server = Server::fs(&behind.path());
    let front =
        repository(&format!("online_store: {{type: remote, path: \"{}\"}}\n", server.url("")));
    let through = answer(&Server::fs(&front.path()));
    let names = through["metadata"]["feature_names"].as_array().expect("names");
    assert_eq!(names, expected["metadata"]["feature_names"].as_array().expect("names"));
    for (at, name) in names.iter().enumerate() {
        let value = shown().into_iter().find(|value| name == value.feature.as_str());
        let (through, expected) = (&through["results"][at], &expected["results"][at]);
        assert_eq!(through, expected, "{name}: {value:?}");
    }
    // The front has nothing of its own.
    assert!(!front.path().join("data/online.db").try_exists().expect("a path"));
    let direct = server.post(
        "/get-online-features",
        &json!({"features": ["every:f5"], "entities": {"k": ["a", "c", "nobody"]}}),
    );
    let statuses = &direct.json()["results"][1]["statuses"];
    assert_eq!(statuses, &json!(["PRESENT", "PRESENT", "NOT_FOUND"]));
}
