//! Materialization of one large file: into nothing, into the embedded store, and beside Feast's.

mod growth;
mod null_sink;
mod repository;

use anyhow::Result;
use clap::Args;
use larder_tests::Feast;

pub(crate) use self::null_sink::{NullSinkOptions, run as null_sink};
use self::repository::Files;
use crate::child::Usage;
use crate::summary::figure;

/// What is materialized.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Rows of the file.
    #[arg(long, default_value_t = 10_000_000)]
    rows: usize,
    /// Keys; of each the newest row is written.
    #[arg(long, default_value_t = 2_000_000)]
    keys: i64,
    /// Rows for Feast, a tenth as many keys; 0 leaves it out.
    #[arg(long, default_value_t = 100_000)]
    feast_rows: usize,
    /// Runs of each; the median counts.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    #[command(flatten)]
    growth: growth::Options,
}

/// Materializes the whole file, each time into an empty store.
pub(crate) fn run(options: &Options) -> Result<()> {
    let (rows, keys) = (options.rows, options.keys);
    println!("materialize of {rows} rows x {} doubles, {keys} keys", repository::FEATURES);
    println!(
        "{:<18} {:>9} {:>9} {:>9} {:>9} {:>12}",
        "into", "seconds", "CPU s", "peak MB", "anon MB", "rows read/s"
    );
    let files = Files::generate(rows, keys)?;
    let null =
        measured(options.runs, || Usage::of(&mut NullSinkOptions::command(files.folder(), None)?))?;
    print("nothing", null, rows);
    let embedded = measured(options.runs, || files.empty("embedded").and_then(|()| files.fs()))?;
    print("embedded", embedded, rows);
    if options.feast_rows > 0 {
        let rows = options.feast_rows;
        let files = Files::generate(rows, i64::try_from(rows / 10)?)?;
        println!("\n{rows} rows, beside Feast on SQLite");
        let feast = Feast::get();
        let ours = measured(options.runs, || files.empty("sqlite").and_then(|()| files.fs()))?;
        print("fs, sqlite", ours, rows);
        let theirs =
            measured(options.runs, || files.empty("sqlite").and_then(|()| files.feast(&feast)))?;
        print("Feast, sqlite", theirs, rows);
        println!("Feast takes {} times as long as fs", figure(theirs.seconds / ours.seconds));
    }
    growth::run(&options.growth, options.runs)
}

fn measured(runs: usize, mut run: impl FnMut() -> Result<Usage>) -> Result<Usage> {
    let usages: Vec<Usage> = (0..runs).map(|_| run()).collect::<Result<_>>()?;
    Ok(Usage::median(&usages))
}

fn print(into: &str, usage: Usage, rows: usize) {
    let Usage { seconds, cpu, peak, anonymous } = usage;
    let rate = (rows as f64 / seconds).round();
    let (seconds, cpu) = (figure(seconds), figure(cpu));
    let (peak, anonymous) = (peak >> 20, anonymous >> 20);
    println!("{into:<18} {seconds:>9} {cpu:>9} {peak:>9} {anonymous:>9} {rate:>12}");
}
