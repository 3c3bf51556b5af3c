//! The engine against the contract, Feast's golden vectors, the oracle and odd files.
#![expect(
    clippy::unwrap_used,
    reason = "a test harness of its own: clippy does not see that these are tests"
)]

mod all;
mod canonical;
mod contract;
#[cfg(feature = "delta")]
mod delta;
mod entity_rows;
mod equal;
mod files;
mod fixture;
mod latest;
mod many_rows;
mod properties;
mod pruned;
mod rows;
mod s3;
mod vectors;

use std::process::ExitCode;

use libtest_mimic::Arguments;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = contract::trials();
    trials.extend(vectors::trials());
    trials.extend(properties::trials());
    trials.extend(files::trials());
    trials.extend(latest::trials());
    trials.extend(all::trials());
    trials.extend(pruned::trials());
    trials.extend(equal::trials());
    trials.extend(entity_rows::trials());
    trials.extend(many_rows::trials());
    trials.extend(s3::trials());
    #[cfg(feature = "delta")]
    trials.extend(delta::trials());
    libtest_mimic::run(&arguments, trials).exit_code()
}
