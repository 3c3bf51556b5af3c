//! Kafka, one node in `KRaft` mode with its own data, from the jars of Maven Central.

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

/// How long a start may take on a busy machine; alone it takes about five seconds.
const PATIENCE: Duration = Duration::from_mins(4);

/// File of the node's folder with the port that asks for a name and a password.
const SASL_PORT: &str = "sasl-port";

/// Where the jars and the node are, whether they exist or not.
#[derive(Debug)]
pub(crate) struct Kafka {
    jars: Jars,
    server: ServerProcess,
    /// The script that starts a node.
    script: PathBuf,
}

impl Kafka {
    /// The node that belongs to a workspace.
    pub(crate) fn of(workspace: &Workspace) -> Self {
        let folder = workspace.services().join("kafka");
        let definition = workspace.root().join("tests").join("kafka");
        Self {
            jars: Jars::new(folder.join("jars"), definition.join("pom.xml")),
            server: ServerProcess::in_folder(folder.join("node")),
            script: definition.join("start"),
        }
    }

    fn sasl_port(&self) -> Result<u16> {
        let port = std::fs::read_to_string(self.server.folder().join(SASL_PORT));
        Ok(port.context("cannot read the second port of Kafka")?.parse()?)
    }
}

impl Service for Kafka {
    fn name(&self) -> &'static str {
        "kafka"
    }

    fn start(&self) -> Result<bool> {
        if self.server.port()?.is_some() {
            return Ok(false);
        }
        let java = java::find()?;
        self.jars.install()?;
        let (port, controller_port, sasl_port) = (free_port()?, free_port()?, free_port()?);
        let mut start = Command::new(&self.script);
        start.arg(java).args([self.jars.folder(), self.server.folder()]);
        start.args([port, controller_port, sasl_port].map(|port| port.to_string()));
        self.server.spawn(port, &mut start)?;
        std::fs::write(self.server.folder().join(SASL_PORT), sasl_port.to_string())?;
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

    /// The shared node, and the jars for tests that need nodes of their own.
    fn environment(&self) -> Result<Vec<(&'static str, OsString)>> {
        let port = self.server.port()?.context("Kafka is not running")?;
        Ok(vec![
            ("FS_TEST_KAFKA", format!("127.0.0.1:{port}").into()),
            ("FS_TEST_KAFKA_SASL", format!("127.0.0.1:{}", self.sasl_port()?).into()),
            ("FS_TEST_KAFKA_JARS", self.jars.folder().into()),
            ("FS_TEST_JAVA", java::find()?.into()),
        ])
    }
}
