//! The memory of a server under load for long: it must not grow.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use larder_tests::{Feast, Server};

use crate::generated::{online_views, write_files};
use crate::served::{Protocol, Requests};
use crate::workload;

/// What is measured.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Seconds of load.
    #[arg(long, default_value_t = 600)]
    seconds: u64,
    /// Keys in the store.
    #[arg(long, default_value_t = 10_000)]
    keys: u32,
    /// Connections at once.
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// Most MiB that the server's own memory may grow by after the first tenth.
    #[arg(long, default_value_t = 32)]
    growth: u64,
}

/// Parts of the run; the first is for warming up.
const PARTS: u32 = 10;

/// Rows per request, in turn.
const ROWS: [usize; 3] = [1, 10, 100];

/// Asks over both protocols, with different numbers of rows, and looks at the memory in between.
pub(crate) fn run(options: &Options) -> Result<()> {
    let repository = online_views("bench", "{type: embedded, path: data/online}");
    write_files(&Feast::get(), &repository, options.keys);
    repository.fs().ok(&["apply"]);
    repository.fs().ok(&["materialize", "2026-01-01T00:00:00", "2100-01-01T00:00:00"]);
    let server = Server::fs_with(&repository.path(), &["--no-access-log", "--metrics-port", "0"]);
    let requests = ROWS.map(|rows| Requests::new(&workload::keys(options.keys, rows)));
    requests[0].check(&server)?;
    let started = Memory::of(server.pid())?;
    println!(
        "memory of fs serve on the embedded store for {} s: HTTP and gRPC, {ROWS:?} rows, {} connections",
        options.seconds, options.connections
    );
    println!("{:>8} {:>12} {:>13} {:>12}", "seconds", "requests", "resident MiB", "of own MiB");
    started.print(0, 0);
    let (mut answered, mut warm) = (0, started);
    for part in 1..=PARTS {
        answered += load(options, &server, &requests)?;
        let now = Memory::of(server.pid())?;
        now.print(options.seconds * u64::from(part) / u64::from(PARTS), answered);
        if part == 1 {
            warm = now;
        }
    }
    let end = Memory::of(server.pid())?;
    let grown = end.own.saturating_sub(warm.own) >> 20;
    println!("grown by {grown} MiB after the first tenth");
    ensure!(grown <= options.growth, "the server grew by {grown} MiB");
    Ok(())
}

/// One part: good answers.
fn load(options: &Options, server: &Server, requests: &[Requests]) -> Result<u64> {
    let kinds = u32::try_from(requests.len() * 2)?;
    let duration = Duration::from_secs(options.seconds) / PARTS / kinds;
    let mut answered = 0;
    for requests in requests {
        for protocol in [Protocol::Http, Protocol::Grpc] {
            let measured = requests.closed(server, protocol, options.connections, duration)?;
            ensure!(measured.errors == 0, "{} requests failed", measured.errors);
            answered += measured.latencies.len();
        }
    }
    Ok(answered)
}

/// Bytes of a process.
#[derive(Debug, Clone, Copy)]
struct Memory {
    resident: u64,
    /// Without the pages of mapped files, which are the store's and the system's to keep.
    own: u64,
}

impl Memory {
    fn of(pid: u32) -> Result<Self> {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))
            .context("the kernel tells nothing about the server")?;
        let bytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
            kilobytes.map(|kilobytes: u64| kilobytes << 10).with_context(|| format!("no {name}"))
        };
        Ok(Self { resident: bytes("VmRSS:")?, own: bytes("RssAnon:")? })
    }

    fn print(self, seconds: u64, answered: u64) {
        let Self { resident, own } = self;
        println!("{seconds:>8} {answered:>12} {:>13} {:>12}", resident >> 20, own >> 20);
    }
}
