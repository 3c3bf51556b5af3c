//! A Cassandra of a test's own, which may be stopped and killed.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::free_port;
use crate::process::Process;

/// One node on private ports of the loopback address; it ends with the test.
#[derive(Debug)]
pub struct CassandraNode {
    process: Option<Process>,
    ports: [u16; 2],
    folder: TempDir,
}

impl CassandraNode {
    /// User and password of its clients.
    pub const LOGIN: &str = "cassandra";

    /// A node that does not run yet.
    ///
    /// # Panics
    /// When no temporary folder can be made.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        Self { process: None, ports: [free_port(), free_port()], folder }
    }

    /// Starts it, on what it stored before; it needs half a minute until it lets clients in.
    ///
    /// # Panics
    /// When it cannot be started: a suite with Cassandra never passes without it.
    pub fn start(&mut self) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("cassandra").join("start");
        let folder = self.folder.path();
        let words = [path("FS_TEST_JAVA"), path("FS_TEST_CASSANDRA_JARS"), folder.to_path_buf()];
        let words = words.map(|path| path.into_os_string().into_string().expect("UTF-8"));
        let arguments: Vec<String> =
            words.into_iter().chain(self.ports.map(|port| port.to_string())).collect();
        self.process = Some(Process::start(&script, &arguments, &folder.join("log")));
    }

    /// Kills it as a crash would.
    pub fn kill(&mut self) {
        if let Some(process) = self.process.take() {
            process.signal("KILL");
        }
    }

    /// Stops it from doing anything; connections stay open.
    ///
    /// # Panics
    /// When it does not run.
    pub fn pause(&self) {
        self.running().signal("STOP");
    }

    /// Lets it go on.
    ///
    /// # Panics
    /// When it does not run.
    pub fn resume(&self) {
        self.running().signal("CONT");
    }

    fn running(&self) -> &Process {
        self.process.as_ref().expect("the node runs")
    }

    /// The port for its clients.
    pub fn port(&self) -> u16 {
        self.ports[0]
    }

    /// `127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port())
    }

    /// The end of what it said.
    pub fn log(&self) -> String {
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Default for CassandraNode {
    fn default() -> Self {
        Self::new()
    }
}

fn path(name: &str) -> PathBuf {
    let set = std::env::var_os(name).unwrap_or_else(|| {
        panic!(
            "{name} is not set: run `cargo xtask test`, or `cargo xtask services up` and set what \
             it prints"
        )
    });
    PathBuf::from(set)
}
