//! The point-in-time join: `fs get-historical-features` beside its peers, on generated files.

mod data;
mod floor;
mod programs;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};

use self::data::{Data, Size};
pub(crate) use self::floor::{FloorOptions, run as floor};
use self::programs::{Program, Programs};
use crate::child::Usage;
use crate::summary::figure;

/// What is joined, and by whom.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Sizes: entity rows x feature rows per view. The largest takes 10 GB of disk.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Scale::A, Scale::B])]
    sizes: Vec<Scale>,
    /// Who joins besides `fs`.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Program::DuckDb, Program::Polars])]
    peers: Vec<Program>,
    /// Runs of each; the median counts.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Feature rows in the order of their times, as a log has them; else in no order.
    #[arg(long)]
    sorted: bool,
}

/// Sizes of the workload.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Scale {
    /// 100 k x 1 M, 20 k keys.
    A,
    /// 1 M x 10 M, 200 k keys.
    B,
    /// 5 M x 50 M, 1 M keys.
    C,
}

impl Scale {
    fn size(self) -> Size {
        let times: u32 = match self {
            Self::A => 1,
            Self::B => 10,
            Self::C => 50,
        };
        let many = times as usize;
        Size { entities: 100_000 * many, rows: 1_000_000 * many, keys: 20_000 * i64::from(times) }
    }
}

/// Generates, joins, compares and deletes, size by size.
pub(crate) fn run(options: &Options) -> Result<()> {
    println!(
        "point-in-time join, {} views x {} doubles, ttl {} days of {}, created times; rows in {} order",
        data::VIEWS,
        data::FEATURES,
        data::TTL_DAYS,
        data::DAYS,
        if options.sorted { "time" } else { "no" }
    );
    options.sizes.iter().try_for_each(|scale| run_size(options, scale.size()))
}

fn run_size(options: &Options, size: Size) -> Result<()> {
    let data = Data::generate(&target()?, size, options.sorted)?;
    println!(
        "\n{} entity rows x {} feature rows per view, {} keys, {} MB of Parquet",
        size.entities,
        size.rows,
        size.keys,
        data.bytes()? / 1_000_000
    );
    let programs = Programs::prepare(&data)?;
    let mut joining = vec![Program::Fs];
    joining.extend(&options.peers);
    let mut usages: BTreeMap<Program, Vec<Usage>> = BTreeMap::new();
    for run in 0..options.runs {
        for &program in joining.iter().chain(&[Program::Floor]) {
            usages.entry(program).or_default().push(programs.run(program)?);
            if run == 0 && program != Program::Floor && program != Program::Fs {
                programs.compare(Program::Fs, program)?;
            }
        }
    }
    print(&usages, &joining);
    Ok(())
}

/// One line per program; ratios are of medians.
fn print(usages: &BTreeMap<Program, Vec<Usage>>, joining: &[Program]) {
    let medians: BTreeMap<Program, Usage> =
        usages.iter().map(|(program, usages)| (*program, Usage::median(usages))).collect();
    let (ours, floor) = (medians[&Program::Fs], medians[&Program::Floor]);
    println!(
        "{:<14} {:>9} {:>9} {:>9} {:>12} {:>12} {:>12}",
        "", "seconds", "CPU s", "peak MB", "time / fs", "CPU / fs", "time / floor"
    );
    for program in joining.iter().chain(&[Program::Floor]) {
        let usage = medians[program];
        println!(
            "{:<14} {:>9} {:>9} {:>9} {:>11}x {:>11}x {:>11}x",
            program.name(),
            figure(usage.seconds),
            figure(usage.cpu),
            usage.peak >> 20,
            figure(usage.seconds / ours.seconds),
            figure(usage.cpu / ours.cpu),
            figure(usage.seconds / floor.seconds)
        );
    }
    let peers = joining.iter().filter(|program| **program != Program::Fs);
    let fastest = peers.map(|peer| medians[peer].seconds).min_by(f64::total_cmp);
    if let Some(fastest) = fastest {
        println!("the fastest peer takes {} times as long as fs", figure(fastest / ours.seconds));
    }
}

/// The folder that cargo builds into, which is outside of the repository's sources.
fn target() -> Result<std::path::PathBuf> {
    let binary = std::env::current_exe().context("a running program has a path")?;
    let target = binary.parent().and_then(Path::parent);
    Ok(target.context("binaries stand in target/*")?.to_path_buf())
}
