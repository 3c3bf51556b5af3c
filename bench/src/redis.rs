//! Online features on Redis, beside the same Redis asked without anything in between.

use std::time::Duration;

use anyhow::Result;
use clap::{Args, ValueEnum};
use larder_tests::{Feast, RedisServer, Repository, Server};

use crate::generated::{FEATURES, VIEWS, online_views, write_files};
use crate::load::closed_loop;
use crate::raw_redis::RawRedis;
use crate::served::{Load, Protocol, Requests};
use crate::summary::{Runs, figure};
use crate::workload::{self, same_answers};

/// What is compared.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    load: Load,
    /// Layouts of rows on Redis.
    #[arg(long, value_delimiter = ',', default_values = ["feast", "packed"])]
    layouts: Vec<Layout>,
    /// Worker processes of Feast; 0 leaves it out.
    #[arg(long, default_value_t = 2)]
    feast_workers: usize,
    /// Longest value that Redis keeps in the block of its hash (`hash-max-listpack-value`); Redis' own setting without.
    #[arg(long)]
    listpack_value: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Layout {
    Feast,
    Packed,
}

/// Connections of the raw client; the better rate counts.
const RAW_CONNECTIONS: [usize; 2] = [1, 4];

/// The share of its highest rate at which latency is measured.
const OPEN_SHARE: f64 = 0.7;

/// Redis asked directly.
struct Raw {
    pipelined: RawRedis,
    one_by_one: RawRedis,
}

impl Raw {
    /// The most requests that are answered per second.
    fn best(&self, duration: Duration) -> Result<f64> {
        RAW_CONNECTIONS.iter().try_fold(0_f64, |best, &connections| {
            Ok(best.max(closed_loop(&self.pipelined, connections, duration)?.rate))
        })
    }

    /// The same with one request on its way over each connection; `None` where the others are not more.
    fn alike(&self, connections: usize, duration: Duration) -> Result<Option<f64>> {
        let most = RAW_CONNECTIONS.iter().max().map_or(0, |most| most * self.pipelined.together());
        if connections >= most {
            return Ok(None);
        }
        Ok(Some(closed_loop(&self.one_by_one, connections, duration)?.rate))
    }
}

/// One `fs serve` with its rows on Redis.
struct Served {
    layout: Layout,
    project: &'static str,
    repository: Repository,
    server: Server,
}

/// Measures every combination; the raw client runs in between.
pub(crate) fn run(options: &Options) -> Result<()> {
    let longest = options.listpack_value.map(|bytes| bytes.to_string());
    let settings: Vec<&str> = match &longest {
        Some(bytes) => vec!["--hash-max-listpack-value", bytes],
        None => Vec::new(),
    };
    let (feast, redis) = (Feast::get(), RedisServer::start(&settings));
    // The raw client asks for Feast's layout, so its rows are there always.
    let served: Vec<Served> = [Layout::Feast, Layout::Packed]
        .into_iter()
        .filter(|layout| *layout == Layout::Feast || options.layouts.contains(layout))
        .map(|layout| serve(&feast, &redis, options, layout))
        .collect();
    let peer = served
        .iter()
        .find(|served| served.layout == Layout::Feast && options.feast_workers > 0)
        .map(|served| {
            Server::feast_workers(&feast, &served.repository.path(), options.feast_workers)
        });
    println!(
        "online features on Redis: {} features of {VIEWS} views, {} keys; raw: the same HMGETs of the Feast layout, \
         pipelined, the better of 1 and 4 connections; alike: with no more requests on their way than fs is sent",
        VIEWS * FEATURES,
        options.load.keys,
    );
    println!(
        "{:>6} {:>8} {:>5} {:>6} {:>26} {:>26} {:>8} {:>8} {:>15} {:>22} {:>8}",
        "layout",
        "protocol",
        "conns",
        "rows",
        "fs requests/s",
        "raw requests/s",
        "share",
        "alike",
        "p50/p99 ms",
        "feast requests/s",
        "ratio"
    );
    for served in served.iter().filter(|served| options.layouts.contains(&served.layout)) {
        for rows in &options.load.rows {
            compare(options, served, &redis, peer.as_ref(), *rows)?;
        }
    }
    println!(
        "requests/s: closed loop, median (lowest..highest); p50/p99: open loop at {:.0} % of that rate",
        OPEN_SHARE * 100.0
    );
    Ok(())
}

fn serve(feast: &Feast, redis: &RedisServer, options: &Options, layout: Layout) -> Served {
    let project = match layout {
        Layout::Feast => "bench",
        Layout::Packed => "packed",
    };
    let store = format!("{{type: redis, connection_string: \"{}\"}}", redis.address());
    let repository = online_views(project, &store);
    if layout == Layout::Packed {
        repository.write("larder.yaml", "online_store: {layout: packed}\n");
    }
    write_files(feast, &repository, options.load.keys);
    repository.fs().ok(&["apply"]);
    repository.fs().ok(&["materialize", "2026-01-01T00:00:00", "2100-01-01T00:00:00"]);
    let server = Server::fs_with(&repository.path(), &["--no-access-log"]);
    Served { layout, project, repository, server }
}

fn compare(
    options: &Options,
    served: &Served,
    redis: &RedisServer,
    peer: Option<&Server>,
    rows: usize,
) -> Result<()> {
    let load = &options.load;
    let keys = workload::keys(load.keys, rows);
    let requests = Requests::new(&keys);
    // The raw client asks for the Feast layout always: that is what packed rows are to be compared with.
    let raw = Raw {
        pipelined: RawRedis::pipelined(redis.port(), "bench", &keys)?,
        one_by_one: RawRedis::one_by_one(redis.port(), "bench", &keys)?,
    };
    let peer = peer.filter(|_| served.layout == Layout::Feast);
    requests.check(&served.server)?;
    if let Some(peer) = peer {
        same_answers(&served.server, peer, requests.sample())?;
    }
    for protocol in &load.protocols {
        for connections in &load.connections {
            let label = format!(
                "{:>6} {protocol:>8} {connections:>5} {rows:>6}",
                if served.project == "bench" { "feast" } else { "packed" }
            );
            let peer = peer.filter(|_| *protocol == Protocol::Http);
            row(&label, load, (served, *protocol, *connections), &requests, &raw, peer)?;
        }
    }
    Ok(())
}

fn row(
    label: &str,
    load: &Load,
    (served, protocol, connections): (&Served, Protocol, usize),
    requests: &Requests,
    raw: &Raw,
    peer: Option<&Server>,
) -> Result<()> {
    let (mut ours, mut theirs) = (Runs::default(), Runs::default());
    let (mut limit, mut alike) = (Runs::default(), Runs::default());
    let duration = load.duration();
    requests.closed(&served.server, protocol, connections, duration / 3)?;
    let mut errors = 0;
    for _ in 0..load.runs {
        let measured = requests.closed(&served.server, protocol, connections, duration)?;
        errors += measured.errors;
        ours.add(measured.rate);
        let best = raw.best(duration / 2)?;
        limit.add(best);
        alike.add(raw.alike(connections, duration / 2)?.unwrap_or(best));
        if let Some(peer) = peer {
            theirs.add(requests.closed(peer, protocol, connections, duration)?.rate);
        }
    }
    let rate = ours.median() * OPEN_SHARE;
    let open = requests.open(&served.server, protocol, connections, duration, rate)?;
    let latency =
        format!("{} / {}", figure(open.milliseconds(50.0)), figure(open.milliseconds(99.0)));
    let share = |of: &Runs| format!("{:.0} %", 100.0 * ours.median() / of.median());
    let (share, alike) = (share(&limit), share(&alike));
    let beside = match peer {
        Some(_) => format!("{theirs:>22} {:>7}x", figure(ours.median() / theirs.median())),
        None => String::new(),
    };
    println!("{label} {ours:>26} {limit:>26} {share:>8} {alike:>8} {latency:>15} {beside}");
    if errors + open.errors > 0 {
        println!("{label} {} requests failed", errors + open.errors);
    }
    Ok(())
}
