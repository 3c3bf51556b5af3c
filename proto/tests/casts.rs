//! Values cast to declared types, judged by what Feast 0.67 makes of the same JSON.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use larder_core::{ErrorKind, Value, ValueType};
use larder_proto::convert;
use serde_json::Value as Json;

fn vectors() -> Json {
    serde_json::from_str(include_str!("../../tests/vectors/online/casts.json")).unwrap()
}

fn is_list(value_type: ValueType) -> bool {
    value_type.list_element().or_else(|| value_type.set_element()).is_some()
        || matches!(value_type, ValueType::ValueList | ValueType::ValueSet)
}

/// What Feast answers, `None` for an error; the order of a Python set means nothing.
fn expected(case: &Json) -> Option<Value> {
    let bytes = hex::decode(case["hex"].as_str()?).unwrap();
    Some(ordered(convert::decode_value(&bytes).unwrap()))
}

fn ordered(value: Value) -> Value {
    match value {
        Value::Set(element, mut items) => {
            items.sort_by_key(|item| format!("{item:?}"));
            Value::Set(element, items)
        }
        value => value,
    }
}

/// Where Feast answers something that nobody can want.
fn feast_is_wrong(value_type: ValueType, json: &Json) -> bool {
    match value_type {
        // Feast turns every float into the marker of a missing time.
        ValueType::UnixTimestamp => json.is_f64(),
        // Anything at all becomes `{"_value": ...}`.
        ValueType::Struct => !json.is_object(),
        // Zero passes a type check that other numbers do not pass.
        ValueType::Uuid | ValueType::TimeUuid => json.is_number(),
        // Text is split into characters, an object into its keys, a flat list into lists of one.
        _ if is_list(value_type) => json.is_string() || json.is_object() || json.is_array(),
        _ => false,
    }
}

/// Where Feast raises and we answer.
fn we_accept_more(value_type: ValueType, json: &Json) -> bool {
    match value_type {
        ValueType::Double => json.is_string() || json.is_boolean(),
        ValueType::Bool => json.is_f64(),
        // Base64, as JSON answers spell bytes; ISO 8601.
        ValueType::Bytes | ValueType::UnixTimestamp | ValueType::ZonedTimestamp => json.is_string(),
        ValueType::Decimal => json.is_number(),
        // Keys other than text have no JSON, so their text is read.
        ValueType::ScalarMap => json.is_object() || json.is_string(),
        // Items are cast like scalars; JSON text is parsed.
        _ => is_list(value_type) && (json.is_array() || json.is_string()),
    }
}

#[test]
fn declared_types_give_what_feast_gives() {
    let (vectors, mut equal) = (vectors(), 0);
    for case in vectors["typed"].as_array().unwrap() {
        let value_type = ValueType::from_name(case["type"].as_str().unwrap()).unwrap();
        let json = &case["json"];
        match (convert::value_from_json(json, value_type), expected(case)) {
            (Ok(ours), Some(theirs)) if ordered(ours.clone()) == theirs => equal += 1,
            (Err(error), None) => assert_eq!(error.kind(), ErrorKind::Invalid, "{case}"),
            (ours, Some(_)) => assert!(feast_is_wrong(value_type, json), "{case}: {ours:?}"),
            (ours, None) => assert!(we_accept_more(value_type, json), "{case}: {ours:?}"),
        }
    }
    assert!(equal > 300, "only {equal} cases agree");
}

#[test]
fn undeclared_types_are_inferred_as_feast_infers_them() {
    for case in vectors()["untyped"].as_array().unwrap() {
        let ours = convert::infer_value(&case["json"]).unwrap();
        match expected(case) {
            Some(theirs) => assert_eq!(ours, theirs, "{case}"),
            // Empty and nested collections have no type in Feast.
            None => assert!(case["json"].is_array() || case["json"].is_object(), "{case}"),
        }
    }
}

#[test]
fn what_we_accept_beyond_feast_means_what_it_says() {
    let json = |text: &str| Json::String(text.to_owned());
    let seconds = Value::UnixTimestamp(1_706_702_400);
    for (given, value_type, value) in [
        (json("AP8Q"), ValueType::Bytes, Value::Bytes(vec![0, 255, 16])),
        (json("1.5"), ValueType::Double, Value::Double(1.5)),
        (json("2024-01-31T13:00:00+01:00"), ValueType::UnixTimestamp, seconds),
        (Json::from(1.9), ValueType::UnixTimestamp, Value::UnixTimestamp(1)),
        (Json::from(1.5), ValueType::Decimal, Value::Decimal("1.5".to_owned())),
        (
            json("2024-01-31T13:00:00+01:00"),
            ValueType::ZonedTimestamp,
            Value::ZonedTimestamp { unix_timestamp: 1_706_702_400, zone: "UTC+01:00".to_owned() },
        ),
        (
            json("[1, null, 2.5]"),
            ValueType::Int64List,
            Value::List(ValueType::Int64, vec![Value::Int64(1), Value::Null, Value::Int64(2)]),
        ),
        (
            serde_json::json!(["Infinity", 1, null, "-Infinity", "2.5"]),
            ValueType::DoubleList,
            Value::List(
                ValueType::Double,
                vec![
                    Value::Double(f64::INFINITY),
                    Value::Double(1.0),
                    Value::Null,
                    Value::Double(f64::NEG_INFINITY),
                    Value::Double(2.5),
                ],
            ),
        ),
        (
            serde_json::json!({"1": "a", "0.5": null}),
            ValueType::ScalarMap,
            Value::ScalarMap(vec![
                (Value::Double(0.5), Value::Null),
                (Value::Int64(1), Value::String("a".to_owned())),
            ]),
        ),
    ] {
        assert_eq!(convert::value_from_json(&given, value_type).unwrap(), value, "{given}");
    }
}

#[test]
fn numbers_that_do_not_fit_are_refused() {
    for (text, value_type) in [
        ("2147483648", ValueType::Int32),
        ("9223372036854775808", ValueType::Int64),
        ("1e19", ValueType::Int64),
        ("-1e19", ValueType::UnixTimestamp),
        ("\"9223372036854775808\"", ValueType::Int64),
    ] {
        let json: Json = serde_json::from_str(text).unwrap();
        let error = convert::value_from_json(&json, value_type).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{text}");
    }
}

#[test]
fn not_a_number_is_null_in_a_column_and_stays_in_a_list() {
    let nan = Value::Double(f64::NAN);
    assert_eq!(convert::cast_value(nan.clone(), ValueType::Double).unwrap(), Value::Null);
    assert_eq!(convert::cast_value(nan.clone(), ValueType::Int64).unwrap(), Value::Null);
    let list = Value::List(ValueType::Double, vec![nan]);
    let Value::List(_, items) = convert::cast_value(list, ValueType::FloatList).unwrap() else {
        panic!("a list stays a list");
    };
    assert!(matches!(items[0], Value::Float(number) if number.is_nan()));
}

#[test]
fn a_column_of_whole_and_other_numbers_is_one_of_doubles() {
    for (column, value_type) in [
        ("[1, 2]", ValueType::Int64),
        ("[null, 1, 2.5]", ValueType::Double),
        ("[null, null]", ValueType::Unknown),
        ("[[1], [2.5]]", ValueType::DoubleList),
        ("[{\"a\": 1}, null]", ValueType::Map),
    ] {
        let column: Vec<Json> = serde_json::from_str(column).unwrap();
        assert_eq!(convert::infer_column_type(&column).unwrap(), value_type, "{column:?}");
    }
    let mixed = [Json::from(1), Json::from("a")];
    assert_eq!(convert::infer_column_type(&mixed).unwrap_err().kind(), ErrorKind::Invalid);
}
