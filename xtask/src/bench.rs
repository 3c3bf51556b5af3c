//! `cargo xtask bench NAME`: builds `fs` and the load generator optimised and runs one comparison.

use std::process::Command;

use anyhow::{Result, bail};

use crate::services::feast::FeastEnvironment;
use crate::workspace::{Workspace, step, succeed};

/// The comparisons that `larder-bench` knows, with what they measure.
const NAMES: [(&str, &str); 3] = [
    ("apply", "`fs apply` of 1 000 generated feature views beside `feast apply`"),
    ("startup", "start of `fs serve` to its first answer"),
    ("online", "get_online_features at 1, 10 and 100 rows on SQLite beside `feast serve`"),
];

/// The profile that benchmarks are built with, which is also its folder below `target`.
const PROFILE: &str = "release-lite";

/// Runs the comparison `name` and passes `arguments` on to it.
pub(crate) fn run(workspace: &Workspace, name: Option<&str>, arguments: &[String]) -> Result<()> {
    let Some(name) = name else {
        for (name, what) in NAMES {
            println!("{name:<8} {what}");
        }
        return Ok(());
    };
    if !NAMES.iter().any(|(known, _)| *known == name) {
        bail!("there is no benchmark \"{name}\"; `cargo xtask bench` lists them");
    }
    let feast = step("real Feast to compare with", || FeastEnvironment::of(workspace).install())?;
    step("optimised build", || build(workspace))?;
    let mut bench = Command::new(workspace.binary(PROFILE, "larder-bench"));
    bench.arg(name).args(arguments).current_dir(workspace.root()).envs(feast.environment());
    succeed(bench.env("FS_TEST_BINARY", workspace.binary(PROFILE, "fs")))
}

fn build(workspace: &Workspace) -> Result<()> {
    let mut command = workspace.cargo("build");
    command.args(["--profile", PROFILE, "--package", "larder-cli", "--package", "larder-bench"]);
    succeed(command.args(["--bin", "fs", "--bin", "larder-bench"]))
}
