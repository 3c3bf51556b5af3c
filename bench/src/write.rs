//! `fs materialize` into a store, beside a client that does nothing but write the same values.

use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Args;
use larder_tests::{Cassandra, Feast, RedisServer, Repository};

use crate::generated::{FEATURES, VIEWS, online_views, write_files};
use crate::load::drain;
use crate::raw_cassandra::RawCassandra;
use crate::raw_redis::RawRedis;
use crate::summary::{Runs, figure};

/// What is written.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Keys for Redis, each with a row of every view.
    #[arg(long, default_value_t = 100_000)]
    redis_keys: u32,
    /// Keys for Cassandra; 0 leaves it out.
    #[arg(long, default_value_t = 4_000)]
    cassandra_keys: u32,
    /// Runs of each; the median counts.
    #[arg(long, default_value_t = 3)]
    runs: usize,
}

/// Connections of the raw Redis client; the better rate counts.
const RAW_CONNECTIONS: [usize; 2] = [1, 4];

/// Inserts that the raw Cassandra client has on their way; the better rate counts.
const RAW_INSERTS: [usize; 2] = [128, 512];

/// Writes to Redis, then to Cassandra.
pub(crate) fn run(options: &Options) -> Result<()> {
    let feast = Feast::get();
    println!(
        "materialize of {VIEWS} views of {FEATURES} floats, rows per second, median (lowest..highest)"
    );
    redis(&feast, options)?;
    if options.cassandra_keys > 0 {
        cassandra(&feast, options)?;
    }
    Ok(())
}

fn redis(feast: &Feast, options: &Options) -> Result<()> {
    let server = RedisServer::start(&[]);
    let store = format!("{{type: redis, connection_string: \"{}\"}}", server.address());
    let repository = applied(feast, "bench", &store, options.redis_keys);
    let raw = RawRedis::hsets(server.port(), "bench", options.redis_keys)?;
    let rows = f64::from(options.redis_keys) * VIEWS as f64;
    let (mut bulk, mut guarded, mut limit) = (Runs::default(), Runs::default(), Runs::default());
    for _ in 0..options.runs {
        let mut best = 0_f64;
        for connections in RAW_CONNECTIONS {
            server.flush();
            best = best.max(rows / drain(&raw, connections, raw.batches())?.as_secs_f64());
        }
        limit.add(best);
        server.flush();
        bulk.add(rows / materialize(&repository, &["--bulk"]).as_secs_f64());
        server.flush();
        guarded.add(rows / materialize(&repository, &[]).as_secs_f64());
    }
    println!(
        "redis: {rows} rows; raw: the same HSETs, pipelined, the better of 1 and 4 connections"
    );
    print_row("raw", &limit, &limit);
    print_row("fs --bulk", &bulk, &limit);
    print_row("fs", &guarded, &limit);
    Ok(())
}

fn cassandra(feast: &Feast, options: &Options) -> Result<()> {
    let project = format!("bench_{}", std::process::id());
    let shared = Cassandra::get(feast).online_store("cassandra");
    let store = shared.trim_start_matches("online_store: ");
    let repository = applied(feast, &project, store, options.cassandra_keys);
    let raw = RawCassandra::open(&std::env::var("FS_TEST_CASSANDRA")?, &project)?;
    let rows = f64::from(options.cassandra_keys) * VIEWS as f64;
    let (mut ours, mut limit) = (Runs::default(), Runs::default());
    for _ in 0..options.runs {
        let mut best = 0_f64;
        for at_once in RAW_INSERTS {
            best = best.max(rows / raw.insert(options.cassandra_keys, at_once)?.as_secs_f64());
        }
        limit.add(best);
        ours.add(rows / materialize(&repository, &[]).as_secs_f64());
    }
    println!(
        "cassandra: {rows} rows; raw: the driver's prepared INSERT of every feature, the better of {} and {} at once",
        RAW_INSERTS[0], RAW_INSERTS[1]
    );
    print_row("raw", &limit, &limit);
    print_row("fs", &ours, &limit);
    raw.drop_table()?;
    repository.fs().ok(&["teardown"]);
    Ok(())
}

fn applied(feast: &Feast, project: &str, online_store: &str, keys: u32) -> Repository {
    let repository = online_views(project, online_store);
    write_files(feast, &repository, keys);
    repository.fs().ok(&["apply"]);
    repository
}

/// The whole command: start, files, encoding, writing, registry.
fn materialize(repository: &Repository, options: &[&str]) -> Duration {
    let arguments = ["materialize", "2026-01-01T00:00:00", "2100-01-01T00:00:00"];
    let arguments: Vec<&str> = arguments.into_iter().chain(options.iter().copied()).collect();
    let start = Instant::now();
    repository.fs().ok(&arguments);
    start.elapsed()
}

fn print_row(name: &str, rates: &Runs, limit: &Runs) {
    let share = figure(100.0 * rates.median() / limit.median());
    println!("{name:<12} {rates:>30} {share:>8} %");
}
