//! From the start of a server to its first answer.

use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use larder_tests::{Feast, Repository, free_port};

use crate::connection::{ask, request};
use crate::summary::{Runs, figure};

/// How often each server is started.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Starts of `fs serve`.
    #[arg(long, default_value_t = 15)]
    runs: usize,
    /// Starts of `feast serve`, which takes seconds each time.
    #[arg(long, default_value_t = 3)]
    feast_runs: usize,
}

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_mins(1);

const BODY: &str =
    r#"{"features": ["user_behavior_features:avg_order_value"], "entities": {"user_id": ["u1"]}}"#;

/// Starts both servers on one materialized repository.
pub(crate) fn run(options: &Options) -> Result<()> {
    let feast = Feast::get();
    let repository = Repository::shop(&feast, "online_store: {type: sqlite, path: data/online.db}");
    repository.fs().ok(&["apply"]);
    repository.fs().ok(&["materialize", "2026-01-01T00:00:00", "2100-01-01T00:00:00"]);
    let (mut ours, mut theirs) = (Runs::default(), Runs::default());
    for _ in 0..options.runs {
        let grpc = free_port().to_string();
        let arguments = ["serve", "--grpc-port", &grpc, "--port"];
        ours.add(first_answer(|port| repository.fs().command(&with_port(&arguments, port)))? * 1e3);
    }
    for _ in 0..options.feast_runs {
        let arguments = ["serve", "--no-access-log", "-p"];
        let path = repository.path();
        theirs.add(first_answer(|port| feast.command(&path, &with_port(&arguments, port)))? * 1e3);
    }
    println!("start of the server to its first answer, milliseconds, median (lowest..highest)");
    println!("fs     {ours}");
    println!("feast  {theirs}");
    println!("ratio  {}x", figure(theirs.median() / ours.median()));
    Ok(())
}

fn with_port<'a>(arguments: &[&'a str], port: &'a str) -> Vec<&'a str> {
    arguments.iter().copied().chain([port]).collect()
}

/// Seconds until a server has answered with features.
fn first_answer(command: impl FnOnce(&str) -> Command) -> Result<f64> {
    let port = free_port();
    let mut command = command(&port.to_string());
    let start = Instant::now();
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut server = Running(child.context("cannot start the server")?);
    let request = request("/get-online-features", BODY);
    while start.elapsed() < PATIENCE {
        if matches!(status(port, &request), Ok(200)) {
            return Ok(start.elapsed().as_secs_f64());
        }
        if let Some(status) = server.0.try_wait()? {
            bail!("the server ended early: {status}");
        }
        sleep(Duration::from_millis(1));
    }
    bail!("no answer within {PATIENCE:?}")
}

fn status(port: u16, request: &[u8]) -> std::io::Result<u16> {
    Ok(ask(port, request)?.0)
}

/// A server that is stopped, by its process id, when this value goes.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Feast's workers go with their master only when it is asked politely.
        let pid = self.0.id().to_string();
        if !Command::new("kill").args(["-TERM", &pid]).status().is_ok_and(|s| s.success()) {
            drop(self.0.kill());
        }
        drop(self.0.wait());
    }
}
