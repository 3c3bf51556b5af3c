//! Recorded keys, values and JSON texts, damaged at random: a decoder answers or refuses, and agrees with itself.
//!
//! Each test runs for `FS_TEST_FUZZ_SECONDS` (3 by default) from the seed `FS_TEST_SEED`; `cargo xtask soak` runs them
//! for long. What fails is printed as hex.
#![expect(clippy::unwrap_used, reason = "a failing step fails the test")]

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

use larder_core::ValueType;
use larder_proto::convert::{decode_value, encode_value, infer_value, value_from_json};
use larder_proto::wire::check::is_readable;
use larder_proto::wire::entity_key::{EntityKeyLayout, EntityKeyVersion, decode, encoded_length};
use larder_proto::wire::json::write_value;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::Value as Json;

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Runs `check` on damaged copies of `seeds` until the time is over.
fn run(seeds: &[Vec<u8>], check: impl Fn(&[u8])) {
    assert!(seeds.len() > 10, "the recording is empty");
    let mut random = StdRng::seed_from_u64(number("FS_TEST_SEED", 67));
    let budget = Duration::from_secs(number("FS_TEST_FUZZ_SECONDS", 3));
    let start = Instant::now();
    seeds.iter().for_each(|seed| check(seed));
    let mut runs = 0_u64;
    while start.elapsed() < budget {
        for _ in 0..100 {
            let bytes = damaged(seeds, &mut random);
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| check(&bytes))) {
                eprintln!("after {runs} runs: {}", hex::encode(&bytes));
                resume_unwind(panic);
            }
            runs += 1;
        }
    }
    assert!(runs > 1_000, "{runs} runs");
}

/// A recorded text with a few bytes changed, put in, taken out, copied from elsewhere or from another text.
fn damaged(seeds: &[Vec<u8>], random: &mut StdRng) -> Vec<u8> {
    let mut bytes = seeds[random.random_range(0..seeds.len())].clone();
    for _ in 0..random.random_range(1..6) {
        let at = random.random_range(0..=bytes.len());
        match random.random_range(0..6) {
            0 => bytes.insert(at, random.random()),
            1 if at < bytes.len() => bytes[at] = random.random(),
            2 if at < bytes.len() => bytes[at] ^= 1 << random.random_range(0..8),
            3 => bytes.truncate(at),
            4 if at < bytes.len() => drop(bytes.remove(at)),
            _ => {
                let other = &seeds[random.random_range(0..seeds.len())];
                let end = random.random_range(0..=other.len());
                let start = random.random_range(0..=end);
                bytes.splice(at..at, other[start..end].iter().copied());
            }
        }
    }
    bytes
}

/// The bytes that stand as `hex` anywhere in a recording.
fn recorded(file: &str) -> Vec<Vec<u8>> {
    fn collect(json: &Json, found: &mut Vec<Vec<u8>>) {
        match json {
            Json::Object(entries) => {
                found.extend(
                    entries.get("hex").and_then(Json::as_str).map(|hex| hex::decode(hex).unwrap()),
                );
                entries.values().for_each(|value| collect(value, found));
            }
            Json::Array(items) => items.iter().for_each(|item| collect(item, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    collect(&golden(file), &mut found);
    found
}

fn golden(file: &str) -> Json {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/online");
    serde_json::from_str(&std::fs::read_to_string(format!("{folder}/{file}")).unwrap()).unwrap()
}

/// A decoded key is the key of its parts, and knows its own length among other bytes.
#[test]
fn damaged_entity_keys_are_refused_or_mean_one_thing() {
    run(&recorded("entity_keys.json"), |bytes| {
        let length = encoded_length(bytes);
        assert!(length.is_none_or(|length| length <= bytes.len()));
        let Ok(key) = decode(bytes) else { return };
        let names: Vec<&str> = key.join_keys.iter().map(String::as_str).collect();
        let is_sorted = names.is_sorted_by(|one, other| one < other);
        if !is_sorted || names.len() != key.values.len() {
            return;
        }
        let layout = EntityKeyLayout::new(EntityKeyVersion::V3, &names).unwrap();
        let again = layout.encode(&key.values).unwrap();
        assert_eq!(decode(&again).unwrap(), key);
        // Trailing NUL bytes of names are not part of them.
        if again.len() == bytes.len() {
            assert_eq!(again, bytes);
            assert_eq!(length, Some(bytes.len()));
        }
    });
}

/// The check, the JSON writer and the decoder agree on what a value is; JSON is valid; decoding is stable.
#[test]
fn damaged_values_are_refused_by_all_or_mean_one_thing() {
    run(&recorded("values.json"), |bytes| {
        let mut json = Vec::new();
        let written = write_value(bytes, &mut json).is_ok();
        if is_readable(bytes) {
            assert!(written, "readable, but not as JSON");
            serde_json::from_slice::<Json>(&json).unwrap();
            let value = decode_value(bytes).unwrap();
            let [mut first, mut second] = [Vec::new(), Vec::new()];
            encode_value(&value, &mut first).unwrap();
            encode_value(&decode_value(&first).unwrap(), &mut second).unwrap();
            assert_eq!(first, second);
        } else {
            // Whatever it says, it says so.
            drop(decode_value(bytes));
        }
    });
}

/// JSON of any type becomes a value that can be stored and read, or is refused.
#[test]
fn damaged_json_is_refused_or_can_be_stored() {
    let values = golden("values.json");
    let mut texts: Vec<Vec<u8>> = Vec::new();
    for value in values["values"].as_array().unwrap() {
        texts.push(value["http_json"].to_string().into_bytes());
    }
    for text in ["\"2024-01-02T03:04:05.123456Z\"", "9223372036854775808", "[[1],[null]]", "1e999"]
    {
        texts.push(text.as_bytes().to_vec());
    }
    run(&texts, |bytes| {
        let Ok(json) = serde_json::from_slice::<Json>(bytes) else { return };
        let typed = ValueType::ALL.iter().map(|known| value_from_json(&json, *known));
        for value in typed.chain([infer_value(&json)]).flatten() {
            let mut encoded = Vec::new();
            if encode_value(&value, &mut encoded).is_ok() {
                assert!(is_readable(&encoded), "{value:?}");
            }
        }
    });
}
