//! The project's own commands: `cargo xtask demo | test | services | bench | codegen | tidy | ci | soak`.
//!
//! Everything that CI runs is run from here and can be run locally with nothing but cargo.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool")]

mod bench;
mod ci;
mod cli;
#[cfg(feature = "codegen")]
mod codegen;
mod demo;
mod services;
mod soak;
mod tally;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    match cli::run(cli::Command::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
