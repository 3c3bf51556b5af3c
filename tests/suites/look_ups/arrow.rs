use larder_tests::{Feast, Server};
use serde_json::{Value, json};

use crate::{MICROS, applied, push_drivers};

const ARROW: &str = "application/vnd.apache.arrow.stream";

/// Media type and body.
fn ask(server: &Server, accept: &str) -> (String, Vec<u8>) {
    let body = json!({"features": ["stats:trips", "stats:rating", "stats:home", "stats:scores"],
        "entities": {"driver_id": [4, 3, 99]}});
    let mut response = ureq::post(server.url("/get-online-features"))
        .header("content-type", "application/json")
        .header("accept", accept)
        .send(body.to_string())
        .expect("an answer");
    let media_type = response.headers()["content-type"].to_str().expect("a media type").to_owned();
    (media_type, response.body_mut().read_to_vec().expect("a body"))
}

#[test]
fn pyarrow_reads_an_arrow_answer_with_its_types_statuses_and_times() {
    let repository = applied("{type: embedded, path: data/online}");
    let server = Server::fs(&repository.path());
    push_drivers(&server, 10, |id| format!("town {id}"));
    let (media_type, bytes) = ask(&server, &format!("application/json;q=0.5, {ARROW}"));
    assert_eq!(media_type, ARROW);
    repository.write("answer.arrows", bytes);
    let read = Feast::get().script("arrow_stream.py", &[&repository.file("answer.arrows")]);
    let expected = json!({
        "driver_id": {"type": "int64", "values": [4, 3, 99]},
        "trips": {"type": "int64", "values": [28, null, null]},
        "trips:status": {"type": "int8", "values": [1, 2, 3]},
        "rating": {"type": "double", "values": [1.0, 0.75, null]},
        "rating:status": {"type": "int8", "values": [1, 1, 3]},
        "home": {"type": "string", "values": ["town 4", "town 3", null]},
        "home:status": {"type": "int8", "values": [1, 1, 3]},
        "scores": {"type": "list<item: int64>", "values": [[4, -4], [3, -3], null]},
        "scores:status": {"type": "int8", "values": [1, 1, 3]},
        "stats:event_timestamp": {"type": "timestamp[us, tz=UTC]", "values": [MICROS, MICROS, null]},
    });
    assert_eq!(read["columns"], expected);
    assert_eq!(
        read["feature_view"],
        json!({"trips": "stats", "rating": "stats", "home": "stats", "scores": "stats"})
    );
}

#[test]
fn the_weights_of_the_accept_header_are_honoured() {
    let repository = applied("{type: embedded, path: data/online}");
    let server = Server::fs(&repository.path());
    for (accept, expected) in [
        (format!("{ARROW};q=0.5, application/json;q=0.9"), "application/json"),
        (format!("{ARROW};q=0.9, application/json;q=0.5"), ARROW),
        (format!("{ARROW}, */*;q=0.1"), ARROW),
        (format!("{ARROW};q=0"), "application/json"),
        ("*/*".to_owned(), "application/json"),
    ] {
        let (media_type, body) = ask(&server, &accept);
        assert_eq!(media_type, expected, "{accept}");
        assert_eq!(serde_json::from_slice::<Value>(&body).is_ok(), expected != ARROW, "{accept}");
    }
}
