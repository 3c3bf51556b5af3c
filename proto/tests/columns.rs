//! Columns of encoded values as Arrow arrays and back.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use arrow_array::builder::{FixedSizeListBuilder, Float32Builder};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Date32Array, Decimal128Array, DictionaryArray,
    FixedSizeBinaryArray, Float32Array, Float64Array, Int8Array, Int32Array, Int64Array,
    LargeStringArray, StringArray, StructArray, TimestampMicrosecondArray,
    TimestampNanosecondArray, UInt64Array,
};
use arrow_schema::{DataType, Field};
use larder_core::{ErrorKind, Value, ValueType};
use larder_proto::convert::{self, EncodedColumn};
use larder_proto::wire::registry_file::RegistryFile;
use larder_proto::wire::{entity_key, json};
use proptest::prelude::*;
use serde_json::Value as Json;

fn decoded(column: &EncodedColumn) -> Vec<Value> {
    column.iter().map(|bytes| convert::decode_value(bytes).unwrap()).collect()
}

/// Encodes an array and reads every value back.
fn encoded(array: &dyn Array, value_type: ValueType) -> Vec<Value> {
    decoded(&convert::encode_column(array, value_type).unwrap())
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

#[test]
fn values_of_every_type_survive_a_column() {
    let vectors: Json =
        serde_json::from_str(include_str!("../../tests/vectors/online/values.json")).unwrap();
    for case in vectors["values"].as_array().unwrap() {
        let bytes = hex::decode(case["hex"].as_str().unwrap()).unwrap();
        let value = convert::decode_value(&bytes).unwrap();
        let value_type = value.value_type();
        let array = convert::decode_column(value_type, [Some(&*bytes), None, Some(&[])]).unwrap();
        assert_eq!(array.data_type(), &value_type.arrow_type(), "{case}");
        assert_eq!((array.len(), array.is_null(1), array.is_null(2)), (3, true, true), "{case}");
        let back = encoded(&array, value_type);
        assert_eq!(back[1..], [Value::Null, Value::Null], "{case}");
        let expected = match value {
            Value::Double(number) if number.is_nan() => Value::Null,
            Value::UnixTimestamp(i64::MIN) => Value::Null,
            // Text shows an offset in place of the zone, and no type of number for a key.
            Value::ZonedTimestamp { .. } | Value::ScalarMap(_) => continue,
            value => value,
        };
        assert_eq!(format!("{:?}", back[0]), format!("{expected:?}"), "{case}");
    }
}

#[test]
fn a_value_stored_under_another_type_is_cast_or_refused() {
    let mut stored = Vec::new();
    convert::encode_value(&Value::Int32(7), &mut stored).unwrap();
    let array = convert::decode_column(ValueType::Double, [Some(&*stored)]).unwrap();
    assert_eq!(array.as_ref(), &Float64Array::from(vec![7.0]) as &dyn Array);
    let array = convert::decode_column(ValueType::String, [Some(&*stored)]).unwrap();
    assert_eq!(array.as_ref(), &StringArray::from(vec!["7"]) as &dyn Array);
    let error = convert::decode_column(ValueType::Bytes, [Some(&*stored)]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let error = convert::decode_column(ValueType::Int64, [Some(&[0x20][..])]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
}

#[test]
fn arrow_numbers_become_the_declared_type() {
    let small: ArrayRef = Arc::new(Int8Array::from(vec![Some(-1), None]));
    assert_eq!(encoded(&small, ValueType::Int64), [Value::Int64(-1), Value::Null]);
    assert_eq!(encoded(&small, ValueType::Float), [Value::Float(-1.0), Value::Null]);
    let floats = Float64Array::from(vec![1.9, f64::NAN, -0.0]);
    let expected = [Value::Int64(1), Value::Null, Value::Int64(0)];
    assert_eq!(encoded(&floats, ValueType::Int64), expected);
    assert_eq!(encoded(&floats, ValueType::Double)[1], Value::Null);
    assert_eq!(encoded(&Float32Array::from(vec![f32::NAN]), ValueType::Float), [Value::Null]);
    let flags = BooleanArray::from(vec![true]);
    assert_eq!(encoded(&flags, ValueType::Int32), [Value::Int32(1)]);
    assert_eq!(encoded(&flags, ValueType::String), [text("True")]);
    assert_eq!(encoded(&Int32Array::from(vec![0]), ValueType::Bool), [Value::Bool(false)]);
    let words = StringArray::from(vec!["12", " 7 "]);
    assert_eq!(encoded(&words, ValueType::Int64), [Value::Int64(12), Value::Int64(7)]);
}

#[test]
fn arrow_times_become_utc_seconds() {
    let micros = TimestampMicrosecondArray::from(vec![Some(1_999_999), Some(-1_500_000), None])
        .with_timezone("America/New_York");
    let expected = [Value::UnixTimestamp(1), Value::UnixTimestamp(-1), Value::Null];
    assert_eq!(encoded(&micros, ValueType::UnixTimestamp), expected);
    assert_eq!(encoded(&micros, ValueType::Int64)[0], Value::Int64(1));
    let nanos = TimestampNanosecondArray::from(vec![5_000_000_001]);
    assert_eq!(encoded(&nanos, ValueType::UnixTimestamp), [Value::UnixTimestamp(5)]);
    let days = Date32Array::from(vec![-1]);
    assert_eq!(encoded(&days, ValueType::UnixTimestamp), [Value::UnixTimestamp(-86_400)]);
}

#[test]
fn other_arrow_types_are_read_as_what_they_hold() {
    let keys = Int8Array::from(vec![Some(1), None, Some(0)]);
    let words: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
    let dictionary = DictionaryArray::new(keys, words);
    let expected = [text("b"), Value::Null, text("a")];
    assert_eq!(encoded(&dictionary, ValueType::String), expected);
    let large = LargeStringArray::from(vec!["x"]);
    assert_eq!(encoded(&large, ValueType::String), [text("x")]);
    let decimals = Decimal128Array::from(vec![12_345]).with_precision_and_scale(10, 2).unwrap();
    assert_eq!(encoded(&decimals, ValueType::Decimal), [Value::Decimal("123.45".to_owned())]);
    assert_eq!(encoded(&decimals, ValueType::Double), [Value::Double(123.45)]);
    let bytes: Vec<u8> = (0..16).collect();
    let uuids = FixedSizeBinaryArray::try_from_iter([bytes].into_iter()).unwrap();
    let uuid = "00010203-0405-0607-0809-0a0b0c0d0e0f";
    assert_eq!(encoded(&uuids, ValueType::Uuid), [Value::Uuid(uuid.to_owned())]);
}

#[test]
fn structs_become_maps_structs_and_json() {
    let name: ArrayRef = Arc::new(StringArray::from(vec!["é"]));
    let size: ArrayRef = Arc::new(Float64Array::from(vec![1.5]));
    let field = |name: &str, data_type| Arc::new(Field::new(name, data_type, true));
    let rows = StructArray::from(vec![
        (field("size", DataType::Float64), size),
        (field("name", DataType::Utf8), name),
    ]);
    let entries = vec![("name".to_owned(), text("é")), ("size".to_owned(), Value::Double(1.5))];
    assert_eq!(encoded(&rows, ValueType::Struct), [Value::Struct(entries.clone())]);
    assert_eq!(encoded(&rows, ValueType::Map), [Value::Map(entries)]);
    let json = Value::Json(r#"{"name": "\u00e9", "size": 1.5}"#.to_owned());
    assert_eq!(encoded(&rows, ValueType::Json), [json]);
}

#[test]
fn embeddings_are_copied_as_they_are() {
    let mut builder = FixedSizeListBuilder::new(Float32Builder::new(), 2);
    builder.values().append_slice(&[0.5, f32::NAN]);
    builder.append(true);
    builder.values().append_slice(&[1.0, 2.0]);
    builder.append(false);
    builder.values().append_null();
    builder.values().append_value(3.0);
    builder.append(true);
    let array = builder.finish();
    let column = convert::encode_column(&array, ValueType::FloatList).unwrap();
    assert_eq!(hex::encode(column.get(0)), "82010a0a080000003f0000c07f");
    assert!(column.get(1).is_empty());
    let floats = |items: [f32; 2]| {
        Value::List(ValueType::Float, items.into_iter().map(Value::Float).collect())
    };
    assert_eq!(decoded(&column)[2], floats([0.0, 3.0]));
    let doubles = encoded(&array, ValueType::DoubleList);
    let expected = vec![Value::Double(0.0), Value::Double(3.0)];
    assert_eq!(doubles[2], Value::List(ValueType::Double, expected));
}

#[test]
fn json_text_in_a_column_fills_lists_and_maps() {
    let words = StringArray::from(vec![Some("[1, 2]"), None]);
    let list = Value::List(ValueType::Int64, vec![Value::Int64(1), Value::Int64(2)]);
    assert_eq!(encoded(&words, ValueType::Int64List), [list, Value::Null]);
    let words = StringArray::from(vec![r#"{"a": [true]}"#]);
    let inner = Value::List(ValueType::Bool, vec![Value::Bool(true)]);
    assert_eq!(encoded(&words, ValueType::Map), [Value::Map(vec![("a".to_owned(), inner)])]);
}

#[test]
fn a_cell_that_cannot_be_cast_is_named_by_its_row() {
    let words = StringArray::from(vec!["1", "x"]);
    let error = convert::encode_column(&words, ValueType::Int64).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.message().starts_with("row 1: "), "{error}");
    let huge = UInt64Array::from(vec![u64::MAX]);
    let error = convert::encode_column(&huge, ValueType::Int64).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

proptest! {
    #[test]
    fn integers_survive_both_ways(numbers: Vec<Option<i64>>) {
        let array = Int64Array::from(numbers);
        let column = convert::encode_column(&array, ValueType::Int64).unwrap();
        let back = convert::decode_column(ValueType::Int64, column.iter().map(Some)).unwrap();
        prop_assert_eq!(back.as_ref(), &array as &dyn Array);
    }

    #[test]
    fn texts_survive_both_ways(texts: Vec<Option<String>>) {
        let array = StringArray::from(texts);
        let column = convert::encode_column(&array, ValueType::String).unwrap();
        let back = convert::decode_column(ValueType::String, column.iter().map(Some)).unwrap();
        prop_assert_eq!(back.as_ref(), &array as &dyn Array);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
        let mut out = Vec::new();
        if json::write_value(&bytes, &mut out).is_ok() {
            // What can be shown is well-formed.
            prop_assert!(serde_json::from_slice::<Json>(&out).is_ok());
        }
        for &value_type in ValueType::ALL {
            if let Ok(column) = convert::decode_column(value_type, [Some(&*bytes)]) {
                prop_assert_eq!(column.data_type(), &value_type.arrow_type());
            }
        }
        if let Ok(key) = entity_key::decode(&bytes) {
            prop_assert!(key.join_keys.len() <= bytes.len());
        }
        if let Ok(file) = RegistryFile::parse(&bytes) {
            prop_assert_eq!(RegistryFile::parse(&file.to_bytes()).unwrap(), file);
        }
    }
}
