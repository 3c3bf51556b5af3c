//! The store against the contract, Feast's golden vectors and the oracle, on a cluster of processes.
#![expect(
    clippy::unwrap_used,
    reason = "a test harness of its own: clippy does not see that these are tests"
)]

mod cluster;
mod joins;
mod losses;
mod plans;
mod roles;

#[path = "../../../datafusion/tests/engine/canonical.rs"]
mod canonical;
#[path = "../../../datafusion/tests/engine/fixture.rs"]
mod fixture;
#[expect(dead_code, reason = "shared with the tests of the local engine")]
#[path = "../../../datafusion/tests/engine/properties.rs"]
mod properties;
#[path = "../../../datafusion/tests/engine/rows.rs"]
mod rows;
#[expect(dead_code, reason = "shared with the tests of the local engine")]
#[path = "../../../datafusion/tests/engine/vectors.rs"]
mod vectors;

use std::process::ExitCode;

use libtest_mimic::Arguments;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let Some(code) = roles::play(&words) {
        return code;
    }
    let arguments = Arguments::from_args();
    let mut trials = joins::trials();
    trials.extend(losses::trials());
    trials.extend(plans::trials());
    let conclusion = libtest_mimic::run(&arguments, trials);
    cluster::end();
    conclusion.exit_code()
}
