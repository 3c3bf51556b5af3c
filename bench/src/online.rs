//! Online features over HTTP: both servers read one SQLite file that Feast wrote.

use std::time::Duration;

use anyhow::{Result, ensure};
use clap::Args;
use larder_tests::{Feast, Repository, Server};

use crate::connection::HttpTarget;
use crate::generated::{FEATURES, SQLITE, VIEWS, online_views, write_files};
use crate::load::{closed_loop, open_loop};
use crate::summary::{Runs, figure};
use crate::workload::{self, same_answers};

/// What is asked, and for how long.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Keys in the store.
    #[arg(long, default_value_t = 10_000)]
    keys: u32,
    /// Entity rows per request.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 10, 100])]
    rows: Vec<usize>,
    /// Connections at once.
    #[arg(long, default_value_t = 4)]
    connections: usize,
    /// Worker processes of Feast.
    #[arg(long, default_value_t = 2)]
    workers: usize,
    /// Seconds per run.
    #[arg(long, default_value_t = 4)]
    seconds: u64,
    /// Runs of each program at each row count.
    #[arg(long, default_value_t = 3)]
    runs: usize,
}

/// The share of its highest rate at which a server's latency is measured.
const OPEN_SHARE: f64 = 0.7;

/// Measures each row count, alternating between the servers.
pub(crate) fn run(options: &Options) -> Result<()> {
    let feast = Feast::get();
    let repository = filled(&feast, options)?;
    let path = repository.path();
    let (ours, theirs) = (
        Server::fs_with(&path, &["--no-access-log"]),
        Server::feast_workers(&feast, &path, options.workers),
    );
    println!(
        "online features over HTTP on SQLite: {} features of {VIEWS} views, {} keys, {} connections, \
         feast with {} workers",
        VIEWS * FEATURES,
        options.keys,
        options.connections,
        options.workers
    );
    println!(
        "{:>5} {:>26} {:>26} {:>8} {:>21} {:>21}",
        "rows", "fs requests/s", "feast requests/s", "ratio", "fs p50/p99 ms", "feast p50/p99 ms"
    );
    for rows in &options.rows {
        let requests = workload::http(&workload::keys(options.keys, *rows), "application/json");
        same_answers(&ours, &theirs, &requests[0])?;
        compare(options, *rows, [&ours, &theirs], &requests)?;
    }
    println!(
        "requests/s: closed loop, median (lowest..highest); p50/p99: open loop at {:.0} % of a server's own rate",
        OPEN_SHARE * 100.0
    );
    Ok(())
}

/// A repository that Feast applied and materialized.
fn filled(feast: &Feast, options: &Options) -> Result<Repository> {
    let repository = online_views("bench", SQLITE);
    write_files(feast, &repository, options.keys);
    feast.ok(&repository.path(), &["apply"]);
    feast.ok(&repository.path(), &["materialize", "2026-01-01T00:00:00", "2100-01-01T00:00:00"]);
    ensure!(repository.path().join("data/online.db").is_file(), "Feast wrote no online store");
    Ok(repository)
}

fn compare(
    options: &Options,
    rows: usize,
    servers: [&Server; 2],
    requests: &[Vec<u8>],
) -> Result<()> {
    let duration = Duration::from_secs(options.seconds);
    let targets = servers.map(|server| HttpTarget { port: server.port(), requests });
    let connections = options.connections;
    let mut rates = [Runs::default(), Runs::default()];
    for target in targets {
        closed_loop(&target, connections, Duration::from_secs(1))?;
    }
    for _ in 0..options.runs {
        for (target, rates) in targets.into_iter().zip(&mut rates) {
            rates.add(closed_loop(&target, connections, duration)?.rate);
        }
    }
    let mut latencies = Vec::new();
    for (target, rates) in targets.into_iter().zip(&rates) {
        let rate = rates.median() * OPEN_SHARE;
        let measured = open_loop(&target, connections, duration, rate)?;
        let (p50, p99) = (measured.milliseconds(50.0), measured.milliseconds(99.0));
        latencies.push(format!("{} / {}", figure(p50), figure(p99)));
    }
    let ratio = figure(rates[0].median() / rates[1].median());
    println!(
        "{rows:>5} {:>26} {:>26} {ratio:>7}x {:>21} {:>21}",
        rates[0], rates[1], latencies[0], latencies[1]
    );
    Ok(())
}
