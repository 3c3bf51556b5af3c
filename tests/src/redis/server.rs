use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::Certificates;
use crate::free_port;
use crate::process::Process;

/// How long a server may take to start on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A Redis of a test's own, on a private port of the loopback address.
#[derive(Debug)]
pub struct RedisServer {
    process: Option<Process>,
    port: u16,
    tls_port: Option<u16>,
    arguments: Vec<String>,
    folder: TempDir,
}

impl RedisServer {
    /// The address of the server that `cargo xtask test` started for all tests, as `HOST:PORT`.
    ///
    /// Other tests use it at the same time: keys belong to a project of the test's own, and nothing is flushed.
    ///
    /// # Panics
    /// When there is none: a suite with Redis never passes without Redis.
    pub fn shared() -> String {
        variable("FS_TEST_REDIS")
    }

    /// Starts a server with these options and without persistence, and waits until it answers.
    ///
    /// # Panics
    /// When it does not.
    pub fn start(options: &[&str]) -> Self {
        let mut server = Self::prepared(options);
        server.run();
        server.wait();
        server
    }

    /// A server with a TLS port beside the other one, and the certificate `name` of [`Certificates`].
    ///
    /// # Panics
    /// When it does not answer.
    pub fn start_tls(certificates: &Certificates, name: &str, options: &[&str]) -> Self {
        let mut server = Self::prepared_tls(certificates, name, options);
        server.run();
        server.wait();
        server
    }

    /// As [`start_tls`](Self::start_tls), not running yet.
    pub(super) fn prepared_tls(certificates: &Certificates, name: &str, options: &[&str]) -> Self {
        let port = free_port();
        let (files, port_text) = (certificates.redis_options(name), port.to_string());
        let all = files.iter().map(String::as_str).chain(["--tls-port", &port_text]);
        let all: Vec<&str> = all.chain(options.iter().copied()).collect();
        Self { tls_port: Some(port), ..Self::prepared(&all) }
    }

    /// A server that does not run yet.
    pub(super) fn prepared(options: &[&str]) -> Self {
        let port = free_port();
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let place = folder.path().to_str().expect("temporary paths are UTF-8");
        let port_text = port.to_string();
        let common = ["--bind", "127.0.0.1", "--port", &port_text, "--dir", place, "--save", ""];
        let arguments = common.iter().chain(options).map(|&word| word.to_owned()).collect();
        Self { process: None, port, tls_port: None, arguments, folder }
    }

    pub(super) fn run(&mut self) {
        let log = self.folder.path().join("log");
        self.process = Some(Process::start(&program(), &self.arguments, &log));
    }

    /// Waits until it answers a ping, if only to ask for a password.
    pub(super) fn wait(&self) {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            match self.connect() {
                Ok(_) => return,
                Err(error) if error.code() == Some("NOAUTH") => return,
                Err(_) => sleep(Duration::from_millis(10)),
            }
        }
        panic!("redis does not answer: {}", self.log());
    }

    fn connect(&self) -> redis::RedisResult<redis::Connection> {
        let mut connection =
            redis::Client::open(("127.0.0.1", self.port))?.get_connection_with_timeout(PATIENCE)?;
        redis::cmd("PING").exec(&mut connection)?;
        Ok(connection)
    }

    /// A connection of the test, without user or password.
    ///
    /// # Panics
    /// When the server does not answer.
    pub fn connection(&self) -> redis::Connection {
        self.connect().unwrap_or_else(|error| panic!("{error}: {}", self.log()))
    }

    /// Removes everything that it holds.
    ///
    /// # Panics
    /// When it does not answer.
    pub fn flush(&self) {
        redis::cmd("FLUSHALL").exec(&mut self.connection()).expect("a flush is answered");
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The port on which it speaks TLS; its only one when it has none for that.
    pub fn client_port(&self) -> u16 {
        self.tls_port.unwrap_or(self.port)
    }

    /// `127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Its folder, which goes with it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Kills it as a crash would.
    pub fn kill(&mut self) {
        if let Some(process) = self.process.take() {
            process.signal("KILL");
        }
    }

    /// Starts it again on the same port and with the same folder, and waits until it answers.
    pub fn restart(&mut self) {
        self.kill();
        self.run();
        self.wait();
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

    /// Its process id.
    ///
    /// # Panics
    /// When it does not run.
    pub fn pid(&self) -> u32 {
        self.running().pid()
    }

    fn running(&self) -> &Process {
        self.process.as_ref().expect("the server runs")
    }

    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

/// The program that the shared server runs.
pub(super) fn program() -> PathBuf {
    PathBuf::from(variable("FS_TEST_REDIS_SERVER"))
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!(
            "{name} is not set: run `cargo xtask test`, or `cargo xtask services up redis` and \
             set what it prints"
        )
    })
}
