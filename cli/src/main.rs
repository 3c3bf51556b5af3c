//! `fs`: one binary from feature definitions to served features.
//!
//! Commands are thin: they read arguments, call the library that does the work, and print its answer.
//! Data goes to standard output; progress, logs, warnings and errors go to standard error.

mod cli;
mod clock;
mod commands;
mod compose;
mod definition;
mod demo;
mod generate;
mod logging;
mod output;
mod process;
mod progress;
mod registry_json;
mod report;
mod repository;
mod stop_signal;
mod times;
mod traces;
mod view_switch;

use std::process::ExitCode;

use clap::Parser as _;
use larder_core::Result;
use larder_registry::repo_config::ProcessEnvironment;

use crate::traces::Traces;

/// Serving allocates little and often, in many threads at once.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match run(cli::Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::error(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: cli::Cli) -> Result<()> {
    // Goes last: it sends what it has.
    let traces = if arguments.serves() { Traces::start(&ProcessEnvironment)? } else { None };
    let tracer = traces.as_ref().map(Traces::tracer);
    let global = &arguments.global;
    logging::init(global.log_level, global.log_format, arguments.logs_requests(), tracer);
    if arguments.is_job_over_data() {
        process::keep_pages_small();
    }
    cli::run(arguments)
}
