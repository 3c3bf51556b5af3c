//! Cassandra, one node with its own data, from the jars of Maven Central.

mod probe;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::jars::Jars;
use super::process::{ServerProcess, free_port};
use super::{Service, java};
use crate::workspace::Workspace;

/// How long a start may take on a busy machine; alone it takes about ten seconds.
const PATIENCE: Duration = Duration::from_mins(4);

/// Tables are made without a flush to disk each: the node keeps nothing beyond its life.
const QUICK_TABLES: &str = "-Dcassandra.test.flush_local_schema_changes=false";

/// Where the jars and the node are, whether they exist or not.
#[derive(Debug)]
pub(crate) struct Cassandra {
    jars: Jars,
    server: ServerProcess,
    /// The script that starts a node.
    script: PathBuf,
}

impl Cassandra {
    /// The node that belongs to a workspace.
    pub(crate) fn of(workspace: &Workspace) -> Self {
        let folder = workspace.services().join("cassandra");
        let definition = workspace.root().join("tests").join("cassandra");
        Self {
            jars: Jars::new(folder.join("jars"), definition.join("pom.xml")),
            server: ServerProcess::in_folder(folder.join("node")),
            script: definition.join("start"),
        }
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
        self.jars.install()?;
        let (port, storage_port) = (free_port()?, free_port()?);
        let mut start = Command::new(&self.script);
        start.arg(java).args([self.jars.folder(), self.server.folder()]);
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
            ("FS_TEST_CASSANDRA_JARS", self.jars.folder().into()),
            ("FS_TEST_JAVA", java::find()?.into()),
        ])
    }
}
