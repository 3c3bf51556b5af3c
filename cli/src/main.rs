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
mod progress;
mod registry_json;
mod report;
mod repository;
mod times;
mod view_switch;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let arguments = cli::Cli::parse();
    let global = &arguments.global;
    logging::init(global.log_level, global.log_format, arguments.logs_requests());
    match cli::run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::error(&error);
            ExitCode::FAILURE
        }
    }
}
