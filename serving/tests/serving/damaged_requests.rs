//! Recorded request bodies, damaged at random: each is answered or refused, and nothing of it is the server's fault.
//!
//! Runs for `FS_TEST_FUZZ_SECONDS` (3 by default) from the seed `FS_TEST_SEED`; a body that fails is printed.

use std::time::{Duration, Instant};

use larder_core::Compat;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::Value;

use crate::fixture::Shop;

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Path and body of everything that was recorded as sent to a server, asked of this shop's views.
fn recorded() -> Vec<(String, Vec<u8>)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/online/http.json");
    let recording: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let exchanges = recording["exchanges"].as_array().unwrap().iter();
    let posts =
        exchanges.map(|exchange| &exchange["request"]).filter(|call| call["method"] == "POST");
    posts
        .map(|call| {
            let body = call["raw"].as_str().map_or_else(|| call["json"].to_string(), str::to_owned);
            let body = body.replace("user_behavior_features", "user_stats");
            let body =
                body.replace("product_features", "item_stats").replace("clicks_7d", "visits");
            let path = call["path"].as_str().unwrap().split('?').next().unwrap();
            (path.to_owned(), body.into_bytes())
        })
        .filter(|(path, _)| !path.starts_with("/materialize"))
        .collect()
}

/// What JSON is made of, and what breaks it.
const PIECES: [&[u8]; 16] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b",",
    b":",
    b"null",
    b"true",
    b"-0.0",
    b"1e999",
    b"9223372036854775808",
    b"\\ud800",
    b"\xff",
    b"NaN",
    b"\"entities\":{\"user_id\":[1]}",
];

/// A body with a few bytes changed, put in, taken out or copied from another.
fn damaged(seeds: &[(String, Vec<u8>)], random: &mut StdRng) -> (String, Vec<u8>) {
    let (path, mut bytes) = seeds[random.random_range(0..seeds.len())].clone();
    for _ in 0..random.random_range(1..4) {
        let at = random.random_range(0..=bytes.len());
        match random.random_range(0..5) {
            0 => drop(bytes.splice(at..at, PIECES[random.random_range(0..PIECES.len())].to_vec())),
            1 if at < bytes.len() => bytes[at] = random.random(),
            2 if at < bytes.len() => drop(bytes.remove(at)),
            3 => bytes.truncate(at),
            _ => {
                let (_, other) = &seeds[random.random_range(0..seeds.len())];
                let end = random.random_range(0..=other.len());
                let start = random.random_range(0..=end);
                drop(bytes.splice(at..at, other[start..end].to_vec()));
            }
        }
    }
    (path, bytes)
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_request_bodies_are_answered_or_refused_and_never_the_servers_fault() {
    let shop = Shop::open(Compat::Larder).await;
    let seeds = recorded();
    assert!(seeds.len() > 100, "{} recorded requests", seeds.len());
    let mut random = StdRng::seed_from_u64(number("FS_TEST_SEED", 67));
    let end = Instant::now() + Duration::from_secs(number("FS_TEST_FUZZ_SECONDS", 3));
    let (mut runs, mut answered) = (0, 0);
    while Instant::now() < end {
        let (path, body) = damaged(&seeds, &mut random);
        let post = shop.client.post(format!("http://{}{path}", shop.http));
        let mut answer = post.header("content-type", "application/json").send(&body[..]).unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        let status = answer.status().as_u16();
        let told = || format!("after {runs} runs: {path} {status} {text}\n{}", body.escape_ascii());
        assert!(status < 500 || status == 501, "{}", told());
        assert!(text.is_empty() || serde_json::from_str::<Value>(&text).is_ok(), "{}", told());
        (runs, answered) = (runs + 1, answered + u32::from(status == 200));
    }
    assert!(runs > 100 && answered > 0, "{runs} runs, {answered} answers");
    shop.stop().await;
}
