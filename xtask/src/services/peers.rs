//! A Python environment with the programs that benchmarks compare with.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::{Service, feast};
use crate::workspace::{Workspace, succeed_quietly};

/// The environment's place, whether it is installed or not.
#[derive(Debug)]
pub(crate) struct Peers {
    folder: PathBuf,
    requirements: PathBuf,
}

impl Peers {
    /// The environment that belongs to a workspace.
    pub(crate) fn of(workspace: &Workspace) -> Self {
        let requirements = workspace.root().join("tests/python/requirements-peers.txt");
        Self { folder: workspace.services().join("peers-venv"), requirements }
    }

    fn python(&self) -> PathBuf {
        self.folder.join("bin").join("python")
    }

    fn stamp(&self) -> PathBuf {
        self.folder.join("installed.txt")
    }

    fn wanted(&self) -> Result<String> {
        let path = &self.requirements;
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
    }

    fn is_current(&self) -> bool {
        let stamp = std::fs::read_to_string(self.stamp());
        stamp.is_ok_and(|stamp| self.wanted().is_ok_and(|wanted| stamp == wanted))
    }
}

impl Service for Peers {
    fn name(&self) -> &'static str {
        "peers"
    }

    /// A Python environment is no process.
    fn start(&self) -> Result<bool> {
        if self.is_current() {
            return Ok(false);
        }
        if self.folder.try_exists()? {
            std::fs::remove_dir_all(&self.folder).context("cannot remove the old environment")?;
        }
        let python = feast::find_python()?;
        succeed_quietly(Command::new(python).args(["-m", "venv"]).arg(&self.folder))?;
        println!("    pip install -r tests/python/requirements-peers.txt");
        let mut pip = Command::new(self.python());
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]);
        succeed_quietly(pip.arg(&self.requirements))?;
        std::fs::write(self.stamp(), self.wanted()?).context("cannot write the stamp")?;
        Ok(false)
    }

    fn wait(&self) -> Result<String> {
        Ok(format!("ready, {}", self.python().display()))
    }

    fn status(&self) -> Result<Option<String>> {
        self.is_current().then(|| self.wait()).transpose()
    }

    /// The environment stays, so that the next run is instant.
    fn stop(&self) -> Result<()> {
        Ok(())
    }

    fn environment(&self) -> Result<Vec<(&'static str, OsString)>> {
        Ok(vec![("FS_BENCH_PEERS_PYTHON", self.python().into())])
    }
}
