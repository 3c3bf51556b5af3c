//! `fs stream topics apply`, and what a cluster does not let a job do.

use std::time::{Duration, Instant};

use larder_tests::{Kafka, Repository};
use serde_json::{Value, json};

fn repository(topics: &str) -> Repository {
    let repository = Repository::copy_of("feature_repo");
    let servers = Kafka::shared().address().to_owned();
    repository.write(
        "larder.yaml",
        format!("stream:\n  kafka: {{bootstrap_servers: '{servers}', replication: 1}}\n"),
    );
    repository.write("streams/topics.yaml", topics);
    repository
}

#[test]
fn topics_are_made_once_and_what_is_otherwise_is_told() {
    let name = Kafka::unique("topic");
    let repository = repository(&format!(
        "topics: {{{name}: {{partitions: 2, retention: 1d, cleanup: compact}}}}"
    ));
    let apply = |more: &[&str]| {
        let arguments = [&["stream", "topics", "apply", "--output-format", "json"], more].concat();
        repository.fs().json(&arguments)
    };
    let one = |action: &str, differences| json!([{"topic": name, "action": action, "differences": differences}]);
    assert_eq!(apply(&["--dry-run"]), one("to create", json!([])));
    assert_eq!(apply(&["--dry-run"]), one("to create", json!([])));
    assert_eq!(apply(&[]), one("created", json!([])));
    becomes(|| apply(&[]), &one("unchanged", json!([])));
    repository.write(
        "streams/topics.yaml",
        format!("topics: {{{name}: {{partitions: 3, retention: 2d, cleanup: compact}}}}"),
    );
    let retention = json!({"setting": "retention.ms", "found": "86400000", "wanted": "172800000"});
    let partitions = json!({"setting": "partitions", "found": "2", "wanted": "3"});
    assert_eq!(apply(&[]), one("differs", json!([partitions, retention])));
    assert_eq!(apply(&["--alter"]), one("differs", json!([retention])));
    becomes(|| apply(&[]), &one("differs", json!([retention])));
}

/// A broker tells of what it made a moment later.
fn becomes(found: impl Fn() -> Value, expected: &Value) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while found() != *expected {
        assert!(Instant::now() < deadline, "{} is not {expected}", found());
    }
}

#[test]
fn a_job_over_a_topic_that_does_not_exist_ends_with_a_hint() {
    let repository = repository("topics: {}");
    repository.fs().ok(&["apply"]);
    let jobs = repository.read("streams/user_events.yaml");
    let name = Kafka::unique("nowhere");
    repository.write(
        "streams/user_events.yaml",
        jobs.replace("topic: user-events", &format!("topic: {name}")),
    );
    let outcome = repository.fs().run(&["stream", "run", "sessions"]);
    let text = outcome.text();
    assert_ne!(outcome.code, Some(0), "{text}");
    assert!(text.contains(&name) && text.contains("fs stream topics apply"), "{text}");
}
