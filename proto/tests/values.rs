//! Encoded values, judged by what Feast 0.67 produced.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use larder_core::{Value, ValueType};
use larder_proto::convert;
use larder_proto::feast::types;
use larder_proto::wire::{json, value};
use prost::Message as _;
use serde_json::Value as Json;

fn vectors() -> Vec<(String, Vec<u8>, Json)> {
    let text = include_str!("../../tests/vectors/online/values.json");
    let document: Json = serde_json::from_str(text).unwrap();
    let read = |case: &Json| {
        let bytes = hex::decode(case["hex"].as_str().unwrap()).unwrap();
        (case["name"].as_str().unwrap().to_owned(), bytes, case.clone())
    };
    document["values"].as_array().unwrap().iter().map(read).collect()
}

#[test]
fn json_is_what_feasts_http_server_answers() {
    for (name, bytes, case) in vectors() {
        let mut out = Vec::new();
        json::write_value(&bytes, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let ours: Json = serde_json::from_str(&text).unwrap();
        assert_eq!(ours, case["http_json"], "{name}: {text}");
    }
}

#[test]
fn the_case_is_the_field_that_is_set() {
    for (name, bytes, case) in vectors() {
        let expected = match case["case"].as_str() {
            None | Some("null_val") => None,
            Some("list_val") => Some(ValueType::ValueList),
            Some("set_val") => Some(ValueType::ValueSet),
            Some(field) => ValueType::from_name(&field.trim_end_matches("_val").to_uppercase()),
        };
        assert_eq!(value::value_case(&bytes).unwrap(), expected, "{name}");
    }
}

#[test]
fn scalars_are_read_without_decoding() {
    for (name, bytes, case) in vectors() {
        let json = &case["http_json"];
        match case["case"].as_str() {
            Some("int32_val" | "int64_val" | "unix_timestamp_val") => {
                assert_eq!(value::read_i64(&bytes).unwrap(), json.as_i64(), "{name}");
            }
            Some("double_val" | "float_val") if json.is_number() => {
                let ours = value::read_f64(&bytes).unwrap().unwrap();
                assert_eq!(ours.to_bits(), json.as_f64().unwrap().to_bits(), "{name}");
            }
            Some("bool_val") => {
                assert_eq!(value::read_bool(&bytes).unwrap(), json.as_bool(), "{name}");
            }
            Some("string_val" | "json_val" | "uuid_val" | "time_uuid_val" | "decimal_val") => {
                assert_eq!(value::read_str(&bytes).unwrap(), json.as_str(), "{name}");
            }
            _ => {}
        }
    }
    assert_eq!(value::read_bytes(&[0x0a, 2, 0, 255]).unwrap(), Some(&[0, 255][..]));
    assert_eq!(value::read_i64(&[]).unwrap(), None);
    assert!(value::read_i64(&[0x12, 1, b'a']).is_err());
}

#[test]
fn scalars_are_written_as_feast_writes_them() {
    let written = |write: &dyn Fn(&mut Vec<u8>)| {
        let mut out = Vec::new();
        write(&mut out);
        hex::encode(out)
    };
    assert_eq!(written(&|out| value::put_int32(-1, out)), "18ffffffffffffffffff01");
    assert_eq!(written(&|out| value::put_int64(300, out)), "20ac02");
    assert_eq!(written(&|out| value::put_unix_timestamp(1_700_000_000, out)), "4080e2cfaa06");
    assert_eq!(written(&|out| value::put_bool(false, out)), "3800");
    assert_eq!(written(&|out| value::put_double(1.5, out)), "29000000000000f83f");
    assert_eq!(written(&|out| value::put_float(0.1, out)), "35cdcccc3d");
    assert_eq!(written(&|out| value::put_raw(&[0, 255, 16], out)), "0a0300ff10");
    let uuid = |out: &mut Vec<u8>| value::put_text(ValueType::Uuid, "x", out);
    assert_eq!(written(&uuid), "a2020178");
}

#[test]
fn malformed_values_are_data_errors() {
    for bytes in [&[0x12, 5][..], &[0x20], &[0x29, 1], &[0x12, 2, 0xff, 0xfe], &[0x62, 1, 0x0a]] {
        let error = json::write_value(bytes, &mut Vec::new()).unwrap_err();
        assert_eq!(error.kind(), larder_core::ErrorKind::Data, "{bytes:?}");
    }
}

#[test]
fn every_value_leads_back_to_its_bytes() {
    for (name, bytes, _) in vectors() {
        let value = convert::decode_value(&bytes).unwrap();
        let mut out = Vec::new();
        convert::encode_value(&value, &mut out).unwrap();
        // A null that another client stored as `null_val` is written as Feast writes nulls.
        let expected = if name == "null_val" { Vec::new() } else { bytes };
        if name == "map" {
            // Python spells out a null inside a map, which means the same.
            assert_eq!(types::Value::decode(&*out), types::Value::decode(&*expected));
        } else {
            assert_eq!(hex::encode(out), hex::encode(expected), "{name}");
        }
    }
}

#[test]
fn nulls_inside_lists_become_what_feast_puts_there() {
    let encoded = |element, items| {
        let mut out = Vec::new();
        convert::encode_value(&Value::List(element, items), &mut out).unwrap();
        convert::decode_value(&out).unwrap()
    };
    for (element, stand_in) in [
        (ValueType::String, Value::String(String::new())),
        (ValueType::Int64, Value::Int64(0)),
        (ValueType::Double, Value::Double(0.0)),
        (ValueType::Bool, Value::Bool(false)),
        (ValueType::UnixTimestamp, Value::UnixTimestamp(i64::MIN)),
        (ValueType::Map, Value::Map(Vec::new())),
    ] {
        assert_eq!(encoded(element, vec![Value::Null]), Value::List(element, vec![stand_in]));
    }
}

#[test]
fn a_list_with_an_item_of_another_type_is_refused() {
    for value in [
        Value::List(ValueType::Int64, vec![Value::Int32(1)]),
        Value::List(ValueType::Map, vec![Value::Struct(Vec::new())]),
        Value::Set(ValueType::Json, Vec::new()),
        Value::ScalarMap(vec![(Value::Map(Vec::new()), Value::Null)]),
    ] {
        let error = convert::value_to_proto(&value).unwrap_err();
        assert_eq!(error.kind(), larder_core::ErrorKind::Invalid);
    }
}
