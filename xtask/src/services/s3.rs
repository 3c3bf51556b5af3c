//! An S3 server, moto's, in a Python environment of its own.

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::Service;
use super::process::{ServerProcess, free_port};
use super::python::PythonEnvironment;
use crate::workspace::Workspace;

/// How long a start may take on a busy machine; alone it takes some seconds.
const PATIENCE: Duration = Duration::from_mins(2);
/// How long a server may think about one request.
const REQUEST_PATIENCE: Duration = Duration::from_secs(5);

/// Where the server is, whether it runs or not.
#[derive(Debug)]
pub(crate) struct S3 {
    environment: PythonEnvironment,
    program: PathBuf,
    server: ServerProcess,
}

impl S3 {
    /// The server that belongs to a workspace.
    pub(crate) fn of(workspace: &Workspace) -> Self {
        Self {
            environment: PythonEnvironment::of(workspace, "s3-venv", "requirements-s3.txt"),
            program: workspace.root().join("tests/python/s3_server.py"),
            server: ServerProcess::in_folder(workspace.services().join("s3")),
        }
    }
}

impl Service for S3 {
    fn name(&self) -> &'static str {
        "s3"
    }

    fn start(&self) -> Result<bool> {
        if self.server.port()?.is_some() {
            return Ok(false);
        }
        self.environment.install()?;
        let port = free_port()?;
        let mut command = Command::new(self.environment.python());
        self.server.spawn(port, command.arg(&self.program).arg(port.to_string()))?;
        Ok(true)
    }

    fn wait(&self) -> Result<String> {
        let port = self.server.wait(PATIENCE, |port| answers(port).unwrap_or(false))?;
        Ok(format!("ready, http://127.0.0.1:{port}"))
    }

    fn status(&self) -> Result<Option<String>> {
        let Some(port) = self.server.port()? else { return Ok(None) };
        let state = if answers(port).unwrap_or(false) { "ready" } else { "does not answer yet" };
        Ok(Some(format!("{state}, http://127.0.0.1:{port}")))
    }

    fn stop(&self) -> Result<()> {
        self.server.stop()
    }

    /// The shared server, and the interpreter for tests that need servers of their own.
    fn environment(&self) -> Result<Vec<(&'static str, OsString)>> {
        let port = self.server.port()?.context("the S3 server is not running")?;
        Ok(vec![
            ("FS_TEST_S3", format!("http://127.0.0.1:{port}").into()),
            ("FS_TEST_S3_PYTHON", self.environment.python().into()),
        ])
    }
}

/// For the list of buckets.
const REQUEST: &[u8] = b"GET / HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n";

/// Asks for the list of buckets.
fn answers(port: u16) -> Result<bool> {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let mut stream = TcpStream::connect_timeout(&address, REQUEST_PATIENCE)?;
    stream.set_read_timeout(Some(REQUEST_PATIENCE))?;
    stream.write_all(REQUEST)?;
    let mut answer = String::new();
    stream.take(1 << 16).read_to_string(&mut answer)?;
    Ok(answer.contains("ListAllMyBucketsResult"))
}

#[cfg(test)]
mod tests {
    use super::super::scripted;
    use super::*;

    #[test]
    fn only_a_list_of_buckets_is_an_answer() {
        let server = |answer| scripted::server(REQUEST.len(), answer);
        assert!(answers(server(b"HTTP/1.0 200 OK\r\n\r\n<ListAllMyBucketsResult/>")).unwrap());
        assert!(!answers(server(b"HTTP/1.0 404 Not Found\r\n\r\n")).unwrap());
    }
}
