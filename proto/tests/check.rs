//! Which stored bytes count as values, judged by the protobuf decoder and the JSON writer.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use larder_proto::feast::types;
use larder_proto::wire::{check, json};
use proptest::prelude::*;
use prost::Message as _;

/// The encoded values that real Feast wrote, of every type.
fn recorded() -> Vec<Vec<u8>> {
    let text = include_str!("../../tests/vectors/online/values.json");
    let document: serde_json::Value = serde_json::from_str(text).unwrap();
    let values = document["values"].as_array().unwrap();
    values.iter().map(|case| hex::decode(case["hex"].as_str().unwrap()).unwrap()).collect()
}

/// A recorded value with some bytes changed, cut or repeated.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<prop::sample::Index>(), any::<u8>(), 0..4_u8);
    (prop::sample::select(recorded()), prop::collection::vec(change, 0..3)).prop_map(
        |(mut bytes, changes)| {
            for (at, byte, how) in changes {
                let at = at.index(bytes.len() + 1);
                match how {
                    0 => bytes.truncate(at),
                    1 => bytes.insert(at, byte),
                    _ if at < bytes.len() => bytes[at] = byte,
                    _ => bytes.push(byte),
                }
            }
            bytes
        },
    )
}

#[test]
fn everything_that_feast_wrote_is_readable() {
    for value in recorded() {
        assert!(check::is_readable(&value), "{}", hex::encode(value));
    }
}

#[test]
fn bytes_that_are_no_value_are_not_readable() {
    for bytes in ["29", "2900000000000000", "1205", "1202c328", "20ff", "22", "a20103", "3880"] {
        assert!(!check::is_readable(&hex::decode(bytes).unwrap()), "{bytes}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_is_readable_is_written_and_decoded(bytes in damaged()) {
        if check::is_readable(&bytes) {
            prop_assert!(json::write_value(&bytes, &mut Vec::new()).is_ok());
            prop_assert!(types::Value::decode(bytes.as_slice()).is_ok());
        }
    }
}
