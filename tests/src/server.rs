//! Servers that live as long as a test needs them.

use std::fs::File;
use std::net::TcpStream;
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
    /// `None` before the start and after the end.
    child: Option<Child>,
    log: PathBuf,
    scheme: &'static str,
    http_port: u16,
    grpc_port: u16,
}

impl Server {
    /// `fs serve` in a repository, on private ports, ready to answer.
    ///
    /// # Panics
    /// When it does not become healthy.
    pub fn fs(repository: &Path) -> Self {
        Self::fs_with(repository, &[])
    }

    /// `fs serve` with more arguments.
    ///
    /// # Panics
    /// When it does not become healthy.
    pub fn fs_with(repository: &Path, arguments: &[&str]) -> Self {
        let (mut server, command) = Self::prepared(repository, arguments);
        server.launch(command);
        server.wait_until_healthy();
        server
    }

    /// `fs serve` over TLS with `key.pem` and `cert.pem` of the repository, ready to be connected to.
    ///
    /// # Panics
    /// When it does not listen.
    pub fn fs_tls(repository: &Path) -> Self {
        let arguments = ["--key", "key.pem", "--cert", "cert.pem"];
        let (mut server, command) = Self::prepared(repository, &arguments);
        server.launch(command);
        server.scheme = "https";
        let ports = [server.http_port, server.grpc_port];
        server.wait_until("listening", |_| {
            ports.iter().all(|port| TcpStream::connect(("127.0.0.1", *port)).is_ok())
        });
        server
    }

    /// `fs serve-offline` in a repository, on a private port ([`port`](Self::port)), ready to be connected to.
    ///
    /// # Panics
    /// When it does not listen.
    pub fn fs_offline(repository: &Path, arguments: &[&str]) -> Self {
        let port = free_port();
        let text = port.to_string();
        let first = ["serve-offline", "--host", "127.0.0.1", "--port", &text];
        let all: Vec<&str> = first.iter().chain(arguments).copied().collect();
        let mut server = Self::unstarted(repository, port, port);
        server.launch(Fs::in_repository(repository).command(&all));
        server.wait_until("listening", |_| TcpStream::connect(("127.0.0.1", port)).is_ok());
        server
    }

    /// `fs serve` with more arguments and environment variables.
    ///
    /// # Panics
    /// When it does not become healthy.
    pub fn fs_within(repository: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let (mut server, mut command) = Self::prepared(repository, arguments);
        command.envs(environment.iter().copied());
        server.launch(command);
        server.wait_until_healthy();
        server
    }

    fn prepared(repository: &Path, arguments: &[&str]) -> (Self, Command) {
        let (http_port, grpc_port) = (free_port(), free_port());
        let (http, grpc) = (http_port.to_string(), grpc_port.to_string());
        let ports = ["serve", "--host", "127.0.0.1", "--port", &http, "--grpc-port", &grpc];
        let all: Vec<&str> = ports.iter().chain(arguments).copied().collect();
        let command = Fs::in_repository(repository).command(&all);
        (Self::unstarted(repository, http_port, grpc_port), command)
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
        let mut server = Self::unstarted(repository, port, 0);
        server.launch(command);
        server.wait_until_healthy();
        server
    }

    fn unstarted(repository: &Path, http_port: u16, grpc_port: u16) -> Self {
        let log = repository.join(format!("server-{http_port}.log"));
        Self { child: None, log, scheme: "http", http_port, grpc_port }
    }

    fn launch(&mut self, mut command: Command) {
        let file = File::create(&self.log).expect("a log file can be made");
        let both = file.try_clone().expect("a file handle can be cloned");
        let child = command
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(both)
            .spawn()
            .expect("the server can be started");
        self.child = Some(child);
    }

    fn wait_until_healthy(&mut self) {
        let url = self.url("/health");
        self.wait_until("healthy", |_| get(&url).is_ok_and(|answer| answer.status == 200));
    }

    fn wait_until(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if is_so(self) {
                return;
            }
            let child = self.child.as_mut().expect("it was launched");
            let ended = child.try_wait().expect("a child can be asked");
            assert!(ended.is_none(), "the server ended early: {}", self.log());
            sleep(Duration::from_millis(20));
        }
        panic!("the server is not {what}: {}", self.log());
    }

    /// `http://127.0.0.1:PORT` (`https` with TLS) and a path.
    pub fn url(&self, path: &str) -> String {
        format!("{}://127.0.0.1:{}{path}", self.scheme, self.http_port)
    }

    /// Its HTTP port on the loopback address.
    pub fn port(&self) -> u16 {
        self.http_port
    }

    /// `127.0.0.1:PORT` of the gRPC server.
    pub fn grpc_address(&self) -> String {
        format!("127.0.0.1:{}", self.grpc_port)
    }

    /// Its process id.
    ///
    /// # Panics
    /// When it ended.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
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
        let mut child = self.child.take().expect("it runs");
        child.kill().expect("a running child can be killed");
        child.wait().expect("a killed child ends");
    }

    /// Asks it to end (SIGTERM); it goes on with what it has begun.
    ///
    /// # Panics
    /// When it cannot be asked.
    pub fn terminate(&self) {
        let pid = self.child.as_ref().expect("it runs").id().to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(asked.expect("kill can be run").success(), "the server cannot be asked to end");
    }

    /// Waits for its end and returns its exit code; `None` after a signal.
    ///
    /// # Panics
    /// When it does not end in time.
    pub fn wait(mut self) -> Option<i32> {
        let mut child = self.child.take().expect("it runs");
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = child.try_wait().expect("a child can be asked") {
                return status.code();
            }
            assert!(Instant::now() < deadline, "the server does not end: {}", self.log());
            sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        // Feast's server has worker processes, which only a polite signal takes along.
        let pid = child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).status().is_ok();
        let deadline = Instant::now() + Duration::from_secs(5);
        while asked && Instant::now() < deadline {
            if matches!(child.try_wait(), Ok(Some(_)) | Err(_)) {
                return;
            }
            sleep(Duration::from_millis(20));
        }
        if child.kill().is_ok() {
            // The result does not matter: the child is gone either way.
            drop(child.wait());
        }
    }
}
