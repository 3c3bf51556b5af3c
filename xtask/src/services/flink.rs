//! Apache Flink from the jars of Maven Central with the jobs of `bench/peers/flink`, which `bench stream` compares with.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::jars::Jars;
use super::{Service, java};
use crate::workspace::{Workspace, succeed_quietly};

/// Where the jars and classes are, whether they exist or not.
#[derive(Debug)]
pub(crate) struct Flink {
    folder: PathBuf,
    jars: Jars,
    /// `pom.xml` and the sources.
    definition: PathBuf,
}

impl Flink {
    /// The peer that belongs to a workspace.
    pub(crate) fn of(workspace: &Workspace) -> Self {
        let folder = workspace.services().join("flink");
        let definition = workspace.root().join("bench").join("peers").join("flink");
        let jars = Jars::new(folder.join("jars"), definition.join("pom.xml"));
        Self { folder, jars, definition }
    }

    /// `pom.xml` with all sources: what the classes were made of.
    fn sources(&self) -> Result<(Vec<PathBuf>, Vec<u8>)> {
        let folder = self.definition.join("src/main/java/shop");
        let entries = std::fs::read_dir(&folder).context("cannot list the sources of the peer")?;
        let mut paths = entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<std::io::Result<Vec<_>>>()
            .context("cannot list the sources of the peer")?;
        paths.sort();
        let mut text = std::fs::read(self.definition.join("pom.xml")).context("no pom.xml")?;
        for path in &paths {
            text.extend(std::fs::read(path).context("cannot read a source of the peer")?);
        }
        Ok((paths, text))
    }

    fn stamp(&self) -> PathBuf {
        self.folder.join("installed")
    }

    fn is_installed(&self) -> Result<bool> {
        let (_, wanted) = self.sources()?;
        Ok(std::fs::read(self.stamp()).is_ok_and(|stamp| stamp == wanted))
    }

    fn install(&self) -> Result<()> {
        if self.is_installed()? {
            return Ok(());
        }
        java::require_compiler()?;
        self.jars.install()?;
        let classes = self.folder.join("classes");
        if classes.try_exists()? {
            std::fs::remove_dir_all(&classes).context("cannot remove the old peer")?;
        }
        std::fs::create_dir_all(&classes)?;
        let (sources, text) = self.sources()?;
        let mut compiler = Command::new("javac");
        compiler.args(["-nowarn", "-Xlint:none", "--release", "17", "-cp"]);
        compiler
            .arg(format!("{}/*", self.jars.folder().display()))
            .arg("-d")
            .arg(&classes)
            .args(sources);
        succeed_quietly(&mut compiler)?;
        std::fs::write(self.stamp(), text).context("cannot write the stamp")
    }
}

impl Service for Flink {
    fn name(&self) -> &'static str {
        "flink"
    }

    fn start(&self) -> Result<bool> {
        self.install()?;
        Ok(false)
    }

    fn wait(&self) -> Result<String> {
        Ok(format!("installed in {}", self.folder.display()))
    }

    fn status(&self) -> Result<Option<String>> {
        let is_installed = self.is_installed()?;
        Ok(is_installed.then(|| format!("installed in {}", self.folder.display())))
    }

    fn stop(&self) -> Result<()> {
        Ok(())
    }

    fn environment(&self) -> Result<Vec<(&'static str, OsString)>> {
        let (classes, jars) = (self.folder.join("classes"), self.jars.folder());
        Ok(vec![
            ("FS_BENCH_FLINK", format!("{}:{}/*", classes.display(), jars.display()).into()),
            ("FS_BENCH_JAVA", java::find()?.into()),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_classes_are_current_until_a_source_changes() {
        let root = tempfile::tempdir().unwrap();
        let flink = Flink::of(&Workspace::at(root.path()));
        let sources = flink.definition.join("src/main/java/shop");
        std::fs::create_dir_all(&sources).unwrap();
        std::fs::create_dir_all(&flink.folder).unwrap();
        std::fs::write(flink.definition.join("pom.xml"), "1.20").unwrap();
        std::fs::write(sources.join("Peer.java"), "class Peer {}").unwrap();
        assert!(!flink.is_installed().unwrap());
        std::fs::write(flink.stamp(), flink.sources().unwrap().1).unwrap();
        assert!(flink.is_installed().unwrap());
        std::fs::write(sources.join("Peer.java"), "class Peer { }").unwrap();
        assert!(!flink.is_installed().unwrap());
    }
}
