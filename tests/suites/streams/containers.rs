//! Avro container files through `fs`: as JSON lines, with letters that are replayed, and with one that is cut.

use larder_tests::Repository;
use serde_json::Value;

/// The files of `tests/vectors/stream` with a job over them.
fn orders() -> Repository {
    let repository = Repository::with(&[
        (
            "feature_store.yaml",
            "project: orders\nregistry: data/registry.db\nprovider: local\nonline_store: {type: sqlite, path: data/online.db}\nentity_key_serialization_version: 3\n",
        ),
        (
            "streams/orders.yaml",
            "job: spent
source: {schema: order.avsc, format: avro, path: data/orders, timestamp: at}
watermark: {delay: 5s, allowed_lateness: 1d}
key: {kind: kind}
aggregate:
  - {function: sum, column: amount, window: 1m, as: spent}
  - {function: last, column: id, window: 1m, as: last}
output: data/spent.jsonl
",
        ),
    ]);
    repository.write("order.avsc", vector("reader.avsc"));
    repository.fs().ok(&["apply"]);
    repository
}

fn vector(name: &str) -> Vec<u8> {
    let path = Repository::workspace().join("tests/vectors/stream").join(name);
    std::fs::read(path).expect("a file of the vectors")
}

fn job(report: &Value) -> &Value {
    &report.as_array().expect("a report")[0]
}

#[test]
fn a_folder_of_containers_is_that_of_its_events_as_lines() {
    let repository = orders();
    for name in ["deflate.avro", "evolved.avro"] {
        repository.write(&format!("data/orders/{name}"), vector(name));
    }
    for name in ["events.jsonl", "evolved.jsonl"] {
        repository.write(&format!("data/lines/{name}"), vector(name));
    }
    let mut found = Vec::new();
    for path in ["data/orders", "data/lines"] {
        let jobs = repository.read("streams/orders.yaml");
        let format = if path == "data/lines" { "json" } else { "avro" };
        repository.write(
            "streams/orders.yaml",
            jobs.replace("format: avro", &format!("format: {format}")),
        );
        let path = repository.file(path);
        let arguments = ["--path", &path, "--output-format", "json"];
        let run: Value =
            repository.fs().json(&[&["stream", "run", "--reset"], &arguments[..]].concat());
        let backfill: Value =
            repository.fs().json(&[&["stream", "backfill"], &arguments[..]].concat());
        for report in [&run, &backfill] {
            assert_eq!(
                (&job(report)["events"], &job(report)["dead_letters"]),
                (&80.into(), &0.into())
            );
        }
        let status = repository.fs().json(&["stream", "status", "--output-format", "json"]);
        assert_eq!(job(&status)["checkpoint"]["lag_bytes"], 0, "{status}");
        found.push(
            ["data/spent.jsonl", "data/spent.backfill.jsonl"].map(|name| repository.read(name)),
        );
    }
    assert!(found[0][0].lines().count() == 10);
    assert!(found[0] == found[1]);
}

#[test]
fn letters_of_a_container_are_replayed_when_the_schema_has_what_they_need() {
    let repository = orders();
    let schema = repository.read("order.avsc");
    repository.write("order.avsc", schema.replace("\"click\"", "\"tap\""));
    repository.write("data/orders/1", vector("snappy.avro"));
    let run = repository.fs().json(&["stream", "run", "--output-format", "json"]);
    let dead = job(&run)["dead_letters"].as_u64().expect("a number");
    assert!((10..40).contains(&dead), "{run}");
    let listed = repository.fs().ok(&["stream", "dead-letters", "list", "spent"]);
    assert!(listed.contains("schema_violation") && !listed.contains("avro.schema"), "{listed}");

    std::fs::remove_file(repository.path().join("data/orders/1")).expect("the file is there");
    repository.write("order.avsc", schema);
    let replay = ["stream", "dead-letters", "replay", "spent", "--output-format", "json"];
    let report = repository.fs().json(&replay);
    assert_eq!((&job(&report)["events"], &job(&report)["dead_letters"]), (&dead.into(), &0.into()));
    let kept = repository.fs().json(&[
        "stream",
        "dead-letters",
        "list",
        "spent",
        "--output-format",
        "json",
    ]);
    assert_eq!(kept, Value::Array(Vec::new()));
}

#[test]
fn a_container_that_is_cut_ends_the_run_and_is_read_on_once_it_is_whole() {
    let repository = orders();
    let whole = vector("zstandard.avro");
    repository.write("data/orders/1", vector("null.avro"));
    repository.write("data/orders/2", &whole[..whole.len() - 30]);
    let failed = repository.fs().run(&["stream", "run"]);
    assert!(failed.code.is_some_and(|code| code > 0), "{failed:?}");
    for said in ["data/orders/2", "byte", "hint"] {
        assert!(failed.stderr.contains(said), "{}", failed.stderr);
    }
    repository.write("data/orders/2", &whole);
    let run = repository.fs().json(&["stream", "run", "--output-format", "json"]);
    assert_eq!((&job(&run)["events"], &job(&run)["dead_letters"]), (&80.into(), &0.into()));
}
