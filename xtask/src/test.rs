//! `cargo xtask test`: prepares what the tests need, runs all of them, sums the suites.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::services::{self, Started};
use crate::tally::Tally;
use crate::workspace::{Workspace, step, succeed};

/// Runs the tests whose names contain one of `filter` (all if it is empty).
///
/// The last line printed is `N passed, N failed`, also when suites fail.
pub(crate) fn run(workspace: &Workspace, filter: &[String]) -> Result<()> {
    services::require_build_tools()?;
    let services = Started::new(services::all(workspace))?;
    // The services come up while cargo builds.
    step("build of the tests", || succeed(cargo_test(workspace).arg("--no-run")))?;
    let mut command = cargo_test(workspace);
    command.envs(step("services", || services.ready())?);
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

/// Every test of the workspace: suites run the `fs` that stands beside them, which this builds with
/// exactly their features.
fn cargo_test(workspace: &Workspace) -> Command {
    let mut command = workspace.cargo_tested("test");
    command.arg("--no-fail-fast");
    command
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
