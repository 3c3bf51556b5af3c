//! Servers that live as long as a test needs them.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{Answer, Feast, Fs, free_port, get, post};

/// How long a server may take to start on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running server; it is stopped, by its process id, when this value goes.
#[derive(Debug)]
pub struct Server {
    child: Child,
    log: PathBuf,
    http_port: u16,
    grpc_port: u16,
}

impl Server {
    /// `fs serve` in a repository, on private ports, ready to answer.
    ///
    /// # Panics
    /// When it does not become healthy.
    pub fn fs(repository: &Path) -> Self {
        let (http_port, grpc_port) = (free_port(), free_port());
        let (http, grpc) = (http_port.to_string(), grpc_port.to_string());
        let command = Fs::in_repository(repository).command(&[
            "serve",
            "--host",
            "127.0.0.1",
            "--port",
            &http,
            "--grpc-port",
            &grpc,
        ]);
        Self::start(command, repository, http_port, grpc_port)
    }

    /// `feast serve` in a repository, on a private port, ready to answer. It has no gRPC port.
    ///
    /// # Panics
    /// When it does not become healthy.
    pub fn feast(feast: &Feast, repository: &Path) -> Self {
        Self::feast_workers(feast, repository, 1)
    }

    /// `feast serve` with this many worker processes.
    ///
    /// # Panics
    /// When it does not become healthy.
    pub fn feast_workers(feast: &Feast, repository: &Path, workers: usize) -> Self {
        let port = free_port();
        let (text, workers) = (port.to_string(), workers.to_string());
        // Feast restarts a worker every 1 000 requests by default, which resets connections.
        let recycle = ["--max-requests", "1000000000"];
        let arguments =
            ["serve", "-h", "127.0.0.1", "-p", &text, "--no-access-log", "-w", &workers];
        let arguments: Vec<&str> = arguments.into_iter().chain(recycle).collect();
        let command = feast.command(repository, &arguments);
        Self::start(command, repository, port, 0)
    }

    fn start(mut command: Command, repository: &Path, http_port: u16, grpc_port: u16) -> Self {
        let log = repository.join(format!("server-{http_port}.log"));
        let file = File::create(&log).expect("a log file can be made");
        let both = file.try_clone().expect("a file handle can be cloned");
        let child = command
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(both)
            .spawn()
            .expect("the server can be started");
        let mut server = Self { child, log, http_port, grpc_port };
        server.wait_until_healthy();
        server
    }

    fn wait_until_healthy(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        let url = self.url("/health");
        while Instant::now() < deadline {
            if get(&url).is_ok_and(|answer| answer.status == 200) {
                return;
            }
            let ended = self.child.try_wait().expect("a child can be asked");
            assert!(ended.is_none(), "the server ended early: {}", self.log());
            sleep(Duration::from_millis(20));
        }
        panic!("the server is not healthy: {}", self.log());
    }

    /// `http://127.0.0.1:PORT` and a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.http_port)
    }

    /// Its HTTP port on the loopback address.
    pub fn port(&self) -> u16 {
        self.http_port
    }

    /// `127.0.0.1:PORT` of the gRPC server.
    pub fn grpc_address(&self) -> String {
        format!("127.0.0.1:{}", self.grpc_port)
    }

    /// Posts to a path.
    ///
    /// # Panics
    /// When the server does not answer.
    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        post(&self.url(path), body).unwrap_or_else(|error| panic!("{error}: {}", self.log()))
    }

    /// What it wrote so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Ends it without any warning, as a crash would.
    ///
    /// # Panics
    /// When it cannot be waited for.
    pub fn kill(mut self) {
        self.child.kill().expect("a running child can be killed");
        self.child.wait().expect("a killed child ends");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Feast's server has worker processes, which only a polite signal takes along.
        let pid = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).status().is_ok();
        let deadline = Instant::now() + Duration::from_secs(5);
        while asked && Instant::now() < deadline {
            if matches!(self.child.try_wait(), Ok(Some(_)) | Err(_)) {
                return;
            }
            sleep(Duration::from_millis(20));
        }
        if self.child.kill().is_ok() {
            // The result does not matter: the child is gone either way.
            drop(self.child.wait());
        }
    }
}
