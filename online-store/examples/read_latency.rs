//! Prints how long a read of 100 keys x 10 features takes, per backend, beside LMDB's bare look-ups.
//!
//! `cargo run --release --example read_latency --features contract`
#![expect(clippy::print_stdout, reason = "the figures are the output")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use larder_core::Result;
use larder_online_store::{
    EmbeddedConfig, EmbeddedStore, OnlineStore, SqliteConfig, SqliteStore, ViewTable, WriteGuard,
    WriteRowsBuilder,
};

const STORED: u64 = 10_000;
const KEYS: usize = 100;
const FEATURES: usize = 10;
const ROUNDS: u64 = 2_000;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<()> {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let table = ViewTable::new("bench", "view", (0..FEATURES).map(|n| format!("feature_{n}")))?;
    let embedded = EmbeddedStore::open(&EmbeddedConfig::new(folder.path().join("lmdb")))?;
    let sqlite = SqliteStore::open(&SqliteConfig::new(folder.path().join("online.db")))?;
    fill(&embedded, &table).await?;
    fill(&sqlite, &table).await?;

    let mut figures =
        [("LMDB, bare get loop", Vec::new()), ("embedded", Vec::new()), ("sqlite", Vec::new())];
    for round in 0..ROUNDS {
        let keys = chosen(round);
        let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
        let start = Instant::now();
        black_box(embedded.touch(&table, &keys)?);
        figures[0].1.push(start.elapsed());
        let start = Instant::now();
        black_box(embedded.read(&table, &keys).await?);
        figures[1].1.push(start.elapsed());
        if round % 4 == 0 {
            let start = Instant::now();
            black_box(sqlite.read(&table, &keys).await?);
            figures[2].1.push(start.elapsed());
        }
    }
    println!("{KEYS} keys x {FEATURES} features of {STORED} stored rows");
    for (name, times) in figures {
        print(name, times);
    }
    Ok(())
}

async fn fill(store: &dyn OnlineStore, table: &ViewTable) -> Result<()> {
    store.update(std::slice::from_ref(table), &[]).await?;
    let mut rows = WriteRowsBuilder::new(table);
    for n in 0..STORED {
        rows.begin_row(&key(n), 1_767_225_600_000_000, None)?;
        for feature in 0..FEATURES {
            rows.set_with(feature, |out| {
                larder_proto::wire::value::put_double(n as f64 / 3.0, out);
            })?;
        }
    }
    let start = Instant::now();
    store.write(table, &rows.finish(), WriteGuard::EventTime).await?;
    println!("{:>20}: wrote {STORED} rows in {:?}", store.name(), start.elapsed());
    Ok(())
}

/// A serialized entity key of one integer join key.
fn key(n: u64) -> Vec<u8> {
    let mut key = b"\x01\0\0\0\x02\0\0\0\x07\0\0\0user_id\x04\0\0\0\x08\0\0\0".to_vec();
    key.extend(n.to_le_bytes());
    key
}

/// Keys spread over the stored ones, others in every round.
fn chosen(round: u64) -> Vec<Vec<u8>> {
    let mut at = round.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut next = || {
        at = at.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        key((at >> 33) % STORED)
    };
    (0..KEYS).map(|_| next()).collect()
}

fn print(name: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    println!("{name:>20}: p50 {:>9.1?}  p99 {:>9.1?}", at(50), at(99));
}
