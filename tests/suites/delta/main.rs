//! `fs` over Delta tables that delta-rs and Spark wrote, beside the same rows in plain Parquet.

#[cfg(feature = "ballista")]
mod cluster;

use larder_tests::{Repository, delta_tables};
use serde_json::Value;

const SETTINGS: &str = "project: delta\nprovider: local\nregistry: data/registry.db\n\
    online_store: {type: sqlite, path: data/online.db}\noffline_store: {type: file}\n\
    entity_key_serialization_version: 3\n";

/// Two views of each table, without a schema: one by the log, one over its rows in one file.
const DEFINITIONS: &str = r#"
from datetime import timedelta
from feast import Entity, FeatureView, FileSource, ValueType
from feast.data_format import DeltaFormat

driver = Entity(name="driver", join_keys=["driver_id"], value_type=ValueType.INT64)
TIMES = {"timestamp_field": "event_timestamp", "created_timestamp_column": "created"}

rust_table = FileSource(name="rust_table", path="data/rust", file_format=DeltaFormat(), **TIMES)
rust_rows = FileSource(name="rust_rows", path="data/rust.parquet", **TIMES)
vectors_table = FileSource(
    name="vectors_table", path="data/deletion_vectors", file_format=DeltaFormat(), **TIMES
)
vectors_rows = FileSource(name="vectors_rows", path="data/deletion_vectors.parquet", **TIMES)

sources = [rust_table, rust_rows, vectors_table, vectors_rows]
of_rust_table, of_rust_rows, of_vectors_table, of_vectors_rows = [
    FeatureView(name=source.name.replace("_", ""), entities=[driver], ttl=timedelta(0), source=source)
    for source in sources
]
"#;

/// A view of a table and one of its rows, with features.
const PAIRS: [([&str; 2], &[&str]); 2] = [
    (["rusttable", "rustrows"], &["conv_rate", "trips", "city", "acc_rate"]),
    (["vectorstable", "vectorsrows"], &["conv_rate", "trips", "city"]),
];

fn repository() -> Repository {
    let repository = Repository::with(&[
        ("feature_store.yaml", SETTINGS),
        ("definitions.py", DEFINITIONS),
        ("data/.keep", ""),
    ]);
    for table in ["rust", "deletion_vectors"] {
        for (path, bytes) in delta_tables(table) {
            repository.write(&format!("data/{path}"), bytes);
        }
    }
    repository.fs().ok(&["apply"]);
    repository
}

/// Entity rows at every row of the tables, and half an hour later.
const ENTITIES: &str = "SELECT driver_id, event_timestamp + INTERVAL '30 minutes' AS event_timestamp FROM rust_table \
    UNION SELECT driver_id, event_timestamp FROM vectors_table ORDER BY driver_id, event_timestamp";

/// The features of a view for these entity rows, or those of the tables, by name.
fn joined(repository: &Repository, view: &str, features: &[&str]) -> Vec<Value> {
    let features: Vec<_> = features.iter().map(|feature| format!("{view}:{feature}")).collect();
    let mut asked = vec!["get-historical-features", "--entity-df", ENTITIES];
    for feature in &features {
        asked.extend(["-f", feature]);
    }
    let rows = repository.fs().ok(&asked);
    let rows: Value = serde_json::from_str(&rows).expect("rows as JSON");
    rows.as_array().expect("a list of rows").clone()
}

#[test]
fn training_rows_are_those_of_plain_parquet() {
    let repository = repository();
    for ([table, rows], features) in PAIRS {
        let found = joined(&repository, table, features);
        assert_eq!(found, joined(&repository, rows, features), "{table}");
        assert!(found.len() > 60, "{table}: {}", found.len());
    }
}

#[test]
fn online_rows_are_those_of_plain_parquet() {
    let repository = repository();
    repository.fs().ok(&["materialize", "2026-01-01T03:00:00", "2026-01-02T01:00:00"]);
    for ([table, rows], features) in PAIRS {
        let online = |view: &str| -> Vec<Value> {
            let read = |feature: &&str| {
                let named = format!("{view}:{feature}");
                let mut asked = vec!["get-online-features", "-f", &named];
                for driver in ["driver_id=1001", "driver_id=1002", "driver_id=1003"] {
                    asked.extend(["-e", driver]);
                }
                let answer = repository.fs().ok(&asked);
                let answer: Value = serde_json::from_str(&answer).expect("an answer as JSON");
                answer[feature].clone()
            };
            features.iter().map(read).collect()
        };
        let found = online(table);
        assert_eq!(found, online(rows), "{table}");
        // The trips of the last hour of the window.
        assert_eq!(found[1].as_array().map(Vec::len), Some(3), "{found:?}");
        assert!(!found[1].to_string().contains("null"), "{found:?}");
    }
}

#[test]
fn a_plan_names_the_version_and_its_files() {
    let repository = repository();
    let plan = repository.fs().ok(&[
        "get-historical-features",
        "--entity-df",
        ENTITIES,
        "-f",
        "rusttable:trips",
        "--explain",
    ]);
    assert!(plan.contains("data/rust, version 5 of a Delta table"), "{plan}");
    assert!(plan.contains("files: 12 of 12 read"), "{plan}");
}

#[test]
fn a_data_set_is_not_what_it_was_once_the_table_has_a_new_version() {
    let repository = repository();
    let newest = "data/deletion_vectors/_delta_log/00000000000000000005.json";
    let commit = repository.read(newest);
    std::fs::remove_file(repository.file(newest)).expect("the newest commit goes");
    repository.fs().ok(&[
        "get-historical-features",
        "--entity-df",
        "SELECT driver_id, event_timestamp FROM rust_rows",
        "-f",
        "vectorstable:trips",
        "--output",
        "exported/",
    ]);
    repository.fs().ok(&["dataset", "verify", "exported"]);
    repository.write(newest, commit);
    let verified = repository.fs().run(&["dataset", "verify", "exported"]);
    assert_ne!(verified.code, Some(0), "{}", verified.text());
    let text = verified.text();
    assert!(text.contains("version 5") && text.contains("version 4"), "{text}");
}

#[test]
fn what_cannot_be_read_is_told_once_and_by_name() {
    let repository = repository();
    let protocol = r#"{"protocol":{"minReaderVersion":3,"minWriterVersion":7,
        "readerFeatures":["rowsOfTomorrow"],"writerFeatures":["rowsOfTomorrow"]}}"#;
    let protocol = protocol.replace(char::is_whitespace, "");
    repository.write("data/rust/_delta_log/00000000000000000006.json", protocol);
    let asked = [
        "get-historical-features",
        "--entity-df",
        "SELECT driver_id, event_timestamp FROM rust_rows",
    ];
    let refused = repository.fs().run(&[&asked[..], &["-f", "rusttable:trips"]].concat());
    assert_ne!(refused.code, Some(0), "{}", refused.text());
    let text = refused.text();
    assert!(text.contains("rowsOfTomorrow") && text.contains("rust_table"), "{text}");
    let nowhere = DEFINITIONS.replace("data/rust\"", "data/nowhere\"");
    repository.write("definitions.py", nowhere);
    let missing = repository.fs().run(&["apply"]).text();
    assert!(missing.contains("there is no Delta table"), "{missing}");
    for text in [text, missing] {
        assert!(!text.contains("kernel") && !text.contains("ERROR"), "{text}");
    }
}

#[test]
fn the_folder_of_a_table_is_no_file_of_entity_rows() {
    let repository = repository();
    let refused = repository.fs().run(&[
        "get-historical-features",
        "--entity-df",
        "data/rust",
        "-f",
        "rustrows:trips",
    ]);
    assert_ne!(refused.code, Some(0), "{}", refused.text());
    assert!(refused.stderr.contains("Delta table"), "{}", refused.stderr);
}
