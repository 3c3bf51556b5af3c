//! Apache Flink as a child process.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

/// The jobs that the peer has.
pub(super) const JOBS: [&str; 3] = ["product_popularity", "sessions", "anomalies"];

/// Flink's local cluster in one process: the files of a folder, or `kafka:SERVERS/TOPIC`, in; sums out.
pub(super) fn command(events: &Path, digest: &Path, parallelism: usize) -> Result<Command> {
    let variable = |name: &str| {
        std::env::var_os(name)
            .with_context(|| format!("{name} is not set: run this as `cargo xtask bench stream`"))
    };
    let mut java = Command::new(variable("FS_BENCH_JAVA")?);
    java.args(["-Xms512m", "-Xmx2g", "-XX:+UseParallelGC"]);
    for package in ["java.base/java.util", "java.base/java.lang", "java.base/java.time"] {
        java.args(["--add-opens", &format!("{package}=ALL-UNNAMED")]);
    }
    java.arg("-cp").arg(variable("FS_BENCH_FLINK")?).arg("shop.Peer");
    java.args([events, digest]).arg(parallelism.to_string()).args(JOBS);
    Ok(java)
}
