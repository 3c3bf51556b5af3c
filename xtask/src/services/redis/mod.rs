//! Redis, one server without persistence, from Debian's packages.

mod probe;
mod program;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::Service;
use super::process::{ServerProcess, free_port};
use crate::workspace::Workspace;

/// How long a start may take on a busy machine; alone it takes some milliseconds.
const PATIENCE: Duration = Duration::from_mins(1);

/// Where the server is, whether it runs or not.
#[derive(Debug)]
pub(crate) struct Redis {
    folder: PathBuf,
    server: ServerProcess,
}

impl Redis {
    /// The server that belongs to a workspace.
    pub(crate) fn of(workspace: &Workspace) -> Self {
        let folder = workspace.services().join("redis");
        let server = ServerProcess::in_folder(folder.join("server"));
        Self { folder, server }
    }
}

impl Service for Redis {
    fn name(&self) -> &'static str {
        "redis"
    }

    fn start(&self) -> Result<bool> {
        if self.server.port()?.is_some() {
            return Ok(false);
        }
        let port = free_port()?;
        let mut command = Command::new(program::install(&self.folder)?);
        command.args(["--bind", "127.0.0.1", "--port", &port.to_string()]);
        command.args(["--save", "", "--appendonly", "no", "--daemonize", "no"]);
        command.arg("--dir").arg(self.server.folder());
        self.server.spawn(port, &mut command)?;
        Ok(true)
    }

    fn wait(&self) -> Result<String> {
        let port = self.server.wait(PATIENCE, |port| probe::answers(port).unwrap_or(false))?;
        Ok(format!("ready, 127.0.0.1:{port}"))
    }

    fn status(&self) -> Result<Option<String>> {
        let Some(port) = self.server.port()? else { return Ok(None) };
        let answers = probe::answers(port).unwrap_or(false);
        let state = if answers { "ready" } else { "does not answer yet" };
        Ok(Some(format!("{state}, 127.0.0.1:{port}")))
    }

    fn stop(&self) -> Result<()> {
        self.server.stop()
    }

    /// The shared server, and the program for tests that need servers of their own.
    fn environment(&self) -> Result<Vec<(&'static str, OsString)>> {
        let port = self.server.port()?.context("Redis is not running")?;
        Ok(vec![
            ("FS_TEST_REDIS", format!("127.0.0.1:{port}").into()),
            ("FS_TEST_REDIS_SERVER", program::install(&self.folder)?.into()),
        ])
    }
}
