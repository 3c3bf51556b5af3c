//! `cargo xtask ci`: every gate of the main branch, the cheap ones first.

use anyhow::Result;

use crate::workspace::{Workspace, step, succeed};
use crate::{cli, test, tidy};

/// Stops at the first gate that fails; the tests are the last one and print the closing line.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    step("format", || succeed(workspace.cargo("fmt").args(["--all", "--check"])))?;
    step("tidy", || tidy::run(workspace))?;
    step("generated code", || cli::codegen(workspace, true))?;
    step("lints", || lints(workspace))?;
    step("tests", || test::run(workspace, &[]))
}

fn lints(workspace: &Workspace) -> Result<()> {
    let mut clippy = workspace.cargo("clippy");
    clippy.args(["--workspace", "--all-targets", "--features", "xtask/codegen"]);
    clippy.args(["--", "--deny", "warnings"]);
    succeed(&mut clippy)
}
