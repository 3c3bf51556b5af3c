//! `cargo xtask soak`: the tests that get better with time, run for long.

use anyhow::Result;

use crate::bench;
use crate::services::{self, Started};
use crate::workspace::{Workspace, step, succeed};

/// Rounds of one short run and of one long run.
const ROUNDS: (u32, u32) = (5, 200);

/// Rounds in which stream jobs are killed a few times each, in a short run and in a long one.
const STREAMS: (u32, u32) = (2, 60);

/// Kills of stream jobs on Kafka and events before each, in a short run and in a long one.
const KAFKA: ((u32, u32), (u32, u32)) = ((3, 10_000), (20, 100_000));

/// How often a Cassandra node is killed and started again, in a short run and in a long one.
const RESTARTS: (u32, u32) = (1, 20);

/// Connections that are held at once, in a short run and in a long one.
const CONNECTIONS: (u32, u32) = (2_000, 10_000);

/// Seconds for which each decoder is given damaged bytes, in a short run and in a long one.
const FUZZ: (u32, u32) = (10, 600);

/// Seconds of load under which the memory of a server is watched, in a short run and in a long one.
const LOAD: (u32, u32) = (20, 600);

/// Repeats the crash-safety suite of `tests/`, the deaths of stream jobs and of a Cassandra node with many more rounds than
/// `cargo xtask test`, gives the decoders damaged bytes for long, holds many more connections, and
/// watches the memory of a server under load.
pub(crate) fn run(workspace: &Workspace, short: bool) -> Result<()> {
    services::require_build_tools()?;
    let services = Started::new(services::all(workspace))?;
    step("build fs", || succeed(workspace.cargo_tested("build").args(["--bin", "fs"])))?;
    let environment = step("services", || services.ready())?;
    let (rounds, restarts) = if short { (ROUNDS.0, RESTARTS.0) } else { (ROUNDS.1, RESTARTS.1) };
    let test = |suite: &[&str], rounds: u32| {
        let mut command = workspace.cargo_tested("test");
        command.arg("--test").args(suite).envs(environment.clone());
        succeed(command.env("FS_TEST_ROUNDS", rounds.to_string()))
    };
    step(&format!("crash safety, {rounds} rounds"), || test(&["crash_safety"], rounds))?;
    let killed = if short { STREAMS.0 } else { STREAMS.1 };
    step(&format!("stream jobs that are killed, {killed} rounds"), || {
        test(&["streams", "--", "killed::"], killed)
    })?;
    let (kills, events) = if short { KAFKA.0 } else { KAFKA.1 };
    step(&format!("stream jobs on Kafka, {kills} kills of {events} events each"), || {
        let mut command = workspace.cargo_tested("test");
        command.args(["--test", "kafka", "--", "killed_again"]);
        command.envs(environment.clone()).env("FS_TEST_ROUNDS", kills.to_string());
        succeed(command.env("FS_TEST_EVENTS", events.to_string()))
    })?;
    step(&format!("death of a Cassandra node, {restarts} restarts"), || {
        test(&["cql", "--", "node::"], restarts)
    })?;
    let seconds = if short { FUZZ.0 } else { FUZZ.1 };
    step(&format!("damaged bytes, {seconds} s per decoder"), || {
        let mut command = workspace.cargo("test");
        command.args(["--package", "larder-proto", "--test", "damaged_bytes"]);
        succeed(command.env("FS_TEST_FUZZ_SECONDS", seconds.to_string()))?;
        let mut command = workspace.cargo_tested("test");
        command.args(["--test", "serving", "damaged_requests"]);
        succeed(command.env("FS_TEST_FUZZ_SECONDS", seconds.to_string()))
    })?;
    let seconds = if short { LOAD.0 } else { LOAD.1 };
    step(&format!("memory under load for {seconds} s"), || {
        bench::run(workspace, Some("memory"), &["--seconds".to_owned(), seconds.to_string()])
    })?;
    let connections = if short { CONNECTIONS.0 } else { CONNECTIONS.1 };
    step(&format!("{connections} idle connections"), || {
        let mut command = workspace.cargo_tested("test");
        command.args(["--test", "operations", "idle_connections"]);
        command.envs(environment.clone());
        succeed(command.env("FS_TEST_CONNECTIONS", connections.to_string()))
    })
}
