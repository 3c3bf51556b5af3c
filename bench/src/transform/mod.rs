//! On-demand functions compiled, beside Feast's own transformation classes running the same text.

mod data;
mod functions;

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use arrow_array::RecordBatch;
use clap::Args;
use larder_tests::{Feast, Repository};
use larder_transform::compile;
use serde_json::{Value, json};

use self::functions::{CASES, Case};
use crate::summary::{Runs, figure};

/// Rows that the engine hands to a program at once.
const BATCH: usize = 8_192;

/// How much is computed, and how often.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Rows of one call, as in a request, some requests and a training set.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 100, 100_000])]
    rows: Vec<usize>,
    /// Seconds that each function is called over and over for.
    #[arg(long, default_value_t = 0.3)]
    seconds: f64,
    /// Runs of each side.
    #[arg(long, default_value_t = 3)]
    runs: usize,
}

/// Figures of one function at one number of rows.
#[derive(Default)]
struct Figures {
    ours: Runs,
    theirs: Runs,
}

/// Calls every function with both, in one thread each, from Arrow columns to Arrow columns.
pub(crate) fn run(options: &Options) -> Result<()> {
    let feast = Feast::get();
    let folder = Repository::empty();
    let most = options.rows.iter().copied().max().context("no number of rows")?;
    let rows = data::rows(most)?;
    data::write(&rows, &folder.path().join("rows.arrow"))?;
    folder.write("cases.json", cases(options).to_string());
    let mut figures: Vec<Vec<Figures>> =
        CASES.iter().map(|_| options.rows.iter().map(|_| Figures::default()).collect()).collect();
    for _ in 0..options.runs {
        let theirs = feast.script(
            "bench_transform.py",
            &[&folder.file("cases.json"), &folder.file("rows.arrow")],
        );
        for (at, (case, figures)) in CASES.iter().zip(&mut figures).enumerate() {
            for (size, (&count, figures)) in options.rows.iter().zip(figures).enumerate() {
                figures.ours.add(ours(case, &rows.slice(0, count), options.seconds)?);
                figures.theirs.add(theirs[at][size].as_f64().context("no figure")?);
            }
        }
    }
    println!("on-demand functions, rows/s in one thread, median (lowest..highest)");
    println!(
        "{:<18} {:>8} {:>30} {:>30} {:>8}",
        "", "rows", "compiled", "Feast's classes", "ratio"
    );
    for (case, figures) in CASES.iter().zip(&figures) {
        for (count, Figures { ours, theirs }) in options.rows.iter().zip(figures) {
            let name = format!("{} ({})", case.name, case.mode_name());
            let ratio = figure(ours.median() / theirs.median());
            println!("{name:<18} {count:>8} {ours:>30} {theirs:>30} {ratio:>7}x");
        }
    }
    Ok(())
}

/// What the script is told.
fn cases(options: &Options) -> Value {
    let functions: Vec<Value> = CASES
        .iter()
        .map(|case| json!({"name": case.name, "mode": case.mode_name(), "text": case.text}))
        .collect();
    json!({"functions": functions, "rows": options.rows, "seconds": options.seconds})
}

/// Rows per second of the compiled function.
fn ours(case: &Case, rows: &RecordBatch, seconds: f64) -> Result<f64> {
    let program = compile(&case.definition()).map_err(|error| anyhow::anyhow!("{error}"))?;
    let program = program.bind(rows.schema_ref())?;
    let batches: Vec<RecordBatch> = (0..rows.num_rows())
        .step_by(BATCH)
        .map(|start| rows.slice(start, BATCH.min(rows.num_rows() - start)))
        .collect();
    let (start, time) = (Instant::now(), Duration::from_secs_f64(seconds));
    let mut calls = 0_u32;
    while calls == 0 || start.elapsed() < time {
        for batch in &batches {
            std::hint::black_box(program.evaluate(batch)?);
        }
        calls += 1;
    }
    Ok(f64::from(calls) * rows.num_rows() as f64 / start.elapsed().as_secs_f64())
}
