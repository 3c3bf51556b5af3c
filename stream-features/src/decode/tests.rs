//! JSON and Avro events become the same columns, and what cannot does not stop the others.

use apache_avro::types::Value;
use apache_avro::{Schema, writer::datum::GenericDatumWriter};

use super::*;
use crate::scalar::Scalar;

const READER: &str = r#"{"type": "record", "name": "Event", "fields": [
    {"name": "id", "type": "string"},
    {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["view", "click"]}},
    {"name": "amount", "type": "double"},
    {"name": "count", "type": "long", "default": 3},
    {"name": "user", "type": ["null", "string"], "default": null},
    {"name": "properties", "type": {"type": "map", "values": "string"}, "default": {}},
    {"name": "context", "type": {"type": "record", "name": "Context", "fields": [
        {"name": "ip", "type": "string"}]}}]}"#;

fn event() -> EventType {
    let mut event = EventType::parse(READER).unwrap();
    for path in ["id", "amount", "count", "user", "properties.a", "context.ip"] {
        event.want(&path.split('.').collect::<Vec<_>>()).unwrap();
    }
    event
}

/// Rows as text, and faults by the position of the event.
fn decode(
    format: EventFormat,
    schemas: &std::path::Path,
    events: &[Vec<u8>],
) -> (Vec<Vec<String>>, Vec<(usize, Fault)>) {
    let event = event();
    let mut batch = event.batch();
    let mut decoder = Decoder::new(event, format, Arc::new(SchemaDirectory::new(schemas)));
    let mut raw = RawEvents::new(0);
    events.iter().enumerate().for_each(|(at, event)| raw.push(event, at as u64));
    let (mut origins, mut refused) = (Vec::new(), Vec::new());
    decoder.decode(&raw, &mut batch, &mut origins, &mut refused).unwrap();
    assert_eq!(origins.len(), batch.rows());
    let shown = |value| match value {
        Scalar::Text(text) => text.to_owned(),
        other => format!("{other:?}"),
    };
    let row = |row| (0..6).map(|column| shown(batch.get(row, column))).collect();
    let rows = (0..batch.rows()).map(row).collect();
    (rows, refused.iter().map(|refused| (refused.index, refused.fault)).collect())
}

fn json(events: &[&str]) -> (Vec<Vec<String>>, Vec<(usize, Fault)>) {
    let events: Vec<Vec<u8>> = events.iter().map(|event| event.as_bytes().to_vec()).collect();
    decode(EventFormat::Json, std::path::Path::new("none"), &events)
}

#[test]
fn json_fields_come_in_any_order_with_defaults_and_unknown_ones_passed_over() {
    let (rows, refused) = json(&[
        r#"{"id": "1", "kind": "view", "amount": 2, "count": 5, "user": "u", "properties": {"a": "x"}, "context": {"ip": "i"}}"#,
        r#"{"new": [{"deep": 1}], "context": {"ip": "é\n", "x": 1}, "amount": 1.5, "kind": "click", "id": "2"}"#,
        r#"{"id": "3", "kind": "view", "amount": -1e2, "user": null, "properties": {"b": "y", "a": 12.5}, "context": {"ip": ""}}"#,
    ]);
    assert_eq!(refused, []);
    let expected = [
        ["1", "Double(2.0)", "Int(5)", "u", "x", "i"],
        ["2", "Double(1.5)", "Int(3)", "Null", "Null", "é\n"],
        ["3", "Double(-100.0)", "Int(3)", "Null", "12.5", ""],
    ];
    assert_eq!(rows, expected);
}

#[test]
fn json_that_is_not_of_the_schema_is_refused_and_the_rest_is_decoded() {
    let good = r#"{"id": "1", "kind": "view", "amount": 2, "context": {"ip": "i"}}"#;
    let (rows, refused) = json(&[
        "{",
        good,
        "[]",
        &good.replace("\"1\"", "1"),
        &good.replace("view", "other"),
        &good.replace("\"ip\"", "\"pi\""),
        &good.replace("\"id\"", "\"di\""),
        &format!("{good} x"),
        &good.replace('2', "null"),
        &good.replace('2', "true"),
        &good.replace("\"1\"", "\"\\ud800\""),
        "",
    ]);
    assert_eq!(rows.len(), 1);
    let (schema, bytes) = (Fault::SchemaViolation, Fault::Undecodable);
    let faults = [
        (0, bytes),
        (2, schema),
        (3, schema),
        (4, schema),
        (5, schema),
        (6, schema),
        (7, bytes),
        (8, schema),
        (9, schema),
        (10, bytes),
        (11, bytes),
    ];
    assert_eq!(refused, faults);
}

/// A framed value of a writer's schema.
fn framed(id: u32, schema: &str, value: Value) -> Vec<u8> {
    let schema = Schema::parse_str(schema).unwrap();
    let datum = GenericDatumWriter::builder(&schema).build().unwrap();
    let mut framed = vec![0];
    framed.extend(id.to_be_bytes());
    datum.write_value(&mut framed, value).unwrap();
    framed
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn record(fields: Vec<(&str, Value)>) -> Value {
    Value::Record(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

const CONTEXT: &str = r#"{"name": "context", "type": {"type": "record", "name": "Context", "fields": [{"name": "ip", "type": "string"}]}}"#;
const KIND: &str =
    r#"{"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["view", "click"]}}"#;

#[test]
fn avro_of_older_and_newer_writers_is_read_by_one_reader() {
    let folder = tempfile::tempdir().unwrap();
    // An older writer: a narrower number, neither count nor user nor properties.
    let older = format!(
        r#"{{"type": "record", "name": "Event", "fields": [{{"name": "id", "type": "string"}}, {KIND}, {{"name": "amount", "type": "int"}}, {CONTEXT}]}}"#
    );
    // A newer one: a field that the reader does not know.
    let newer = older.replace(
        r#"{"name": "amount""#,
        r#"{"name": "extra", "type": "string"}, {"name": "amount""#,
    );
    let incompatible = older
        .replace(r#""name": "amount", "type": "int""#, r#""name": "amount", "type": "string""#);
    for (id, schema) in [(7, older.as_str()), (8, &newer), (9, &incompatible), (10, "{")] {
        std::fs::write(folder.path().join(format!("{id}.avsc")), schema).unwrap();
    }
    let context = || ("context", record(vec![("ip", text("i"))]));
    let kind = || ("kind", Value::Enum(1, "click".to_owned()));
    let id = |id: &str| ("id", text(id));
    let old =
        framed(7, &older, record(vec![id("1"), kind(), ("amount", Value::Int(4)), context()]));
    let extra = ("extra", text("x"));
    let new = framed(
        8,
        &newer,
        record(vec![id("2"), kind(), extra, ("amount", Value::Int(5)), context()]),
    );
    let wrong =
        framed(9, &incompatible, record(vec![id("3"), kind(), ("amount", text("?")), context()]));
    let mut unknown = old.clone();
    unknown[4] = 11;
    let mut no_schema = old.clone();
    no_schema[4] = 10;
    let events = [
        old.clone(),
        wrong,
        new,
        unknown,
        no_schema,
        vec![1, 0, 0],
        vec![0, 0],
        Vec::new(),
        old[..8].to_vec(),
    ];
    let (rows, refused) = decode(EventFormat::Avro, folder.path(), &events);
    let expected = [
        ["1", "Double(4.0)", "Int(3)", "Null", "Null", "i"],
        ["2", "Double(5.0)", "Int(3)", "Null", "Null", "i"],
    ];
    assert_eq!(rows, expected);
    let bytes = Fault::Undecodable;
    let faults = [
        (1, Fault::SchemaViolation),
        (3, bytes),
        (4, bytes),
        (5, bytes),
        (6, bytes),
        (7, bytes),
        (8, bytes),
    ];
    assert_eq!(refused, faults);
}

#[test]
fn a_schema_that_comes_later_is_found_then() {
    let folder = tempfile::tempdir().unwrap();
    let event = event();
    let mut batch = event.batch();
    let schemas = Arc::new(SchemaDirectory::new(folder.path()));
    let mut decoder = Decoder::new(event, EventFormat::Avro, schemas);
    let value = record(vec![
        ("id", text("1")),
        ("kind", Value::Enum(0, "view".to_owned())),
        ("amount", Value::Double(1.0)),
        ("count", Value::Long(1)),
        ("user", Value::Union(0, Box::new(Value::Null))),
        ("properties", Value::Map(std::iter::once(("a".to_owned(), text("x"))).collect())),
        ("context", record(vec![("ip", text("i"))])),
    ]);
    let mut raw = RawEvents::new(0);
    raw.push(&framed(1, READER, value), 0);
    let (mut origins, mut refused) = (Vec::new(), Vec::new());
    decoder.decode(&raw, &mut batch, &mut origins, &mut refused).unwrap();
    assert_eq!((origins.len(), refused.len()), (0, 1));
    std::fs::write(folder.path().join("1.avsc"), READER).unwrap();
    decoder.decode(&raw, &mut batch, &mut origins, &mut refused).unwrap();
    assert_eq!((origins.len(), refused.len()), (1, 1));
    assert_eq!(batch.get(0, 4), Scalar::Text("x"));
}

#[test]
fn a_message_that_is_a_container_is_its_only_event() {
    let schema = Schema::parse_str(READER).unwrap();
    let value = |id: &str| {
        record(vec![
            ("id", text(id)),
            ("kind", Value::Enum(0, "view".to_owned())),
            ("amount", Value::Double(1.0)),
            ("count", Value::Long(1)),
            ("user", Value::Union(0, Box::new(Value::Null))),
            ("properties", Value::Map(std::collections::HashMap::new())),
            ("context", record(vec![("ip", text("i"))])),
        ])
    };
    let container = |ids: &[&str]| {
        let codec = apache_avro::Codec::Snappy;
        let mut writer = apache_avro::Writer::with_codec(&schema, Vec::new(), codec).unwrap();
        writer.extend(ids.iter().map(|id| value(id))).unwrap();
        writer.into_inner().unwrap()
    };
    let whole = container(&["1"]);
    let events =
        [whole.clone(), container(&["1", "2"]), container(&[]), whole[..whole.len() - 1].to_vec()];
    for format in [EventFormat::Avro, EventFormat::Json] {
        let (rows, refused) = decode(format, std::path::Path::new("none"), &events);
        assert_eq!(rows, [["1", "Double(1.0)", "Int(1)", "Null", "Null", "i"]]);
        assert_eq!(refused, [1, 2, 3].map(|at| (at, Fault::Undecodable)));
    }
}
