//! A broker of a test's own, which may be killed.

use std::path::Path;
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use tempfile::TempDir;

use super::{Kafka, PATIENCE};
use crate::process::Process;
use crate::{Certificates, free_port};

/// One node on private ports of the loopback address; it ends with the test.
#[derive(Debug)]
pub struct KafkaNode {
    process: Option<Process>,
    ports: [u16; 3],
    tls: Option<Tls>,
    folder: TempDir,
}

/// Listeners that speak TLS: one for clients with a certificate, one for those with a name and a password.
#[derive(Debug)]
struct Tls {
    ports: [u16; 2],
    files: [String; 2],
}

impl KafkaNode {
    /// A node that does not run yet.
    ///
    /// # Panics
    /// When no temporary folder can be made.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let ports = [free_port(), free_port(), free_port()];
        Self { process: None, ports, tls: None, folder }
    }

    /// The same with listeners that have the certificate `server` and trust the authority of these.
    ///
    /// # Panics
    /// When their files cannot be read.
    pub fn with_tls(certificates: &Certificates) -> Self {
        let node = Self::new();
        let pem = |name| std::fs::read_to_string(certificates.path(name)).expect("a PEM file");
        let keys = node.folder.path().join("keys.pem");
        let text = format!("{}{}", pem("server.key"), pem("server.pem"));
        std::fs::write(&keys, text).expect("a temporary file can be written");
        let keys = keys.to_str().expect("UTF-8").to_owned();
        let files = [keys, certificates.text("ca.pem")];
        let tls = Tls { ports: [free_port(), free_port()], files };
        Self { tls: Some(tls), ..node }
    }

    /// Where it speaks TLS: to clients with a certificate, and to those with a name and a password.
    ///
    /// # Panics
    /// When it does not.
    pub fn tls_ports(&self) -> [u16; 2] {
        self.tls.as_ref().expect("a node with TLS").ports
    }

    /// Starts it, on what it stored before, and waits until it answers.
    ///
    /// # Panics
    /// When it cannot be started: a suite with Kafka never passes without it.
    pub fn start(&mut self) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("kafka").join("start");
        let folder = self.folder.path().to_str().expect("UTF-8").to_owned();
        let words = [variable("FS_TEST_JAVA"), variable("FS_TEST_KAFKA_JARS"), folder];
        let mut arguments: Vec<String> =
            words.into_iter().chain(self.ports.map(|port| port.to_string())).collect();
        if let Some(Tls { ports, files }) = &self.tls {
            arguments.extend(ports.iter().map(u16::to_string).chain(files.clone()));
        }
        self.process = Some(Process::start(&script, &arguments, &self.folder.path().join("log")));
        let mut config = ClientConfig::new();
        let consumer: BaseConsumer =
            config.set("bootstrap.servers", self.kafka().address()).create().expect("a consumer");
        let deadline = Instant::now() + PATIENCE;
        while consumer.fetch_metadata(None, Duration::from_secs(1)).is_err() {
            assert!(Instant::now() < deadline, "Kafka does not answer: {}", self.log());
        }
    }

    /// Kills it as a crash would.
    pub fn kill(&mut self) {
        if let Some(process) = self.process.take() {
            process.signal("KILL");
        }
    }

    /// The process id of its program.
    ///
    /// # Panics
    /// When it does not run.
    pub fn pid(&self) -> u32 {
        self.process.as_ref().expect("a broker that runs").pid()
    }

    /// How clients reach it.
    pub fn kafka(&self) -> Kafka {
        Kafka { address: format!("127.0.0.1:{}", self.ports[0]) }
    }

    /// The end of what it said.
    fn log(&self) -> String {
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Default for KafkaNode {
    fn default() -> Self {
        Self::new()
    }
}

pub(super) fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!(
            "{name} is not set: run `cargo xtask test`, or `cargo xtask services up` and set what \
             it prints"
        )
    })
}
