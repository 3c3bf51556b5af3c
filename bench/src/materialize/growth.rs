//! How memory grows with the rows: of a materialization into nothing, a fifth as many keys as rows, and of reading all rows.

use anyhow::Result;
use clap::Args;

use super::repository::Files;
use super::{NullSinkOptions, measured, print};
use crate::child::Usage;

/// What is compared.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Rows of the files, in ascending order; none leaves it out.
    #[arg(long, value_delimiter = ',', default_value = "2500000,5000000,10000000,20000000")]
    growth_rows: Vec<usize>,
    /// MiB that the newest rows may take.
    #[arg(long, value_delimiter = ',', default_value = "32,128")]
    growth_limits: Vec<usize>,
}

/// Prints the peak of every size within every limit, and the slope.
pub(super) fn run(options: &Options, runs: usize) -> Result<()> {
    let mut all = Vec::new();
    let mut peaks = vec![Vec::new(); options.growth_limits.len()];
    for &rows in &options.growth_rows {
        let keys = rows / 5;
        println!("\n{rows} rows, {keys} keys, into nothing");
        let files = Files::generate(rows, i64::try_from(keys)?)?;
        let usage = measured(runs, || Usage::of(&mut NullSinkOptions::of_all(files.folder())?))?;
        print("every row", usage, rows);
        all.push(point(rows, usage));
        for (&limit, peaks) in options.growth_limits.iter().zip(&mut peaks) {
            let command = || NullSinkOptions::command(files.folder(), Some(limit << 20));
            let usage = measured(runs, || Usage::of(&mut command()?))?;
            print(&format!("within {limit} MiB"), usage, rows);
            peaks.push(point(rows, usage));
        }
    }
    let limits = options.growth_limits.iter().map(|limit| format!("within {limit} MiB"));
    let lines = std::iter::once("every row".to_owned()).chain(limits);
    for (name, peaks) in lines.zip(std::iter::once(&all).chain(&peaks)) {
        if peaks.len() > 1 {
            println!("{name}: {:+.2} MB per million rows", slope(peaks));
        }
    }
    Ok(())
}

/// Millions of rows and MiB.
fn point(rows: usize, usage: Usage) -> (f64, f64) {
    (rows as f64 / 1e6, usage.peak as f64 / f64::from(1 << 20))
}

/// The slope of the line that is nearest to these points.
fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let covariance: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    let variance: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
    covariance / variance
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slope_is_that_of_the_nearest_line() {
        assert!((slope(&[(0.0, 1.0), (1.0, 3.0), (2.0, 5.0)]) - 2.0).abs() < 1e-12);
    }
}
