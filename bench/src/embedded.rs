//! Online features on the embedded store: the rate, and the latency at half of it.

use anyhow::Result;
use clap::Args;
use larder_tests::{Feast, Server};

use crate::generated::{FEATURES, VIEWS, online_views, write_files};
use crate::served::{Load, Requests};
use crate::summary::{Runs, figure};
use crate::workload;

/// What is measured.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    load: Load,
}

/// The share of its highest rate at which latency is measured.
const OPEN_SHARE: f64 = 0.5;

/// Measures every combination.
pub(crate) fn run(options: &Options) -> Result<()> {
    let load = &options.load;
    let repository = online_views("bench", "{type: embedded, path: data/online}");
    write_files(&Feast::get(), &repository, load.keys);
    repository.fs().ok(&["apply"]);
    repository.fs().ok(&["materialize", "2026-01-01T00:00:00", "2100-01-01T00:00:00"]);
    let server = Server::fs_with(&repository.path(), &["--no-access-log"]);
    println!(
        "online features on the embedded store: {} features of {VIEWS} views, {} keys",
        VIEWS * FEATURES,
        load.keys
    );
    println!(
        "{:>8} {:>5} {:>6} {:>26} {:>21}",
        "protocol", "conns", "rows", "requests/s", "p50/p99 ms at half"
    );
    for rows in &load.rows {
        let requests = Requests::new(&workload::keys(load.keys, *rows));
        requests.check(&server)?;
        for protocol in &load.protocols {
            for connections in &load.connections {
                let mut rates = Runs::default();
                requests.closed(&server, *protocol, *connections, load.duration() / 3)?;
                for _ in 0..load.runs {
                    let duration = load.duration();
                    rates.add(requests.closed(&server, *protocol, *connections, duration)?.rate);
                }
                let rate = rates.median() * OPEN_SHARE;
                let open =
                    requests.open(&server, *protocol, *connections, load.duration(), rate)?;
                let (p50, p99) = (open.milliseconds(50.0), open.milliseconds(99.0));
                let latency = format!("{} / {}", figure(p50), figure(p99));
                println!("{protocol:>8} {connections:>5} {rows:>6} {rates:>26} {latency:>21}");
            }
        }
    }
    Ok(())
}
