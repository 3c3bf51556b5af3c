//! Entity keys and hash fields, judged by what Feast 0.67 produced.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use larder_core::{ErrorKind, Value};
use larder_proto::wire::entity_key::{self, EntityKeyLayout, EntityKeyVersion};
use larder_proto::wire::field_hash;
use serde_json::Value as Json;

fn vectors() -> Json {
    serde_json::from_str(include_str!("../../tests/vectors/online/entity_keys.json")).unwrap()
}

fn array<'a>(vectors: &'a Json, name: &str) -> &'a [Json] {
    vectors[name].as_array().unwrap()
}

fn text(json: &Json) -> &str {
    json.as_str().unwrap()
}

fn value(json: &Json) -> Value {
    let content = &json["value"];
    match text(&json["type"]) {
        "int64_val" => Value::Int64(content.as_i64().unwrap()),
        "int32_val" => Value::Int32(i32::try_from(content.as_i64().unwrap()).unwrap()),
        "string_val" => Value::String(text(content).to_owned()),
        "bytes_val" => Value::Bytes(hex::decode(text(content)).unwrap()),
        "unix_timestamp_val" => Value::UnixTimestamp(content.as_i64().unwrap()),
        "uuid_val" => Value::Uuid(text(content).to_owned()),
        "time_uuid_val" => Value::TimeUuid(text(content).to_owned()),
        "decimal_val" => Value::Decimal(text(content).to_owned()),
        "bool_val" => Value::Bool(content.as_bool().unwrap()),
        "double_val" => Value::Double(content.as_f64().unwrap()),
        "float_val" => Value::Float(1.5),
        "json_val" => Value::Json(text(content).to_owned()),
        "string_list_val" => {
            Value::List(larder_core::ValueType::String, vec![Value::String("a".to_owned())])
        }
        "unset" | "null_val" => Value::Null,
        other => panic!("no such value case: {other}"),
    }
}

struct Case<'a> {
    version: EntityKeyVersion,
    join_keys: Vec<&'a str>,
    values: Vec<Value>,
    json: &'a Json,
}

fn case(json: &Json) -> Case<'_> {
    let version = u32::try_from(json["version"].as_u64().unwrap()).unwrap();
    Case {
        version: EntityKeyVersion::from_number(version),
        join_keys: array(json, "join_keys").iter().map(text).collect(),
        values: array(json, "values").iter().map(value).collect(),
        json,
    }
}

fn cases(vectors: &Json) -> Vec<Case<'_>> {
    array(vectors, "cases").iter().map(case).collect()
}

#[test]
fn keys_are_feasts_bytes() {
    let vectors = vectors();
    for Case { version, join_keys, values, json } in cases(&vectors) {
        let key = entity_key::encode(version, &join_keys, &values);
        if json.get("error").is_some() {
            assert_eq!(key.unwrap_err().kind(), ErrorKind::Invalid, "{json}");
            continue;
        }
        let key = key.unwrap();
        assert_eq!(hex::encode(&key), text(&json["hex"]), "{json}");
        assert_eq!(field_hash::entity_id(&key), text(&json["mmh3_128_entity_id"]), "{json}");
        let layout = EntityKeyLayout::new(version, &join_keys).unwrap();
        assert_eq!(hex::encode(layout.prefix()), text(&json["prefix_hex"]), "{json}");
        let mut appended = b"before".to_vec();
        layout.encode_into(&values, &mut appended).unwrap();
        assert_eq!(appended.strip_prefix(b"before").unwrap(), key, "{json}");
    }
}

#[test]
fn version_three_keys_lead_back_to_their_values() {
    let vectors = vectors();
    for Case { join_keys, values, json, .. } in cases(&vectors) {
        let Some(roundtrip) = json.get("roundtrip_join_keys") else {
            continue;
        };
        let decoded = entity_key::decode(&hex::decode(text(&json["hex"])).unwrap()).unwrap();
        let names: Vec<&str> = roundtrip.as_array().unwrap().iter().map(text).collect();
        assert_eq!(decoded.join_keys, names, "{json}");
        let mut pairs: Vec<_> = join_keys.into_iter().zip(values).collect();
        pairs.sort_by_key(|(name, _)| *name);
        let sorted: Vec<Value> = pairs.into_iter().map(|(_, value)| value).collect();
        assert_eq!(decoded.values, sorted, "{json}");
    }
}

#[test]
fn names_and_values_that_differ_in_number_are_paired_as_feast_pairs_them() {
    let int = |number| Value::Int64(number);
    let v3 = EntityKeyVersion::V3;
    let vectors = vectors();
    let expected = |name: &str| {
        let odd = array(&vectors, "odd_serialize");
        odd.iter().find(|case| case["name"] == name).unwrap()["hex"].as_str()
    };
    for (name, version, join_keys, values) in [
        ("one key, no value", v3, &["a"][..], &[][..]),
        ("two keys, one value (zip drops the second)", v3, &["a", "b"], &[int(1)]),
        ("one key, two values (second ignored)", v3, &["a"], &[int(1), int(2)]),
        ("no key, one value", v3, &[], &[int(1)]),
        ("duplicate join key names", v3, &["a", "a"], &[int(1), int(2)]),
        ("version 1, int64 1", EntityKeyVersion::from_number(1), &["a"], &[int(1)]),
        ("version 0, int64 1", EntityKeyVersion::from_number(0), &["a"], &[int(1)]),
        ("version 4, int64 1", EntityKeyVersion::from_number(4), &["a"], &[int(1)]),
    ] {
        let key = entity_key::encode(version, join_keys, values);
        assert_eq!(key.ok().map(hex::encode).as_deref(), expected(name), "{name}");
    }
}

#[test]
fn a_layout_wants_exactly_its_values_and_none_of_them_null() {
    let layout = EntityKeyLayout::new(EntityKeyVersion::V3, &["b", "a"]).unwrap();
    assert_eq!(layout.sorted_names(), ["a", "b"]);
    for values in [&[Value::Int64(1)][..], &[Value::Int64(1), Value::Null]] {
        assert_eq!(layout.encode(values).unwrap_err().kind(), ErrorKind::Invalid);
    }
    let wide = EntityKeyLayout::new(EntityKeyVersion::V1, &["a"]).unwrap();
    let error = wide.encode(&[Value::Int64(1 << 40)]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

#[test]
fn malformed_keys_are_data_errors() {
    for case in array(&vectors(), "deserialize_v3") {
        let decoded = entity_key::decode(&hex::decode(text(&case["hex"])).unwrap());
        if case.get("error").is_some() {
            assert_eq!(decoded.unwrap_err().kind(), ErrorKind::Data, "{case}");
            continue;
        }
        let decoded = decoded.unwrap();
        let expected = &case["json"];
        let names: Vec<&str> = expected["join_keys"]
            .as_array()
            .map(|names| names.iter().map(text).collect())
            .unwrap_or_default();
        assert_eq!(decoded.join_keys, names, "{case}");
        let values: Vec<Value> = expected["entity_values"]
            .as_array()
            .map(|values| {
                let number = |value: &Json| text(&value["int64_val"]).parse().unwrap();
                values.iter().map(|value| Value::Int64(number(value))).collect()
            })
            .unwrap_or_default();
        assert_eq!(decoded.values, values, "{case}");
    }
}

#[test]
fn redis_keys_end_with_the_project() {
    for case in array(&vectors(), "redis_keys_v3") {
        let join_keys: Vec<&str> = array(case, "join_keys").iter().map(text).collect();
        let layout = EntityKeyLayout::new(EntityKeyVersion::V3, &join_keys).unwrap();
        let values = [Value::Int64(case["int64"].as_i64().unwrap())];
        let mut key = layout.encode(&values).unwrap();
        key.extend_from_slice(text(&case["project"]).as_bytes());
        assert_eq!(hex::encode(&key), text(&case["hex"]));
        assert_eq!(hex::encode(layout.prefix()), text(&case["scan_prefix_hex"]));
    }
}

#[test]
fn hash_fields_are_feasts() {
    for case in array(&vectors(), "hash_fields") {
        let reference = text(&case["ref"]);
        assert_eq!(hex::encode(field_hash::reference_field(reference)), text(&case["hex"]));
        if let Some((view, feature)) = reference.split_once(':') {
            assert_eq!(hex::encode(field_hash::feature_field(view, feature)), text(&case["hex"]));
        }
    }
    assert_eq!(field_hash::timestamp_field("a_view"), "_ts:a_view");
}

#[test]
fn a_key_tells_where_it_ends() {
    let vectors = vectors();
    let mut seen = 0;
    for json in array(&vectors, "cases") {
        let case = case(json);
        let pairs = case.join_keys.len() == case.values.len();
        let Some(key) = json["hex"].as_str().filter(|_| pairs) else { continue };
        let key = hex::decode(key).unwrap();
        for suffix in [&b""[..], b"shop", b"\x01\x00\x00\x00"] {
            let found = entity_key::encoded_length(&[&key, suffix].concat());
            let expected = (case.version == EntityKeyVersion::V3).then_some(key.len());
            assert_eq!(found, expected, "{json}");
        }
        for cut in 0..key.len() {
            assert_eq!(entity_key::encoded_length(&key[..cut]), None, "{json}");
        }
        seen += 1;
    }
    assert!(seen > 50, "{seen}");
}
