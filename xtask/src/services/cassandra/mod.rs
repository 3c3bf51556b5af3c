//! Cassandra, one node with its own data, from the jars of Maven Central.

mod java;
mod probe;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::Service;
use super::process::{ServerProcess, free_port};
use crate::workspace::{Workspace, succeed_quietly};

/// How long a start may take on a busy machine; alone it takes about ten seconds.
const PATIENCE: Duration = Duration::from_mins(4);

/// Tables are made without a flush to disk each: the node keeps nothing beyond its life.
const QUICK_TABLES: &str = "-Dcassandra.test.flush_local_schema_changes=false";

/// Where the jars and the node are, whether they exist or not.
#[derive(Debug)]
pub(crate) struct Cassandra {
    jars: PathBuf,
    server: ServerProcess,
    /// `pom.xml` and the script that starts a node.
    definition: PathBuf,
}

impl Cassandra {
    /// The node that belongs to a workspace.
    pub(crate) fn of(workspace: &Workspace) -> Self {
        let folder = workspace.services().join("cassandra");
        Self {
            jars: folder.join("jars"),
            server: ServerProcess::in_folder(folder.join("node")),
            definition: workspace.root().join("tests").join("cassandra"),
        }
    }

    fn pom(&self) -> PathBuf {
        self.definition.join("pom.xml")
    }

    fn stamp(&self) -> PathBuf {
        self.jars.join("installed.xml")
    }

    /// Whether the jars are those that `pom.xml` names.
    fn is_installed(&self) -> Result<bool> {
        let wanted = std::fs::read(self.pom()).context("cannot read tests/cassandra/pom.xml")?;
        match std::fs::read(self.stamp()) {
            Ok(stamp) => Ok(stamp == wanted),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error).context("cannot read the stamp of Cassandra's jars"),
        }
    }

    fn install(&self) -> Result<()> {
        if self.is_installed()? {
            return Ok(());
        }
        java::require_maven()?;
        if self.jars.try_exists()? {
            std::fs::remove_dir_all(&self.jars).context("cannot remove old jars")?;
        }
        println!("    mvn dependency:copy-dependencies of tests/cassandra/pom.xml");
        let mut maven = Command::new("mvn");
        maven.args(["--batch-mode", "--quiet", "--file"]).arg(self.pom());
        maven.arg("dependency:copy-dependencies");
        maven.arg(format!("-DoutputDirectory={}", self.jars.display()));
        succeed_quietly(&mut maven)?;
        std::fs::copy(self.pom(), self.stamp()).context("cannot write the stamp")?;
        Ok(())
    }
}

impl Service for Cassandra {
    fn name(&self) -> &'static str {
        "cassandra"
    }

    fn start(&self) -> Result<bool> {
        if self.server.port()?.is_some() {
            return Ok(false);
        }
        let java = java::find()?;
        self.install()?;
        let (port, storage_port) = (free_port()?, free_port()?);
        let mut start = Command::new(self.definition.join("start"));
        start.arg(java).args([&self.jars, self.server.folder()]);
        start.args([port.to_string(), storage_port.to_string()]);
        start.env("CASSANDRA_JAVA_OPTS", QUICK_TABLES);
        self.server.spawn(port, &mut start)?;
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

    fn environment(&self) -> Result<Vec<(&'static str, OsString)>> {
        let port = self.server.port()?.context("Cassandra is not running")?;
        Ok(vec![
            ("FS_TEST_CASSANDRA", format!("127.0.0.1:{port}").into()),
            ("FS_TEST_CASSANDRA_JARS", self.jars.clone().into()),
            ("FS_TEST_JAVA", java::find()?.into()),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_jars_are_current_until_the_pom_changes() {
        let root = tempfile::tempdir().unwrap();
        let cassandra = Cassandra::of(&Workspace::at(root.path()));
        std::fs::create_dir_all(&cassandra.definition).unwrap();
        std::fs::create_dir_all(&cassandra.jars).unwrap();
        std::fs::write(cassandra.pom(), "5.0.5").unwrap();
        assert!(!cassandra.is_installed().unwrap());
        std::fs::copy(cassandra.pom(), cassandra.stamp()).unwrap();
        assert!(cassandra.is_installed().unwrap());
        std::fs::write(cassandra.pom(), "5.0.6").unwrap();
        assert!(!cassandra.is_installed().unwrap());
    }
}
