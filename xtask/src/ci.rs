//! `cargo xtask ci`: every gate of the main branch, the cheap ones first.

use anyhow::Result;

use crate::workspace::{Workspace, step, succeed};
use crate::{cli, services, test, tidy};

/// Stops at the first gate that fails; the tests are the last one and print the closing line.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    step("format", || succeed(workspace.cargo("fmt").args(["--all", "--check"])))?;
    step("tidy", || tidy::run(workspace))?;
    step("build tools", services::require_build_tools)?;
    step("generated code", || cli::codegen(workspace, true))?;
    step("lints", || lints(workspace))?;
    step("tests", || test::run(workspace, &[]))
}

/// Everything with all features, as it is tested, then the program with none.
fn lints(workspace: &Workspace) -> Result<()> {
    lint(workspace, &["--workspace", "--all-targets", "--features", "ballista,xtask/codegen"])?;
    lint(workspace, &["--bin", "fs", "--no-default-features"])
}

fn lint(workspace: &Workspace, selection: &[&str]) -> Result<()> {
    let mut clippy = workspace.cargo("clippy");
    clippy.args(selection).args(["--", "--deny", "warnings"]);
    succeed(&mut clippy)
}
