use larder_tests::Server;
use serde_json::{Value, json};

use crate::{applied, request, served};

#[test]
fn every_request_is_one_line_unless_it_is_turned_off() {
    let repository = applied();
    let server = served(&repository, &[]);
    server.post("/get-online-features", &request());
    server.post("/get-online-features?secret=1", &json!({"entities": {}}));
    let lines = lines(&server, "/get-online-features");
    assert_eq!(lines.len(), 2, "{}", server.log());
    for field in ["INFO", "method=\"POST\"", "status=\"200\"", "rows=1", "duration_ms="] {
        assert!(lines[0].contains(field), "{field} is not in {}", lines[0]);
    }
    assert!(lines[1].contains("status=\"400\""), "{}", lines[1]);
    assert!(!server.log().contains("secret"), "{}", server.log());
    drop(server);
    let server = served(&repository, &["--no-access-log"]);
    server.post("/get-online-features", &request());
    assert!(self::lines(&server, "/get-online-features").is_empty(), "{}", server.log());
}

#[test]
fn lines_are_json_when_asked_for() {
    let repository = applied();
    let server = served(&repository, &["--log-format", "json"]);
    server.post("/get-online-features", &request());
    let line = lines(&server, "/get-online-features").remove(0);
    let line: Value = serde_json::from_str(&line).expect("a line is one JSON object");
    assert_eq!(line["path"], "/get-online-features", "{line}");
    assert_eq!((&line["status"], &line["rows"]), (&json!("200"), &json!(1)), "{line}");
    assert!(line["duration_ms"].is_number() && line["timestamp"].is_string(), "{line}");
}

fn lines(server: &Server, path: &str) -> Vec<String> {
    server.log().lines().filter(|line| line.contains(path)).map(str::to_owned).collect()
}
