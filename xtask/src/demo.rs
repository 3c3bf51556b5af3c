//! `cargo xtask demo`: builds `fs` and runs the main job from end to end.

use std::process::Command;

use anyhow::Result;

use crate::services::require_build_tools;
use crate::workspace::{Workspace, step, succeed};

/// Builds the binary with cargo's own progress, then hands over to `fs demo`.
pub(crate) fn run(workspace: &Workspace, keep: bool) -> Result<()> {
    step("build fs", || build(workspace))?;
    let mut demo = Command::new(workspace.binary("debug", "fs"));
    demo.arg("demo").current_dir(workspace.root());
    if keep {
        demo.arg("--keep");
    }
    succeed(&mut demo)
}

/// The development profile: it builds in a fraction of the optimised one's time and the demo's
/// data is small. Without Ballista, which the demo does not need.
fn build(workspace: &Workspace) -> Result<()> {
    require_build_tools()?;
    succeed(workspace.cargo("build").args(["--workspace", "--bin", "fs"]))
}
