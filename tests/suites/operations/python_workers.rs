//! On-demand functions that do not compile, called by Python workers: definition, serving, the end.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use larder_tests::{Feast, Repository, Server};
use serde_json::{Value, json};

const SETTINGS: &str = "project: rides\nregistry: data/registry.db\nprovider: local\n\
    online_store: {type: sqlite, path: data/online.db}\n";

/// A stored list, and a view over it with a loop inside of a row.
const DEFINITIONS: &str = r#"
from datetime import timedelta
from feast import Entity, FeatureView, Field, FileSource, PushSource, RequestSource, ValueType
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import Array, Int64, String

driver = Entity(name="driver", join_keys=["driver_id"], value_type=ValueType.INT64)
rows = FileSource(name="rows", path="data/rows.parquet", timestamp_field="event_timestamp")
trips = FeatureView(
    name="trips", entities=[driver], ttl=timedelta(0), schema=[Field(name="stops", dtype=Array(String))],
    source=PushSource(name="trips_push", batch_source=rows),
)
asked = RequestSource(name="asked", schema=[Field(name="least", dtype=Int64)])


@on_demand_feature_view(sources=[trips, asked], schema=[Field(name="long", dtype=Int64)], mode="python")
def names(inputs):
    return {
        "long": [
            len({s: None for s in stops or [] if len(s) >= least})
            for stops, least in zip(inputs["stops"], inputs["least"])
        ]
    }
"#;

fn repository(larder: &str) -> Repository {
    Repository::with(&[
        ("feature_store.yaml", SETTINGS),
        ("definitions.py", DEFINITIONS),
        ("larder.yaml", larder),
    ])
}

/// Two workers of Feast's interpreter.
fn workers() -> String {
    let python = Feast::get().python().display().to_string();
    format!("transform:\n  python_workers: {{count: 2, python: {python}, timeout_ms: 20000}}\n")
}

fn served(repository: &Repository) -> Server {
    repository.fs().ok(&["apply"]);
    let server = Server::fs(&repository.path());
    let rows = json!({"push_source_name": "trips_push", "df": {
        "driver_id": [1, 2], "stops": [["pier", "museum", "zoo"], ["station"]],
        "event_timestamp": ["2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z"]}});
    assert_eq!(server.post("/push", &rows).status, 200);
    server
}

fn request(least: &[Value]) -> Value {
    let drivers: Vec<usize> = (1..=least.len()).collect();
    json!({"features": ["names:long"], "entities": {"driver_id": drivers, "least": least}})
}

fn values(answer: &Value, name: &str) -> Value {
    let names = answer["metadata"]["feature_names"].as_array().expect("names");
    let at = names.iter().position(|found| found == name).expect("the feature was asked for");
    answer["results"][at]["values"].clone()
}

/// Worker processes that belong to a server's repository: their parent is any server of this test.
fn workers_of(server: u32) -> Vec<PathBuf> {
    let processes = std::fs::read_dir("/proc").expect("a list of processes");
    let is_child = |status: String| {
        let rest = status.rsplit_once(')').map(|(_, rest)| rest.to_owned()).unwrap_or_default();
        rest.split_whitespace().nth(1) == Some(server.to_string().as_str())
    };
    processes
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| std::fs::read_to_string(path.join("stat")).is_ok_and(is_child))
        .collect()
}

fn until_gone(workers: &[PathBuf]) {
    let end = Instant::now() + Duration::from_secs(20);
    // A process that ended but is waited for by nobody shows no memory map any more.
    let runs = |path: &PathBuf| {
        std::fs::read_to_string(path.join("cmdline")).is_ok_and(|line| line.contains("worker.py"))
    };
    while workers.iter().any(runs) {
        assert!(Instant::now() < end, "workers outlive their server");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn without_workers_the_view_is_refused_and_the_hint_names_the_setting() {
    let repository = repository("guard: true\n");
    let outcome = repository.fs().run(&["apply"]);
    assert_eq!(outcome.code, Some(1), "{}", outcome.text());
    for word in ["definitions.py:", "transform.python_workers"] {
        assert!(outcome.stderr.contains(word), "{}", outcome.text());
    }
    assert!(!repository.path().join("data/registry.db").try_exists().expect("a folder"));
}

#[test]
fn with_workers_the_view_is_applied_and_served() {
    let repository = repository(&workers());
    let server = served(&repository);
    let answer = server.post("/get-online-features", &request(&[json!(4), json!(8)]));
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(values(&answer.json(), "long"), json!([2, 0]));
    // None in a comparison: the function raises, and so does the request.
    let answer = server.post("/get-online-features", &request(&[json!(4), json!(null)]));
    assert_eq!(answer.status, 400, "{answer:?}");
    let said = answer.json().to_string();
    for word in ["names", "TypeError in line 5"] {
        assert!(said.contains(word), "{said}");
    }
}

#[test]
fn workers_end_with_their_server_however_it_ends() {
    let repository = repository(&workers());
    let server = served(&repository);
    let running = workers_of(server.pid());
    assert_eq!(running.len(), 2);
    server.terminate();
    assert_eq!(server.wait(), Some(0));
    until_gone(&running);
    let server = Server::fs(&repository.path());
    let running = workers_of(server.pid());
    assert_eq!(running.len(), 2);
    let folder = |process: &PathBuf| std::fs::read_link(process.join("cwd")).expect("a folder");
    let folders: Vec<PathBuf> = running.iter().map(folder).collect();
    server.kill();
    until_gone(&running);
    assert!(folders.iter().all(|folder| !folder.try_exists().expect("a folder to look into")));
}

#[test]
fn a_function_that_raises_on_its_first_row_is_refused_with_its_line() {
    let repository = repository(&workers());
    let wrong = DEFINITIONS.replace("len(s) >= least", "len(s) >= limit");
    repository.write("definitions.py", &wrong);
    let outcome = repository.fs().run(&["apply"]);
    assert_eq!(outcome.code, Some(1), "{}", outcome.text());
    let line = wrong.lines().position(|line| line.contains("limit")).expect("the line") + 1;
    for word in [format!("definitions.py:{line}"), "NameError".to_owned()] {
        assert!(outcome.stderr.contains(&word), "{word}: {}", outcome.text());
    }
}

#[test]
fn an_interpreter_without_pandas_stops_the_server_at_its_start() {
    let repository = repository(&workers());
    repository.fs().ok(&["apply"]);
    repository.write("larder.yaml", "transform: {python_workers: {python: no-such-python}}\n");
    let outcome = repository.fs().run(&["serve", "-p", "0", "--grpc-port", "0"]);
    assert_eq!(outcome.code, Some(1), "{}", outcome.text());
    assert!(outcome.stderr.contains("no-such-python"), "{}", outcome.text());
}
