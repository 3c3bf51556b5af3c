//! `fs demo`: the whole main job on generated e-commerce data, in a folder of its own.

mod display;
mod grpc_calls;
mod http_calls;
mod job;
mod repository_files;
mod server;
mod steps;

use std::path::PathBuf;

use clap::Args;
use larder_core::{Error, ErrorKind, Result};

use self::steps::Steps;
use crate::output;

/// Arguments of `fs demo`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  fs demo --keep        leaves the servers running and prints calls to try")]
pub(crate) struct Arguments {
    /// Leave the folder and the servers, and print calls to try.
    #[arg(long)]
    keep: bool,
    /// Seed of the generated data.
    #[arg(long, default_value_t = 20_260_101)]
    seed: u64,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let folder = tempfile::Builder::new().prefix("fs-demo-").tempdir().map_err(|error| {
        Error::new(ErrorKind::Unavailable, "cannot make a temporary folder").with_source(error)
    })?;
    let mut steps = Steps::new(job::STEPS);
    let running = job::run(folder.path(), arguments.seed, &mut steps)?;
    output::line(format!("\nEverything ran in {}.", steps::seconds(steps.elapsed())))?;
    if arguments.keep {
        let path: PathBuf = folder.keep();
        return display::calls_to_try(&path, running.keep());
    }
    running.stop()
}
