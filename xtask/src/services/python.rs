//! A Python environment of its own for one file of requirements.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::feast;
use crate::workspace::{Workspace, succeed_quietly};

/// The environment's place, whether it is installed or not.
#[derive(Debug)]
pub(super) struct PythonEnvironment {
    folder: PathBuf,
    requirements: PathBuf,
}

impl PythonEnvironment {
    /// The environment in this folder of the services, for a file below `tests/python`.
    pub(super) fn of(workspace: &Workspace, folder: &str, requirements: &str) -> Self {
        let requirements = workspace.root().join("tests/python").join(requirements);
        Self { folder: workspace.services().join(folder), requirements }
    }

    /// Its interpreter.
    pub(super) fn python(&self) -> PathBuf {
        self.folder.join("bin").join("python")
    }

    fn stamp(&self) -> PathBuf {
        self.folder.join("installed.txt")
    }

    fn wanted(&self) -> Result<String> {
        let path = &self.requirements;
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
    }

    /// Whether exactly what the file says is installed.
    pub(super) fn is_current(&self) -> bool {
        let stamp = std::fs::read_to_string(self.stamp());
        stamp.is_ok_and(|stamp| self.wanted().is_ok_and(|wanted| stamp == wanted))
    }

    /// Makes it current; a second call does nothing.
    pub(super) fn install(&self) -> Result<()> {
        if self.is_current() {
            return Ok(());
        }
        if self.folder.try_exists()? {
            std::fs::remove_dir_all(&self.folder).context("cannot remove the old environment")?;
        }
        let python = feast::find_python()?;
        succeed_quietly(Command::new(python).args(["-m", "venv"]).arg(&self.folder))?;
        let name = self.requirements.file_name().map_or(self.requirements.as_path(), Path::new);
        println!("    pip install -r tests/python/{}", name.display());
        let mut pip = Command::new(self.python());
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]);
        succeed_quietly(pip.arg(&self.requirements))?;
        std::fs::write(self.stamp(), self.wanted()?).context("cannot write the stamp")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_is_current_until_its_requirements_change() {
        let root = tempfile::tempdir().unwrap();
        let environment = PythonEnvironment::of(&Workspace::at(root.path()), "venv", "some.txt");
        std::fs::create_dir_all(root.path().join("tests/python")).unwrap();
        std::fs::create_dir_all(&environment.folder).unwrap();
        std::fs::write(&environment.requirements, "moto==5").unwrap();
        assert!(!environment.is_current());
        std::fs::write(environment.stamp(), "moto==5").unwrap();
        assert!(environment.is_current());
        std::fs::write(&environment.requirements, "moto==6").unwrap();
        assert!(!environment.is_current());
    }
}
