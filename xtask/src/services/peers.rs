//! A Python environment with the programs that benchmarks compare with.

use std::ffi::OsString;

use anyhow::Result;

use super::Service;
use super::python::PythonEnvironment;
use crate::workspace::Workspace;

/// The environment's place, whether it is installed or not.
#[derive(Debug)]
pub(crate) struct Peers {
    environment: PythonEnvironment,
}

impl Peers {
    /// The environment that belongs to a workspace.
    pub(crate) fn of(workspace: &Workspace) -> Self {
        let environment = PythonEnvironment::of(workspace, "peers-venv", "requirements-peers.txt");
        Self { environment }
    }
}

impl Service for Peers {
    fn name(&self) -> &'static str {
        "peers"
    }

    /// A Python environment is no process.
    fn start(&self) -> Result<bool> {
        self.environment.install()?;
        Ok(false)
    }

    fn wait(&self) -> Result<String> {
        Ok(format!("ready, {}", self.environment.python().display()))
    }

    fn status(&self) -> Result<Option<String>> {
        self.environment.is_current().then(|| self.wait()).transpose()
    }

    /// The environment stays, so that the next run is instant.
    fn stop(&self) -> Result<()> {
        Ok(())
    }

    fn environment(&self) -> Result<Vec<(&'static str, OsString)>> {
        Ok(vec![("FS_BENCH_PEERS_PYTHON", self.environment.python().into())])
    }
}
