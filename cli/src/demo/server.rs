//! `fs serve` as a process of its own, as a user would run it.

use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use larder_core::{Error, ErrorKind, Result};

use super::http_calls;

/// How long a server may take to answer on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Ports and process of a server that answers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Address {
    /// HTTP port on the loopback address.
    pub(super) http: u16,
    /// gRPC port on the loopback address.
    pub(super) grpc: u16,
    /// Process id.
    pub(super) process: u32,
}

/// A running server, ended when this value goes unless it is kept.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    address: Address,
    kept: bool,
}

impl Server {
    /// Starts a server on Feast's ports, or on free ones where these are taken, and waits for its first answer.
    ///
    /// # Errors
    /// `Unavailable` when it ends or does not answer in time; its log is in the folder.
    pub(super) fn start(repository: &Path) -> Result<Self> {
        let (http, grpc) = (port(6566)?, port(6567)?);
        let log = repository.join("serve.log");
        let child = command(repository, http, grpc, &log)
            .and_then(|mut command| command.spawn())
            .map_err(|error| unavailable("cannot start fs serve").with_source(error))?;
        let address = Address { http, grpc, process: child.id() };
        let mut server = Self { child, address, kept: false };
        server.wait(&log)?;
        Ok(server)
    }

    /// Where it listens.
    pub(super) fn address(&self) -> Address {
        self.address
    }

    /// Leaves it running.
    pub(super) fn keep(mut self) -> Address {
        self.kept = true;
        self.address
    }

    /// Ends it and waits for its end.
    ///
    /// # Errors
    /// `Internal` when the process cannot be ended.
    pub(super) fn stop(mut self) -> Result<()> {
        self.kept = true;
        end(&mut self.child)
            .map_err(|error| Error::internal("cannot end fs serve").with_source(error))
    }

    fn wait(&mut self, log: &Path) -> Result<()> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if http_calls::is_healthy(self.address.http) {
                return Ok(());
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                let said = std::fs::read_to_string(log).unwrap_or_default();
                return Err(unavailable(format!("fs serve ended with {status}: {}", said.trim())));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Err(unavailable("fs serve does not answer")
            .with_hint(format!("its log is {}", log.display())))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !self.kept {
            // An error is on its way already; this one would hide it.
            drop(end(&mut self.child));
        }
    }
}

fn end(child: &mut Child) -> std::io::Result<()> {
    child.kill()?;
    child.wait().map(drop)
}

fn command(repository: &Path, http: u16, grpc: u16, log: &Path) -> std::io::Result<Command> {
    let log = File::create(log)?;
    let mut command = Command::new(std::env::current_exe()?);
    command
        .arg("--chdir")
        .arg(repository)
        .args(["serve", "--host", "127.0.0.1"])
        .args(["--port", &http.to_string(), "--grpc-port", &grpc.to_string()])
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    Ok(command)
}

/// The wanted port, or a free one when somebody listens there.
fn port(wanted: u16) -> Result<u16> {
    let bound = TcpListener::bind(("127.0.0.1", wanted))
        .or_else(|_| TcpListener::bind(("127.0.0.1", 0)))
        .and_then(|listener| listener.local_addr());
    bound
        .map(|address| address.port())
        .map_err(|error| unavailable("no port is free").with_source(error))
}

fn unavailable(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Unavailable, message)
}
