//! Requests that a server must refuse, and go on serving.

use larder_tests::{Answer, Feast, Repository, Server, get, post_text};
use serde_json::json;

use crate::applied;

/// A server over ten keys and three days of counters.
fn served() -> (Repository, Server) {
    let repository = applied();
    Feast::get().script("counter_data.py", &[&repository.file("data/rows.parquet"), "10", "3"]);
    repository.fs().ok(&["materialize", "2026-01-01T00:00:00", "2026-02-01T00:00:00"]);
    let server = Server::fs(&repository.path());
    (repository, server)
}

/// A request that is always answered in the same way.
fn good(server: &Server) -> Answer {
    let request = json!({"features": ["counters:counter"], "entities": {"key": [1, 2, 99]}});
    server.post("/get-online-features", &request)
}

/// Path, body, status, and a text that the body of the answer must contain.
const REFUSED: &[(&str, &str, u16, &str)] = &[
    (
        "/get-online-features",
        r#"{"features": ["nothing:counter"], "entities": {"key": [1]}}"#,
        404,
        "nothing",
    ),
    (
        "/get-online-features",
        r#"{"features": ["counters:nothing"], "entities": {"key": [1]}}"#,
        404,
        "nothing",
    ),
    (
        "/get-online-features",
        r#"{"feature_service": "nothing", "entities": {"key": [1]}}"#,
        404,
        "nothing",
    ),
    (
        "/get-online-features",
        r#"{"features": ["counter"], "entities": {"key": [1]}}"#,
        400,
        "counter",
    ),
    ("/get-online-features", r#"{"features": [], "entities": {"key": [1]}}"#, 400, ""),
    (
        "/get-online-features",
        r#"{"features": ["counters:counter"], "entities": {"key": [1, 2], "other": [1]}}"#,
        400,
        "",
    ),
    (
        "/get-online-features",
        r#"{"features": ["counters:counter"], "entities": {"other": [1]}}"#,
        400,
        "key",
    ),
    (
        "/get-online-features",
        r#"{"features": ["counters:counter"], "entities": {"key": ["one"]}}"#,
        400,
        "one",
    ),
    (
        "/get-online-features",
        r#"{"features": ["counters:counter"], "entities": {"key": [null]}}"#,
        400,
        "key",
    ),
    (
        "/get-online-features",
        r#"{"features": ["counters:counter", "counters:counter"], "entities": {"key": [1]}}"#,
        400,
        "counter",
    ),
    ("/get-online-features", r#"{"features": ["counters:counter"]}"#, 422, "entities"),
    (
        "/get-online-features",
        r#"{"features": "counters:counter", "entities": {"key": [1]}}"#,
        422,
        "features",
    ),
    (
        "/get-online-features",
        r#"{"features": ["counters:counter"], "entities": [1]}"#,
        422,
        "entities",
    ),
    (
        "/get-online-features",
        r#"{"features": ["counters:counter"], "entities": {"key": [1]}"#,
        422,
        "",
    ),
    ("/get-online-features", "", 422, ""),
    (
        "/push",
        r#"{"push_source_name": "nothing", "df": {"key": [1]}, "to": "online"}"#,
        422,
        "nothing",
    ),
    ("/push", r#"{"df": {"key": [1]}}"#, 422, "push_source_name"),
    ("/nothing", "{}", 404, ""),
];

#[test]
fn each_client_fault_has_its_status_and_the_server_goes_on() {
    let (repository, server) = served();
    let expected = good(&server);
    assert_eq!(expected.status, 200, "{}", expected.body);
    let files = repository.contents().len();
    for (path, body, status, named) in REFUSED {
        let answer = post_text(&server.url(path), body).expect("an answer");
        assert_eq!(answer.status, *status, "{path} {body}: {}", answer.body);
        assert!(answer.body.contains(named), "{named} is not named: {body}: {}", answer.body);
    }
    assert_eq!(get(&server.url("/get-online-features")).expect("an answer").status, 405);
    assert_eq!(good(&server), expected);
    assert_eq!(repository.contents().len(), files);
}

#[test]
fn ten_megabytes_of_garbage_and_deep_nesting_are_refused() {
    let (_repository, server) = served();
    let expected = good(&server);
    let long_list = format!(
        r#"{{"features": ["counters:counter"], "entities": {{"key": [{}1]}}}}"#,
        "1,".repeat(5 << 20)
    );
    let bodies = [
        "\u{fffd}".repeat((10 << 20) / 3),
        "[".repeat(10 << 20),
        "{\"a\":".repeat(1 << 20),
        format!(r#"{{"features": ["{}"], "entities": {{"key": [1]}}}}"#, "x".repeat(10 << 20)),
        long_list,
    ];
    for body in &bodies {
        for path in ["/get-online-features", "/push"] {
            // A server may close the connection before it has read everything.
            if let Ok(answer) = post_text(&server.url(path), body) {
                assert!((400..500).contains(&answer.status), "{path} {}", answer.status);
            }
            assert_eq!(good(&server), expected, "{path} after {} bytes", body.len());
        }
    }
}
