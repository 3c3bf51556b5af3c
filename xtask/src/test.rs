//! `cargo xtask test`: prepares what the tests need, runs all of them, sums the suites.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::services::feast::FeastEnvironment;
use crate::tally::Tally;
use crate::workspace::{Workspace, step};

/// Runs the tests whose names contain one of `filter` (all if it is empty).
///
/// The last line printed is `N passed, N failed`, also when suites fail.
pub(crate) fn run(workspace: &Workspace, filter: &[String]) -> Result<()> {
    let feast = step("real Feast for the tests", || FeastEnvironment::of(workspace).install())?;
    // Suites run the `fs` that stands beside them: build it with exactly their features.
    let mut command = workspace.cargo("test");
    command.args(["--workspace", "--no-fail-fast"]);
    command.envs(feast.environment());
    if !filter.is_empty() {
        command.arg("--").args(filter);
    }
    let (status, tally) = run_counting(&mut command)?;
    println!("\n{tally}");
    if !status.success() {
        bail!("tests failed: {status}");
    }
    Ok(())
}

/// Runs a test command, passes its output through and counts the results in it.
fn run_counting(command: &mut Command) -> Result<(ExitStatus, Tally)> {
    let mut child = command.stdout(Stdio::piped()).spawn().context("cannot start cargo test")?;
    let stdout = child.stdout.take().context("cargo test has no output")?;
    let mut tally = Tally::default();
    for line in BufReader::new(stdout).split(b'\n') {
        let line = line.context("cannot read the output of cargo test")?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        tally.add_line(&line);
    }
    Ok((child.wait().context("cannot wait for cargo test")?, tally))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_counted_while_they_pass_through() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo 'test result: ok. 2 passed; 0 failed'; exit 3"]);
        let (status, tally) = run_counting(&mut command).unwrap();
        assert_eq!(status.code(), Some(3));
        assert_eq!(tally, Tally { passed: 2, failed: 0 });
    }
}
