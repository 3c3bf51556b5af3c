//! Reading by a plan gives what the Avro library gives, for good bytes and for bad ones.

use apache_avro::writer::datum::GenericDatumWriter;
use proptest::prelude::*;

use super::*;

const READER: &str = r#"{"type": "record", "name": "Order", "namespace": "shop", "fields": [
    {"name": "id", "type": "string"},
    {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["view", "click"]}},
    {"name": "before", "type": ["null", "Kind"], "default": null},
    {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    {"name": "amount", "type": "double"},
    {"name": "paid", "type": "boolean", "default": true},
    {"name": "note", "type": ["null", "string"], "default": null},
    {"name": "properties", "type": {"type": "map", "values": "string"}, "default": {}},
    {"name": "tags", "type": {"type": "array", "items": "string"}, "default": []},
    {"name": "items", "type": {"type": "array", "items": {"type": "record", "name": "Item", "fields": [
        {"name": "product", "type": "string"},
        {"name": "quantity", "type": "int"},
        {"name": "price", "type": ["double", "null"]}]}}}]}"#;

/// The same with narrower numbers, another order, a field more and some less.
const OTHER: &str = r#"{"type": "record", "name": "Order", "namespace": "shop", "fields": [
    {"name": "amount", "type": "int"},
    {"name": "at", "type": "long"},
    {"name": "extra", "type": {"type": "array", "items": {"type": "map", "values": ["null", "bytes"]}}},
    {"name": "id", "type": "string"},
    {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["click", "view"]}},
    {"name": "items", "type": {"type": "array", "items": {"type": "record", "name": "Item", "fields": [
        {"name": "price", "type": "float"},
        {"name": "quantity", "type": "int"},
        {"name": "product", "type": "string"}]}}}]}"#;

/// The same with null everywhere, as Spark writes it.
const NULLABLE: &str = r#"{"type": "record", "name": "topLevelRecord", "fields": [
    {"name": "id", "type": ["string", "null"]},
    {"name": "kind", "type": ["null", {"type": "enum", "name": "Kind", "symbols": ["click", "view"]}]},
    {"name": "at", "type": ["null", {"type": "long", "logicalType": "timestamp-millis"}]},
    {"name": "amount", "type": ["float", "null"]},
    {"name": "properties", "type": ["null", {"type": "map", "values": ["string", "null"]}]},
    {"name": "tags", "type": [{"type": "array", "items": ["null", "string"]}, "null"]},
    {"name": "items", "type": ["null", {"type": "array", "items": ["null", {"type": "record", "name": "Item", "fields": [
        {"name": "product", "type": ["null", "string"]},
        {"name": "quantity", "type": ["null", "int"]},
        {"name": "price", "type": ["null", "double"]}]}]}]}]}"#;

const WANTED: [&str; 8] = ["id", "kind", "before", "at", "amount", "paid", "note", "properties.a"];

fn event() -> EventType {
    let mut event = EventType::parse(READER).unwrap();
    for path in WANTED {
        event.want(&path.split('.').collect::<Vec<_>>()).unwrap();
    }
    let tags = event.want_list(&["tags"]).unwrap();
    event.want_item(tags, &[]).unwrap();
    let items = event.want_list(&["items"]).unwrap();
    for name in ["price", "product", "quantity"] {
        event.want_item(items, &[name]).unwrap();
    }
    event
}

fn text() -> impl Strategy<Value = String> {
    "[a-cé]{0,5}"
}

fn string() -> impl Strategy<Value = Value> {
    text().prop_map(Value::String)
}

fn record(fields: Vec<(&str, Value)>) -> Value {
    Value::Record(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn nullable(null: u32, value: Option<Value>) -> Value {
    match value {
        Some(value) => Value::Union(1 - null, Box::new(value)),
        None => Value::Union(null, Box::new(Value::Null)),
    }
}

fn reader_value() -> impl Strategy<Value = Value> {
    let item = (text(), any::<i32>(), prop::option::of(any::<f64>())).prop_map(
        |(product, quantity, price)| {
            let price = nullable(1, price.map(Value::Double));
            record(vec![
                ("product", Value::String(product)),
                ("quantity", Value::Int(quantity)),
                ("price", price),
            ])
        },
    );
    let kind =
        || prop_oneof![Just(Value::Enum(0, "view".into())), Just(Value::Enum(1, "click".into()))];
    let lists = (prop::collection::vec(item, 0..4), prop::collection::vec(string(), 0..4));
    let rest =
        (string(), kind(), prop::option::of(kind()), any::<i64>(), any::<f64>(), any::<bool>());
    let maps = (prop::option::of(string()), prop::collection::hash_map("[ab]", string(), 0..3));
    (rest, maps, lists).prop_map(
        |((id, kind, before, at, amount, paid), (note, properties), (items, tags))| {
            record(vec![
                ("id", id),
                ("kind", kind),
                ("before", nullable(0, before)),
                ("at", Value::TimestampMillis(at)),
                ("amount", Value::Double(amount)),
                ("paid", Value::Boolean(paid)),
                ("note", nullable(0, note)),
                ("properties", Value::Map(properties)),
                ("tags", Value::Array(tags)),
                ("items", Value::Array(items)),
            ])
        },
    )
}

fn other_value() -> impl Strategy<Value = Value> {
    let item = (text(), any::<i32>(), any::<f32>()).prop_map(|(product, quantity, price)| {
        record(vec![
            ("price", Value::Float(price)),
            ("quantity", Value::Int(quantity)),
            ("product", Value::String(product)),
        ])
    });
    let bytes = prop::option::of(prop::collection::vec(any::<u8>(), 0..3));
    let bytes = bytes.prop_map(|bytes| nullable(0, bytes.map(Value::Bytes)));
    let extra = prop::collection::vec(prop::collection::hash_map("[ab]", bytes, 0..3), 0..3);
    let kind =
        prop_oneof![Just(Value::Enum(1, "view".into())), Just(Value::Enum(0, "click".into()))];
    let rest = (any::<i32>(), any::<i64>(), string(), kind);
    (rest, extra, prop::collection::vec(item, 0..4)).prop_map(
        |((amount, at, id, kind), extra, items)| {
            record(vec![
                ("amount", Value::Int(amount)),
                ("at", Value::Long(at)),
                ("extra", Value::Array(extra.into_iter().map(Value::Map).collect())),
                ("id", id),
                ("kind", kind),
                ("items", Value::Array(items)),
            ])
        },
    )
}

/// Mostly there.
fn often<V: Strategy<Value = Value>>(null: u32, value: V) -> impl Strategy<Value = Value> {
    prop::option::weighted(0.97, value).prop_map(move |value| nullable(null, value))
}

fn nullable_value() -> impl Strategy<Value = Value> {
    let double = || any::<f64>().prop_map(Value::Double);
    let int = || any::<i32>().prop_map(Value::Int);
    let item = (often(0, string()), often(0, int()), often(0, double())).prop_map(
        |(product, quantity, price)| {
            record(vec![("product", product), ("quantity", quantity), ("price", price)])
        },
    );
    let kind =
        prop_oneof![Just(Value::Enum(1, "view".into())), Just(Value::Enum(0, "click".into()))];
    let at = any::<i64>().prop_map(Value::TimestampMillis);
    let rest = (
        often(1, string()),
        often(0, kind),
        often(0, at),
        often(1, any::<f32>().prop_map(Value::Float)),
    );
    let properties = prop::collection::hash_map("[ab]", often(1, string()), 0..3);
    let tags = prop::collection::vec(often(0, string()), 0..4).prop_map(Value::Array);
    let items = prop::collection::vec(often(0, item), 0..4).prop_map(Value::Array);
    let lists = (often(0, properties.prop_map(Value::Map)), often(1, tags), often(0, items));
    (rest, lists).prop_map(|((id, kind, at, amount), (properties, tags, items))| {
        record(vec![
            ("id", id),
            ("kind", kind),
            ("at", at),
            ("amount", amount),
            ("properties", properties),
            ("tags", tags),
            ("items", items),
        ])
    })
}

/// Every value of the row, or nothing when it was refused.
fn shown(decoded: &Result<(), Refusal>, batch: &EventBatch) -> Option<Vec<String>> {
    decoded.as_ref().ok()?;
    let mut shown: Vec<String> =
        (0..WANTED.len()).map(|column| format!("{:?}", batch.get(0, column))).collect();
    for (list, columns) in [(0, 1), (1, 3)] {
        let elements = batch.elements(0, list);
        shown.push(format!("{}", elements.is_some()));
        for at in elements.unwrap_or(0..0) {
            shown.extend(
                (0..columns).map(|column| format!("{:?}", batch.items(list).get(at, column))),
            );
        }
    }
    Some(shown)
}

/// What the plan makes of an event, which is what the library does.
#[track_caller]
fn compare(writer: &Schema, bytes: &[u8]) -> Result<Vec<String>, Fault> {
    let event = event();
    let plan = Plan::new(writer, &event).expect("both schemas have a plan");
    let (mut ours, mut theirs) = (event.batch(), event.batch());
    ours.begin_row();
    theirs.begin_row();
    let by_plan = plan.read(bytes, &mut ours);
    let by_library = generic(writer, &event, bytes, &mut theirs);
    let (found, expected) = (shown(&by_plan, &ours), shown(&by_library, &theirs));
    assert_eq!(found, expected, "{by_plan:?}, {by_library:?}");
    let fault = |read: &Result<(), Refusal>| read.as_ref().err().map(|(fault, _)| *fault);
    // The library takes a text that is cut off for a null.
    let is_cut = fault(&by_plan) == Some(Fault::Undecodable);
    assert!(is_cut || fault(&by_plan) == fault(&by_library), "{by_plan:?}, {by_library:?}");
    by_plan.map_err(|(fault, _)| fault).map(|()| found.unwrap_or_default())
}

fn encode(schema: &Schema, value: Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    let writer = GenericDatumWriter::builder(schema).build().unwrap();
    writer.write_value(&mut bytes, value).unwrap();
    bytes
}

proptest! {
    #[test]
    fn good_bytes_have_the_same_values(reader in reader_value(), other in other_value()) {
        for (schema, value) in [(READER, reader), (OTHER, other)] {
            let schema = Schema::parse_str(schema).unwrap();
            prop_assert!(compare(&schema, &encode(&schema, value)).is_ok());
        }
    }

    #[test]
    fn nulls_are_refused_where_the_reader_has_none(
        value in nullable_value(),
        cut in 0_usize..80,
        at in 0_usize..80,
        byte in any::<u8>(),
    ) {
        let schema = Schema::parse_str(NULLABLE).unwrap();
        let mut bytes = encode(&schema, value);
        prop_assert_ne!(compare(&schema, &bytes), Err(Fault::Undecodable));
        let len = bytes.len();
        bytes[at % len] = byte;
        let _either = compare(&schema, &bytes);
        prop_assert_eq!(compare(&schema, &bytes[..cut % len]), Err(Fault::Undecodable));
    }

    #[test]
    fn bad_bytes_are_refused_by_both(
        value in reader_value(),
        cut in 0_usize..80,
        at in 0_usize..80,
        byte in any::<u8>(),
    ) {
        let schema = Schema::parse_str(READER).unwrap();
        let mut bytes = encode(&schema, value);
        let len = bytes.len();
        bytes[at % len] = byte;
        let _either = compare(&schema, &bytes);
        let _either = compare(&schema, &bytes[..cut % len]);
        bytes.push(byte);
        let _either = compare(&schema, &bytes);
    }
}

#[test]
fn what_depends_on_the_value_has_no_plan() {
    let event = event();
    for (from, to) in [
        (r#""amount", "type": "double""#, r#""amount", "type": ["int", "double"]"#),
        (r#""amount", "type": "double""#, r#""amount", "type": "string""#),
        (r#""quantity", "type": "int""#, r#""quantity", "type": "long""#),
        (r#""symbols": ["view", "click"]"#, r#""symbols": ["view", "click", "more"]"#),
        (r#""name": "id""#, r#""name": "di""#),
    ] {
        assert!(READER.contains(from), "{from}");
        let writer = Schema::parse_str(&READER.replace(from, to)).unwrap();
        assert!(Plan::new(&writer, &event).is_none(), "{to}");
    }
}
