//! `fs stream` on the example repository, from events in files to served features.

mod program;

use std::sync::LazyLock;
use std::time::UNIX_EPOCH;

use program::{Folder, transcript, workspace};
use serde_json::{Value, json};

/// Milliseconds of a multiple of five minutes some hours ago: rows are served while they are younger than their ttl.
static BEGIN: LazyLock<i64> = LazyLock::new(|| {
    let now = UNIX_EPOCH.elapsed().expect("a clock after 1970").as_millis();
    (i64::try_from(now).expect("milliseconds") / 300_000 - 50) * 300_000
});

/// The example repository, applied.
fn shop() -> Folder {
    let folder = Folder::empty();
    let files = [
        "feature_store.yaml",
        ".feastignore",
        "entities.py",
        "sources.py",
        "features.py",
        "schemas/user_event.avsc",
        "streams/user_events.yaml",
    ];
    for name in files {
        let path = workspace().join("feature_repo").join(name);
        folder.write(name, std::fs::read(path).expect("the example repository"));
    }
    folder.stdout(&["apply"]);
    folder
}

fn event(id: usize, kind: &str, millis: i64) -> String {
    let event = json!({
        "eventId": id.to_string(),
        "userId": "u1",
        "sessionId": "s1",
        "eventType": kind,
        "timestamp": *BEGIN + millis,
        "properties": {"page": "/p", "productId": "p1"},
        "context": {"userAgent": "x", "ip": "10.0.0.1", "platform": "web", "referrer": null},
    });
    format!("{event}\n")
}

fn events() -> String {
    let good = [
        event(1, "page_view", 0),
        event(2, "page_view", 60_000),
        event(3, "click", 60_050),
        event(4, "page_view", 310_000),
        event(5, "purchase", 320_000),
    ];
    format!("{}not an event\n", good.concat())
}

fn json_of(folder: &Folder, arguments: &[&str]) -> Value {
    let arguments = [arguments, &["--output-format", "json"]].concat();
    serde_json::from_str(&folder.stdout(&arguments)).expect("JSON")
}

fn lines(folder: &Folder, name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.path().join(name)).expect("the output");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn served(folder: &Folder, feature: &str, entity: &str) -> Value {
    let answer = folder.stdout(&["get-online-features", "-f", feature, "-e", entity]);
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    let name = feature.rsplit(':').next().expect("a feature");
    answer[name][0].clone()
}

#[test]
fn events_in_files_become_served_features_sessions_and_alerts() {
    let folder = shop();
    folder.write("data/user_events/1.jsonl", events());
    let ran = json_of(&folder, &["stream", "run"]);
    let counts: Vec<_> = ran
        .as_array()
        .expect("jobs")
        .iter()
        .map(|job| {
            (
                job["job"].as_str().expect("a name").to_owned(),
                job["rows"].clone(),
                job["dead_letters"].clone(),
            )
        })
        .collect();
    let count = |job: &str, rows: i64| (job.to_owned(), json!(rows), json!(1));
    let expected = [
        count("product_popularity", 2),
        count("user_activity", 1),
        count("sessions", 1),
        count("anomalies", 1),
    ];
    assert_eq!(counts, expected);
    assert_eq!(served(&folder, "product_features:popularity_score", "product_id=p1"), json!(1.0));
    assert_eq!(
        served(&folder, "user_behavior_features:total_page_views_7d", "user_id=u1"),
        json!(3)
    );
    let session = json!({
        "sessionId": "s1", "start": *BEGIN, "end": *BEGIN + 320_000, "duration": 320_000, "userId": "u1",
        "pageViews": 3, "clicks": 1, "uniquePages": 1, "hasConversion": true,
    });
    assert_eq!(lines(&folder, "data/streams/sessions.jsonl"), [session]);
    let alert = json!({
        "userId": "u1", "eventId": "3", "alertType": "ANOMALY_DETECTION", "severity": "HIGH",
        "reason": "Unusually fast clicking detected", "timestamp": *BEGIN + 60_050,
    });
    assert_eq!(lines(&folder, "data/streams/alerts.jsonl"), [alert]);
    let status = folder.stdout(&["stream", "status"]);
    assert!(status.contains("product_popularity") && !status.contains("never"), "{status}");
}

#[test]
fn dead_letters_are_shown_and_a_replay_takes_what_was_mended() {
    let folder = shop();
    let mended = event(7, "wave", 400_000);
    folder.write("data/user_events/1.jsonl", format!("{}{mended}", events()));
    folder.stdout(&["stream", "run", "product_popularity"]);
    let letters = json_of(&folder, &["stream", "dead-letters", "list", "product_popularity"]);
    let faults: Vec<_> =
        letters.as_array().expect("letters").iter().map(|l| l["fault"].clone()).collect();
    assert_eq!(faults, ["undecodable", "schema_violation"]);
    let shown = folder.stdout(&["stream", "dead-letters", "list", "product_popularity"]);
    assert!(shown.contains("not an event"), "{shown}");
    // The schema learns the new type of event.
    let path = folder.path().join("schemas/user_event.avsc");
    let schema = std::fs::read_to_string(&path).expect("the schema");
    folder.write("schemas/user_event.avsc", schema.replace("\"search\"]", "\"search\", \"wave\"]"));
    let replayed = folder.run(&["stream", "dead-letters", "replay", "product_popularity"]);
    let said = transcript(&replayed);
    assert!(replayed.status.success() && said.contains("1 taken, 1 still dead"), "{said}");
    // The letter that was taken is not told again, whatever comes next.
    folder.stdout(&["stream", "run", "product_popularity"]);
    let left = json_of(&folder, &["stream", "dead-letters", "list", "product_popularity"]);
    assert_eq!(left.as_array().map(Vec::len), Some(1));
    let never = folder.run(&["stream", "dead-letters", "replay", "sessions"]);
    assert!(!never.status.success(), "{}", transcript(&never));
}

#[test]
fn a_run_goes_on_where_the_last_one_was_and_reset_begins_anew() {
    let folder = shop();
    let before = status_of(&folder, "product_popularity");
    assert_eq!(before, Value::Null, "nothing has run");
    folder.write("data/user_events/1.jsonl", events());
    folder.stdout(&["stream", "run"]);
    let more = [event(6, "page_view", 330_000), event(7, "click", 330_020)].concat();
    folder.write("data/user_events/1.jsonl", format!("{}{more}", events()));
    let status = status_of(&folder, "product_popularity");
    assert_eq!(status["checkpoint"]["lag_bytes"], json!(more.len()));
    let ran = json_of(&folder, &["stream", "run"]);
    let events_of = |ran: &Value| -> Vec<_> {
        ran.as_array().expect("jobs").iter().map(|job| job["events"].clone()).collect()
    };
    assert_eq!(events_of(&ran), [2, 2, 2, 2]);
    let resumed = left(&folder);
    assert_eq!(served(&folder, "product_features:popularity_score", "product_id=p1"), json!(2.0));
    let status = status_of(&folder, "product_popularity");
    let checkpoint = &status["checkpoint"];
    assert_eq!((&checkpoint["lag_bytes"], &checkpoint["number"]), (&json!(0), &json!(2)));
    assert!(checkpoint["keys"] == json!(1) && checkpoint["bytes"].as_u64() > Some(0), "{status}");
    let shown = folder.stdout(&["stream", "status"]);
    assert!(shown.contains("CHECKPOINT") && shown.contains("WATERMARK"), "{shown}");

    let ran = json_of(&folder, &["stream", "run", "--reset"]);
    assert_eq!(events_of(&ran), [7, 7, 7, 7]);
    assert_eq!(left(&folder), resumed);
    // Another definition cannot go on with the state.
    let path = folder.path().join("streams/user_events.yaml");
    let jobs = std::fs::read_to_string(&path).expect("the jobs");
    folder.write("streams/user_events.yaml", jobs.replacen("window: 5m", "window: 10m", 1));
    let refused = folder.run(&["stream", "run", "product_popularity"]);
    assert!(!refused.status.success() && transcript(&refused).contains("--reset"));
    folder.stdout(&["stream", "run", "product_popularity", "--reset"]);
}

/// The status of a job, null when there is none.
fn status_of(folder: &Folder, job: &str) -> Value {
    let status = json_of(folder, &["stream", "status"]);
    let jobs = status.as_array().cloned().unwrap_or_default();
    jobs.into_iter().find(|known| known["job"] == json!(job)).unwrap_or_default()
}

/// Output files and dead letters.
fn left(folder: &Folder) -> Vec<Vec<Value>> {
    let names = ["sessions.jsonl", "alerts.jsonl", "sessions/dead-letters.jsonl"];
    names.iter().map(|name| lines(folder, &format!("data/streams/{name}"))).collect()
}

#[test]
fn a_backfill_leaves_a_file_for_training_and_the_online_store_as_it_is() {
    let folder = shop();
    folder.write("past.jsonl", events());
    let arguments = [
        "stream",
        "backfill",
        "product_popularity",
        "--path",
        "past.jsonl",
        "--history",
        "history",
        "--no-online",
    ];
    folder.stdout(&arguments);
    assert!(folder.path().join("history/product_popularity.parquet").is_file());
    assert_eq!(served(&folder, "product_features:popularity_score", "product_id=p1"), Value::Null);
    let rules = folder.run(&["stream", "backfill", "anomalies", "--path", "past.jsonl"]);
    assert!(!rules.status.success(), "{}", transcript(&rules));
}

#[test]
fn a_job_that_cannot_run_is_refused_at_apply_with_its_line() {
    let folder = shop();
    let path = folder.path().join("streams/user_events.yaml");
    let jobs = std::fs::read_to_string(&path).expect("the jobs");
    for (from, to, place) in [
        ("properties.productId}", "properties.productId.x}", "streams/user_events.yaml:12"),
        ("as: popularity_score", "as: popularity", "streams/user_events.yaml:15"),
        ("view: product_features", "view: products", "streams/user_events.yaml:15"),
    ] {
        assert!(jobs.contains(from), "{from}");
        folder.write("streams/user_events.yaml", jobs.replacen(from, to, 1));
        let refused = folder.run(&["apply"]);
        let said = transcript(&refused);
        assert!(!refused.status.success() && said.contains(place), "{said}");
    }
}
