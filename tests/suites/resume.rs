//! A materialization that is killed with `kill -9` goes on where it stopped.

use std::fs::{read, read_dir};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use larder_tests::{Feast, Outcome, RedisServer, Repository, Server};
use serde_json::{Value, json};

/// Keys of the view.
const KEYS: usize = 8_000;

/// Keys of one request.
const PAGE: usize = 4_000;

const WINDOW: [&str; 3] = ["materialize", "2026-01-01T00:00:00", "2026-01-02T00:00:00"];

const VIEWS: &str = "from datetime import timedelta
from feast import Entity, FeatureView, Field, FileSource, ValueType
from feast.types import Int64
key = Entity(name=\"key\", join_keys=[\"key\"], value_type=ValueType.INT64)
source = FileSource(name=\"rows\", path=\"data/rows.parquet\", timestamp_field=\"event_timestamp\")
counters = FeatureView(name=\"counters\", entities=[key], ttl=timedelta(0), source=source,
    schema=[Field(name=\"key\", dtype=Int64), Field(name=\"counter\", dtype=Int64)])
";

/// A repository with one view over two rows of every key; writes are small and each is written down, so that a run takes a
/// while and can be cut off anywhere.
fn repository(online_store: &str, write_rows: usize) -> Repository {
    let settings = format!(
        "project: resume\nprovider: local\nregistry: data/registry.db\nentity_key_serialization_version: 3\n\
         online_store: {online_store}\nmaterialization: {{online_write_batch_size: {write_rows}}}\n"
    );
    let larder = "materialization: {checkpoint_interval: 0s}\n";
    let files = [
        ("feature_store.yaml", settings.as_str()),
        ("larder.yaml", larder),
        ("views.py", VIEWS),
        ("data/.keep", ""),
    ];
    let repository = Repository::with(&files);
    Feast::get().script(
        "counter_data.py",
        &[&repository.file("data/rows.parquet"), &KEYS.to_string(), "2"],
    );
    repository.fs().ok(&["apply"]);
    repository
}

/// Rows that the records of runs say are written.
fn recorded(repository: &Repository) -> Option<u64> {
    let records = read_dir(repository.file("data/registry.db.runs")).ok()?;
    let files = records.filter_map(|record| Some(record.ok()?.path()));
    let jsons = files.filter(|path| path.extension().is_some_and(|end| end == "json"));
    // A record that is replaced just now is read at the next look.
    let jsons = jsons.filter_map(|path| serde_json::from_slice::<Value>(&read(path).ok()?).ok());
    jsons.filter_map(|json| json["rows"].as_u64()).max()
}

/// Starts a run and kills it as soon as its record says that more than so many rows are written.
fn kill_under_way(repository: &Repository, more_than: u64) -> u64 {
    let mut command = repository.fs().command(&WINDOW);
    let mut child = quiet(&mut command).spawn().expect("fs can be started");
    let deadline = Instant::now() + Duration::from_mins(2);
    while recorded(repository).is_none_or(|rows| rows <= more_than) {
        let ended = child.try_wait().expect("a child can be asked");
        assert!(ended.is_none(), "the run was over before it wrote anything down: {ended:?}");
        assert!(Instant::now() < deadline, "nothing is written down");
        sleep(Duration::from_millis(1));
    }
    child.kill().expect("a child can be killed");
    assert!(!child.wait().expect("a killed child ends").success(), "it was to be killed");
    recorded(repository).expect("the record outlives the process")
}

fn quiet(command: &mut Command) -> &mut Command {
    command.stdout(Stdio::null()).stderr(Stdio::null())
}

/// Removes what is stored and what is registered, and registers it again.
fn empty(repository: &Repository) {
    repository.fs().ok(&["teardown"]);
    repository.fs().ok(&["apply"]);
}

/// Runs to the end and answers what it says of the view, and on standard error.
fn finish(repository: &Repository, arguments: &[&str]) -> (Value, String) {
    let arguments = [&["--output-format", "json"], &WINDOW[..], arguments].concat();
    let Outcome { code, stdout, stderr } = repository.fs().run(&arguments);
    assert_eq!(code, Some(0), "{stderr}");
    let reports: Value = serde_json::from_str(&stdout).expect("a report in JSON");
    (reports[0].clone(), stderr)
}

/// Values and event times of all keys.
fn stored(repository: &Repository) -> Vec<Value> {
    let server = Server::fs(&repository.path());
    let page = |first: usize| {
        let keys: Vec<usize> = (first..first + PAGE).collect();
        let request = json!({"features": ["counters:counter"], "entities": {"key": keys}});
        let answer = server.post("/get-online-features", &request);
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["results"].clone()
    };
    (0..KEYS).step_by(PAGE).map(page).collect()
}

fn check(online_store: &str, another: &str, write_rows: usize) {
    let whole = repository(another, 10_000);
    let (report, _) = finish(&whole, &[]);
    assert_eq!((&report["rows_read"], &report["resumed_at_row"]), (&json!(KEYS), &json!(0)));

    let repository = repository(online_store, write_rows);
    let mut before = 0;
    for _ in 0..2 {
        let written = kill_under_way(&repository, before);
        assert!(written > before, "{written} rows after {before}");
        assert!(written < KEYS as u64, "all was written");
        before = written;
    }
    let (report, said) = finish(&repository, &[]);
    let at = report["resumed_at_row"].as_u64().expect("a number");
    assert!(at >= before && at > 0, "{at} rows after {before}");
    assert_eq!(report["rows_read"], json!(KEYS as u64 - at));
    assert!(said.contains("resumed at"), "{said}");
    assert_eq!(recorded(&repository), None, "a finished run leaves no record");
    assert_eq!(stored(&repository), stored(&whole));
}

#[test]
fn a_killed_run_goes_on_where_it_stopped_on_sqlite() {
    let store = "{type: sqlite, path: data/online.db}";
    check(store, store, 10);
}

#[test]
fn a_killed_run_goes_on_where_it_stopped_on_redis() {
    let redis = RedisServer::start(&[]);
    let store = |database| {
        format!("{{type: redis, connection_string: \"{},db={database}\"}}", redis.address())
    };
    check(&store(1), &store(2), 4);
}

#[test]
fn a_killed_run_begins_anew_when_it_is_told_to_or_nothing_is_there_to_go_on_with() {
    let repository = repository("{type: sqlite, path: data/online.db}", 10);
    kill_under_way(&repository, 0);
    let (report, said) = finish(&repository, &["--no-resume"]);
    assert_eq!((&report["rows_read"], &report["resumed_at_row"]), (&json!(KEYS), &json!(0)));
    assert!(!said.contains("resumed"), "{said}");
    let whole = stored(&repository);

    for change in ["the store", "the files", "the definition"] {
        // Rows that are stored already would be through before anything is written down.
        empty(&repository);
        kill_under_way(&repository, 0);
        match change {
            "the store" => empty(&repository),
            "the files" => {
                let rows = read(repository.file("data/rows.parquet")).expect("a file");
                repository.write("data/rows.parquet", rows);
            }
            _ => {
                let schema = "schema=[Field(name=\"key\", dtype=Int64), Field(name=\"counter\", dtype=Int64)]";
                let more = schema.replace("Int64)]", "Int64, tags={\"a\": \"b\"})]");
                repository.write("views.py", repository.read("views.py").replace(schema, &more));
                repository.fs().ok(&["apply"]);
            }
        }
        let (report, _) = finish(&repository, &[]);
        let found = (&report["rows_read"], &report["resumed_at_row"]);
        assert_eq!(found, (&json!(KEYS), &json!(0)), "{change}");
        assert_eq!(stored(&repository), whole, "{change}");
    }
}

/// Intervals that the registry has, as texts.
fn intervals(repository: &Repository) -> Vec<[String; 2]> {
    let dump = repository.fs().json(&["registry-dump"]);
    let intervals = dump["featureViews"][0]["meta"]["materializationIntervals"].as_array().cloned();
    let text = |time: &Value| time.as_str().expect("a time").to_owned();
    let ends = |interval: &Value| [text(&interval["startTime"]), text(&interval["endTime"])];
    intervals.unwrap_or_default().iter().map(ends).collect()
}

/// Whether a row of this key is stored.
fn is_stored(server: &Server, key: usize) -> bool {
    let request = json!({"features": ["counters:counter"], "entities": {"key": [key]}});
    let answer = server.post("/get-online-features", &request);
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()["results"][1]["statuses"][0] == json!("PRESENT")
}

#[test]
fn rows_that_came_late_are_taken_inside_the_overlap() {
    const NOON: &str = "2026-01-02T12:00:00";
    let repository = repository("{type: sqlite, path: data/online.db}", 10_000);
    let rows = repository.file("data/rows.parquet");
    let more = |keys: usize| {
        Feast::get().script("counter_data.py", &[&rows, &keys.to_string(), "2"]);
    };
    repository.fs().ok(&["materialize", "2026-01-01T00:00:00", NOON]);
    let server = Server::fs(&repository.path());
    let (first, second) = (KEYS, KEYS + 1);

    // Rows of the midnight before reach the source after the run until noon.
    more(KEYS + 1);
    let incremental = ["materialize-incremental", NOON];
    repository.fs().ok(&incremental);
    assert!(!is_stored(&server, first), "Feast does not see it either");
    repository.fs().ok(&[&incremental[..], &["--overlap", "11h59m"]].concat());
    assert!(!is_stored(&server, first), "it is older");
    repository.fs().ok(&[&incremental[..], &["--overlap", "12h"]].concat());
    assert!(is_stored(&server, first));
    drop(server);

    more(KEYS + 2);
    repository.write("larder.yaml", "materialization: {overlap: 12h}\n");
    repository.fs().ok(&[&incremental[..], &["--overlap", "0"]].concat());
    let server = Server::fs(&repository.path());
    assert!(!is_stored(&server, second), "the flag wins");
    let answer = server.post("/materialize-incremental", &json!({"end_ts": NOON}));
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(is_stored(&server, second), "servers have the overlap too");

    let recorded = intervals(&repository);
    let noon = || "2026-01-02T12:00:00Z".to_owned();
    assert_eq!(recorded.len(), 6);
    for interval in &recorded[1..] {
        assert_eq!(*interval, [noon(), noon()], "what Feast would record");
    }
}

#[test]
fn limits_and_overlaps_that_are_none_are_refused() {
    let repository = Repository::with(&[("feature_store.yaml", "project: p\nregistry: r.db\n")]);
    for (arguments, code) in [
        (["materialize-incremental", "2026-01-01", "--overlap", "soon"], 2),
        (["materialize-incremental", "2026-01-01", "--memory-limit", "plenty"], 2),
        (["materialize-incremental", "2026-01-01", "--overlap", "-1h"], 2),
    ] {
        let outcome = repository.fs().run(&arguments);
        assert_eq!(outcome.code, Some(code), "{arguments:?}: {}", outcome.stderr);
    }
    repository.write("larder.yaml", "materialization: {overlap: soon}\n");
    let outcome = repository.fs().run(&["materialize-incremental", "2026-01-01"]);
    assert_eq!(outcome.code, Some(1));
    assert!(outcome.stderr.contains("larder.yaml:1"), "{}", outcome.stderr);
}
