//! Folders of jars from Maven Central, as a `pom.xml` names them.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::java;
use crate::workspace::succeed_quietly;

/// A program's jars with their dependencies, whether they are there or not.
#[derive(Debug)]
pub(super) struct Jars {
    folder: PathBuf,
    pom: PathBuf,
}

impl Jars {
    /// The jars that a `pom.xml` names, in a folder of their own.
    pub(super) fn new(folder: PathBuf, pom: PathBuf) -> Self {
        Self { folder, pom }
    }

    /// The folder.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Fetches them unless they are those that `pom.xml` names.
    pub(super) fn install(&self) -> Result<()> {
        if self.is_installed()? {
            return Ok(());
        }
        java::require_maven()?;
        if self.folder.try_exists()? {
            std::fs::remove_dir_all(&self.folder).context("cannot remove old jars")?;
        }
        println!("    mvn dependency:copy-dependencies of {}", self.pom.display());
        let mut maven = Command::new("mvn");
        maven.args(["--batch-mode", "--quiet", "--file"]).arg(&self.pom);
        maven.arg("dependency:copy-dependencies");
        maven.arg(format!("-DoutputDirectory={}", self.folder.display()));
        succeed_quietly(&mut maven)?;
        std::fs::copy(&self.pom, self.stamp()).context("cannot write the stamp")?;
        Ok(())
    }

    fn stamp(&self) -> PathBuf {
        self.folder.join("installed.xml")
    }

    fn is_installed(&self) -> Result<bool> {
        let wanted = std::fs::read(&self.pom)
            .with_context(|| format!("cannot read {}", self.pom.display()))?;
        match std::fs::read(self.stamp()) {
            Ok(stamp) => Ok(stamp == wanted),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error).context("cannot read the stamp of jars"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_jars_are_current_until_the_pom_changes() {
        let root = tempfile::tempdir().unwrap();
        let jars = Jars::new(root.path().join("jars"), root.path().join("pom.xml"));
        std::fs::create_dir_all(jars.folder()).unwrap();
        std::fs::write(&jars.pom, "5.0.5").unwrap();
        assert!(!jars.is_installed().unwrap());
        std::fs::copy(&jars.pom, jars.stamp()).unwrap();
        assert!(jars.is_installed().unwrap());
        std::fs::write(&jars.pom, "5.0.6").unwrap();
        assert!(!jars.is_installed().unwrap());
    }
}
