//! `flight.json`: 35 steps of Feast's remote offline store with `feast serve_offline`, and raw calls beside it.

use larder_tests::{Feast, Repository, Server};
use serde_json::{Map, Value, json};

use crate::exceptions::FLIGHT;
use crate::judge::Judge;

/// What counts of a step: what the server answered, and what the client returned or raised.
fn comparable(step: &Value) -> Value {
    let calls = step["calls"].as_array().expect("calls").iter().map(|call| {
        let kept = ["call", "close", "n", "ticket", "locations", "schema", "records", "bytes"];
        let mut kept: Map<String, Value> = kept
            .into_iter()
            // The schema that a call sent is the client's.
            .filter(|key| !(call[*key].is_null() || call[*key].is_object()))
            .map(|key| (key.to_owned(), call[key].clone()))
            .collect();
        kept.insert("received".to_owned(), table(&call["received"]));
        Value::Object(kept)
    });
    let returned = match &step["returned"] {
        Value::String(text) => Value::from(without_times(text)),
        answer => table(answer),
    };
    json!({"calls": calls.collect::<Vec<_>>(), "returned": returned, "raised": raised(&step["raised"])})
}

/// The class; for Feast's own errors the text too. Other texts are Python's, with its traceback.
fn raised(error: &Value) -> Value {
    let class = error["type"].as_str().unwrap_or_default();
    if class.starts_with("feast.errors.") { json!([class, error["str"]]) } else { json!([class]) }
}

/// Rows by column name, in any order; numbers as numbers, because pandas knows no integers beside a null.
fn table(table: &Value) -> Value {
    let (Some(fields), Some(head)) =
        (table["schema"]["fields"].as_array(), table["head"].as_array())
    else {
        return Value::Null;
    };
    let mut names: Vec<String> = fields.iter().map(|field| field[0].to_string()).collect();
    names.sort();
    let mut rows: Vec<String> = head
        .iter()
        .map(|row| {
            let values = row.as_object().expect("a row").iter();
            let mut values: Vec<String> =
                values.map(|(name, value)| format!("{name}={}", plain(value))).collect();
            values.sort();
            values.join(" ")
        })
        .collect();
    rows.sort();
    json!({"names": names, "rows": table["rows"], "head": rows})
}

fn plain(value: &Value) -> String {
    let text = value.as_str().expect("values are printed");
    text.parse::<f64>().map_or_else(|_| text.to_owned(), |number| number.to_string())
}

/// When a saved dataset was made.
fn without_times(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.contains("createdTimestamp"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_recorded_flight_exchange_is_answered_as_feast_answered_it() {
    let feast = Feast::get();
    let folder = Repository::empty();
    feast.script("flight_replay.py", &["prepare", &folder.file("")]);
    let repository = folder.subfolder("srv");
    let server = Server::fs_offline(&repository.path(), &[]);
    let root = repository.path().parent().expect("a folder").to_path_buf();
    let root = root.to_str().expect("temporary paths are UTF-8");
    let steps = feast.script("flight_replay.py", &["record", root, &server.port().to_string()]);
    let path = Repository::workspace().join("tests/vectors/offline/flight.json");
    let text = std::fs::read_to_string(path).expect("the recording can be read");
    let recording: Value = serde_json::from_str(&text).expect("JSON");
    let recorded = recording["steps"].as_array().expect("steps");
    let answered = steps.as_array().expect("steps");
    let name = |step: &Value| step["step"].as_str().expect("a name").to_owned();
    assert_eq!(
        recorded.iter().map(name).collect::<Vec<_>>(),
        answered.iter().map(name).collect::<Vec<_>>()
    );
    let mut judge = Judge::default();
    for (recorded, answered) in recorded.iter().zip(answered) {
        judge.compare(&name(recorded), &comparable(recorded), &comparable(answered));
    }
    judge.verdict(recorded.len(), FLIGHT);
}
