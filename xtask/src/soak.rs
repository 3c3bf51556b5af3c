//! `cargo xtask soak`: the tests that get better with time, run for long.

use anyhow::Result;

use crate::demo;
use crate::services::feast::FeastEnvironment;
use crate::workspace::{Workspace, step, succeed};

/// Rounds of one short run and of one long run.
const ROUNDS: (u32, u32) = (5, 200);

/// Connections that are held at once, in one short run and in one long run.
const CONNECTIONS: (u32, u32) = (2_000, 10_000);

/// Repeats the crash-safety suite of `tests/` with many more rounds than `cargo xtask test`, and holds many
/// more connections.
pub(crate) fn run(workspace: &Workspace, short: bool) -> Result<()> {
    let feast = step("real Feast for the tests", || FeastEnvironment::of(workspace).install())?;
    step("build fs", || demo::build(workspace))?;
    let rounds = if short { ROUNDS.0 } else { ROUNDS.1 };
    step(&format!("crash safety, {rounds} rounds"), || {
        let mut command = workspace.cargo("test");
        command.args(["--workspace", "--test", "crash_safety"]);
        succeed(command.envs(feast.environment()).env("FS_TEST_ROUNDS", rounds.to_string()))
    })?;
    let connections = if short { CONNECTIONS.0 } else { CONNECTIONS.1 };
    step(&format!("{connections} idle connections"), || {
        let mut command = workspace.cargo("test");
        command.args(["--workspace", "--test", "operations", "idle_connections"]);
        succeed(command.env("FS_TEST_CONNECTIONS", connections.to_string()))
    })
}
