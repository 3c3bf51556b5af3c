//! The point-in-time join: `fs get-historical-features` beside its peers, on generated files.

mod data;
mod floor;
mod programs;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
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
    /// Who joins besides `fs`: Feast at size a only, nobody at size c.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Program::DuckDb, Program::Polars])]
    peers: Vec<Program>,
    /// Runs of each; the median counts.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Feature rows in the order of their times, as a log has them; else in no order.
    #[arg(long)]
    sorted: bool,
    /// `--memory-limit` of `fs` [default: its own, but 950MiB at size c].
    #[arg(long, value_name = "SIZE")]
    memory_limit: Option<String>,
}

/// Sizes of the workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scale {
    /// 100 k x 1 M, 20 k keys.
    A,
    /// 1 M x 10 M, 200 k keys.
    B,
    /// 5 M x 50 M, 1 M keys.
    C,
}

/// What `fs` may hold at size c, in which the whole process stays below 1 GB.
const LIMIT_OF_C: &str = "950MiB";
/// The most bytes that `fs` may have resident at sizes b and c.
const MOST_RESIDENT: u64 = 1_000_000_000;

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

    /// Whether a peer comes to an end at this size, in the memory of one machine.
    fn suits(self, peer: Program) -> bool {
        match self {
            Self::A => true,
            Self::B => !peer.is_feast(),
            Self::C => false,
        }
    }
}

/// What `fs` and the floor took at one size.
struct Measured {
    size: Size,
    ours: Usage,
    floor: Usage,
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
    let measured = options.sizes.iter().map(|&scale| run_size(options, scale));
    print_growth(&measured.collect::<Result<Vec<_>>>()?);
    Ok(())
}

fn run_size(options: &Options, scale: Scale) -> Result<Measured> {
    let size = scale.size();
    let data = Data::generate(&target()?, size, options.sorted)?;
    println!(
        "\n{} entity rows x {} feature rows per view, {} keys, {} MB of Parquet",
        size.entities,
        size.rows,
        size.keys,
        data.bytes()? / 1_000_000
    );
    let limit = options.memory_limit.as_deref();
    let limit = limit.or_else(|| (scale == Scale::C).then_some(LIMIT_OF_C));
    let programs = Programs::prepare(&data, limit)?;
    let mut joining = vec![Program::Fs];
    joining.extend(options.peers.iter().filter(|peer| scale.suits(**peer)));
    let mut usages: BTreeMap<Program, Vec<Usage>> = BTreeMap::new();
    for run in 0..options.runs {
        for &program in joining.iter().chain(&[Program::Floor]) {
            usages.entry(program).or_default().push(programs.run(program)?);
            if run == 0 && program != Program::Floor && program != Program::Fs {
                programs.compare(program)?;
            }
        }
    }
    let medians: BTreeMap<Program, Usage> =
        usages.iter().map(|(program, usages)| (*program, Usage::median(usages))).collect();
    print(&medians, &joining);
    let (ours, floor) = (medians[&Program::Fs], medians[&Program::Floor]);
    let most = ours.peak;
    ensure!(
        scale == Scale::A || most < MOST_RESIDENT,
        "fs had {most} bytes resident, and {MOST_RESIDENT} are the most"
    );
    Ok(Measured { size, ours, floor })
}

/// One line per program; ratios are of medians.
fn print(medians: &BTreeMap<Program, Usage>, joining: &[Program]) {
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

/// How the time grows with the feature rows: by as much as they do where the slope is 1.
fn print_growth(measured: &[Measured]) {
    let (Some(first), Some(last)) = (measured.first(), measured.last()) else { return };
    if first.size.rows == last.size.rows {
        return;
    }
    println!(
        "\n{:<24} {:>9} {:>22} {:>12}",
        "", "seconds", "per million rows read", "time / floor"
    );
    for Measured { size, ours, floor } in measured {
        println!(
            "{:<24} {:>9} {:>22} {:>11}x",
            format!("{} rows per view", size.rows),
            figure(ours.seconds),
            figure(ours.seconds * 1e6 / (data::VIEWS * size.rows) as f64),
            figure(ours.seconds / floor.seconds)
        );
    }
    let (rows, seconds) =
        (last.size.rows as f64 / first.size.rows as f64, last.ours.seconds / first.ours.seconds);
    println!(
        "{} times the feature rows take {} times as long: slope {}",
        figure(rows),
        figure(seconds),
        figure(seconds.ln() / rows.ln())
    );
}

/// The folder that cargo builds into, which is outside of the repository's sources.
fn target() -> Result<std::path::PathBuf> {
    let binary = std::env::current_exe().context("a running program has a path")?;
    let target = binary.parent().and_then(Path::parent);
    Ok(target.context("binaries stand in target/*")?.to_path_buf())
}
