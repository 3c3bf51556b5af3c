//! The engine against the contract, Feast's golden vectors, the oracle and odd files.

mod canonical;
mod contract;
mod files;
mod fixture;
mod properties;
mod rows;
mod vectors;

use std::process::ExitCode;

use libtest_mimic::Arguments;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = contract::trials();
    trials.extend(vectors::trials());
    trials.extend(properties::trials());
    trials.extend(files::trials());
    libtest_mimic::run(&arguments, trials).exit_code()
}
