//! `apply` of many generated views.

use std::time::{Duration, Instant};

use clap::Args;
use larder_tests::{Feast, Repository};

use crate::generated::many_views;
use crate::summary::{Runs, figure};

/// How much is applied, and how often.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Feature views in the repository.
    #[arg(long, default_value_t = 1_000)]
    views: usize,
    /// Runs of each program.
    #[arg(long, default_value_t = 3)]
    runs: usize,
}

/// Times of a first apply and of one without changes.
#[derive(Default)]
struct Times {
    first: Runs,
    unchanged: Runs,
}

/// Applies the same definitions with both programs, each run in a fresh folder.
pub(crate) fn run(options: &Options) {
    let feast = Feast::get();
    let (mut ours, mut theirs) = (Times::default(), Times::default());
    for _ in 0..options.runs {
        let repository = many_views(options.views);
        ours.add(&repository, |repository| drop(repository.fs().ok(&["apply"])));
        let repository = many_views(options.views);
        theirs.add(&repository, |repository| drop(feast.ok(&repository.path(), &["apply"])));
    }
    println!("apply of {} feature views, seconds, median (lowest..highest)", options.views);
    println!("{:<12} {:>24} {:>24} {:>8}", "", "fs", "feast", "ratio");
    print_row("first", &ours.first, &theirs.first);
    print_row("unchanged", &ours.unchanged, &theirs.unchanged);
}

impl Times {
    fn add(&mut self, repository: &Repository, apply: impl Fn(&Repository)) {
        self.first.add_duration(timed(|| apply(repository)));
        self.unchanged.add_duration(timed(|| apply(repository)));
    }
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn print_row(name: &str, ours: &Runs, theirs: &Runs) {
    let ratio = figure(theirs.median() / ours.median());
    println!("{name:<12} {ours:>24} {theirs:>24} {ratio:>7}x");
}
