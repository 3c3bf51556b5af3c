//! A Python environment with the real Feast, the judge of compatibility.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::{Service, debian};
use crate::workspace::{Workspace, succeed_quietly};

/// The oldest Python that Feast 0.67 runs on.
const OLDEST_PYTHON: (u32, u32) = (3, 10);

/// The files that say what is installed, below `tests/python`: with and without dependencies.
const CONSTRAINTS: &str = "constraints.txt";
const REQUIREMENTS: &str = "requirements.txt";
const DATA_REQUIREMENTS: &str = "requirements-data.txt";

/// The environment's place, whether it is installed or not.
#[derive(Debug)]
pub(crate) struct FeastEnvironment {
    folder: PathBuf,
    requirements: PathBuf,
}

impl FeastEnvironment {
    /// The environment that belongs to a workspace.
    pub(crate) fn of(workspace: &Workspace) -> Self {
        Self {
            folder: workspace.services().join("feast-venv"),
            requirements: workspace.root().join("tests").join("python"),
        }
    }

    /// Its Python interpreter.
    pub(crate) fn python(&self) -> PathBuf {
        self.folder.join("bin").join("python")
    }

    /// What the tests read to find it; with `FS_TEST_REQUIRE`, a missing Feast is a failure.
    pub(crate) fn environment(&self) -> [(&'static str, PathBuf); 2] {
        [("FS_TEST_FEAST_PYTHON", self.python()), ("FS_TEST_REQUIRE", PathBuf::from("feast"))]
    }

    /// Whether exactly what the requirement files say is installed.
    pub(crate) fn is_current(&self) -> Result<bool> {
        match std::fs::read_to_string(self.stamp()) {
            Ok(stamp) => Ok(stamp == self.wanted()?),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error).context("cannot read the stamp of the Feast environment"),
        }
    }

    /// Makes it current; a second call does nothing.
    fn make_current(&self) -> Result<()> {
        if self.is_current()? {
            return Ok(());
        }
        let python = find_python()?;
        if self.folder.try_exists()? {
            std::fs::remove_dir_all(&self.folder).context("cannot remove the old environment")?;
        }
        println!("    virtual environment at {}", self.folder.display());
        succeed_quietly(Command::new(python).args(["-m", "venv"]).arg(&self.folder))?;
        println!("    pip install -r tests/python/{REQUIREMENTS}");
        let constraints = self.requirements.join(CONSTRAINTS);
        self.pip(REQUIREMENTS, &["--constraint".as_ref(), constraints.as_path()])?;
        println!("    pip install -r tests/python/{DATA_REQUIREMENTS}");
        self.pip(DATA_REQUIREMENTS, &["--no-deps".as_ref()])?;
        std::fs::write(self.stamp(), self.wanted()?).context("cannot write the stamp")
    }

    fn pip(&self, requirements: &str, options: &[&Path]) -> Result<()> {
        let mut command = Command::new(self.python());
        command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        command.args(options).arg("--requirement").arg(self.requirements.join(requirements));
        succeed_quietly(&mut command)
    }

    fn stamp(&self) -> PathBuf {
        self.folder.join("installed.txt")
    }

    /// The text of the requirement files, which the stamp must equal.
    fn wanted(&self) -> Result<String> {
        let mut text = String::new();
        for name in [CONSTRAINTS, REQUIREMENTS, DATA_REQUIREMENTS] {
            let path = self.requirements.join(name);
            text += &std::fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
        }
        Ok(text)
    }
}

impl Service for FeastEnvironment {
    fn name(&self) -> &'static str {
        "feast"
    }

    /// A Python environment is no process.
    fn start(&self) -> Result<bool> {
        self.make_current()?;
        Ok(false)
    }

    fn wait(&self) -> Result<String> {
        Ok(format!("ready, {}", self.python().display()))
    }

    fn status(&self) -> Result<Option<String>> {
        self.is_current()?.then(|| self.wait()).transpose()
    }

    /// The environment stays, so that the next run is instant.
    fn stop(&self) -> Result<()> {
        Ok(())
    }

    fn environment(&self) -> Result<Vec<(&'static str, OsString)>> {
        let variables = Self::environment(self);
        Ok(variables.into_iter().map(|(name, value)| (name, value.into())).collect())
    }
}

/// A Python that is new enough and can make virtual environments; installs Debian's if need be.
pub(super) fn find_python() -> Result<&'static str> {
    if !can_make_environments("python3") {
        debian::install(&["python3", "python3-venv"])?;
    }
    for candidate in ["python3", "/usr/bin/python3"] {
        if can_make_environments(candidate) {
            return Ok(candidate);
        }
    }
    let (major, minor) = OLDEST_PYTHON;
    bail!("this needs Python {major}.{minor} or newer with the venv module")
}

fn can_make_environments(python: &str) -> bool {
    let (major, minor) = OLDEST_PYTHON;
    let script =
        format!("import sys, venv, ensurepip; sys.exit(sys.version_info < ({major}, {minor}))");
    Command::new(python).args(["-c", &script]).output().is_ok_and(|output| output.status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_is_current_until_a_requirement_changes() {
        let root = tempfile::tempdir().unwrap();
        let environment = FeastEnvironment::of(&Workspace::at(root.path()));
        std::fs::create_dir_all(&environment.requirements).unwrap();
        std::fs::create_dir_all(&environment.folder).unwrap();
        for name in [CONSTRAINTS, REQUIREMENTS, DATA_REQUIREMENTS] {
            std::fs::write(environment.requirements.join(name), name).unwrap();
        }
        assert!(!environment.is_current().unwrap());
        std::fs::write(environment.stamp(), environment.wanted().unwrap()).unwrap();
        assert!(environment.is_current().unwrap());
        std::fs::write(environment.requirements.join(REQUIREMENTS), "feast==1").unwrap();
        assert!(!environment.is_current().unwrap());
    }

    #[test]
    fn a_program_that_is_no_python_cannot_make_environments() {
        assert!(!can_make_environments("true-but-missing"));
        assert!(!can_make_environments("false"));
    }
}
