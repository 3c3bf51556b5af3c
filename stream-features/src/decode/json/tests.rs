//! What is read directly is what `serde_json` reads.

use proptest::prelude::*;

use super::*;

const SCHEMA: &str = r#"{"type": "record", "name": "Event", "fields": [
    {"name": "a", "type": "string"},
    {"name": "b", "type": ["null", "long"], "default": null},
    {"name": "c", "type": "double", "default": 2},
    {"name": "d", "type": {"type": "map", "values": "string"}},
    {"name": "e", "type": {"type": "array", "items": {"type": "record", "name": "Item", "fields": [
        {"name": "x", "type": {"type": "enum", "name": "Kind", "symbols": ["one", "two"]}},
        {"name": "y", "type": ["boolean", "null"]}]}}, "default": []}]}"#;

fn event() -> EventType {
    let mut event = EventType::parse(SCHEMA).unwrap();
    for path in [&["a"][..], &["b"], &["c"], &["d", "k"]] {
        event.want(path).unwrap();
    }
    let list = event.want_list(&["e"]).unwrap();
    event.want_item(list, &["x"]).unwrap();
    event.want_item(list, &["y"]).unwrap();
    event
}

fn shown(batch: &EventBatch) -> Vec<String> {
    let mut shown: Vec<String> =
        (0..4).map(|column| format!("{:?}", batch.get(0, column))).collect();
    shown.push(format!("{:?}", batch.elements(0, 0).is_some()));
    for at in batch.elements(0, 0).unwrap_or(0..0) {
        shown.extend((0..2).map(|column| format!("{:?}", batch.items(0).get(at, column))));
    }
    shown
}

/// Whether it was read directly. Panics when that gave something else than the general way.
fn compare(text: &str) -> bool {
    let event = event();
    let (mut directly, mut generally) = (event.batch(), event.batch());
    directly.begin_row();
    generally.begin_row();
    let is_direct = direct::decode(text, &event, &mut directly).is_ok();
    let decoded = general(text, &event, &mut generally);
    if is_direct {
        assert_eq!(decoded, Ok(()), "{text}");
        assert_eq!(shown(&directly), shown(&generally), "{text}");
    }
    is_direct
}

/// A value, mostly of the right type.
fn value(right: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    let any = &["null", "1", "-0", "0.5", "1e400", "\"\\u00e9\"", "[]", "{}", "tru", "\"one\"", ""];
    prop_oneof![9 => prop::sample::select(right), 1 => prop::sample::select(&any[..])]
}

fn member() -> impl Strategy<Value = String> {
    let y = value(&["true", "false", "null"]);
    let item =
        (value(&["\"one\"", "\"two\""]), y).prop_map(|(x, y)| format!("{{\"x\":{x}, \"y\":{y}}}"));
    prop_oneof![
        value(&["\"\"", "\"texté\"", "\"longer than eight\""]).prop_map(|v| format!("\"a\":{v}")),
        value(&["1", "-12", "null", "999999999999999999"]).prop_map(|v| format!("\"b\" : {v}")),
        value(&["1", "-1.5", "2e3", "1E-7"]).prop_map(|v| format!("\"c\": {v}")),
        value(&["{}", "{\"k\": \"v\", \"l\": 1}", "{\"k\": 12.50}", "{\"k\": true}", "{\"k\":-7}"])
            .prop_map(|v| format!("\"d\":{v}")),
        prop::collection::vec(item, 0..3).prop_map(|items| format!("\"e\":[{}]", items.join(" ,"))),
        value(&["[1, {\"z\": [true, null]}]", "1.5", "\"x\""]).prop_map(|v| format!("\"new\":{v}")),
    ]
}

proptest! {
    #[test]
    fn both_ways_agree(members in prop::collection::vec(member(), 0..8), end in prop::sample::select(&["}", "} ", "}}", "", ",}"][..])) {
        compare(&format!("{{{}{end}", members.join(",")));
    }

    #[test]
    fn both_ways_agree_about_damaged_events(at in 0_usize..120, byte in prop::char::range(' ', '~')) {
        let mut text = GOOD.to_owned();
        let at = at % text.len();
        text.replace_range(at..=at, byte.encode_utf8(&mut [0; 4]));
        compare(&text);
        compare(&GOOD[..at]);
    }
}

const GOOD: &str = r#"{"a": "x", "b": 5, "c": 1.25, "d": {"k": "v", "n": 3}, "e": [{"x": "one", "y": true}], "f": [null]}"#;

#[test]
fn usual_events_are_read_directly() {
    assert!(compare(GOOD));
    assert!(compare(r#"{"d":{},"a":""}"#));
    assert!(!compare(r#"{"d":{},"a":"\n"}"#));
    assert!(!compare(r#"{"a":"d"}"#));
}
