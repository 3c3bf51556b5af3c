//! A node of its own that is late, hangs and dies under load.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use larder_core::{Error, ErrorKind};
use larder_online_store::{CqlConfig, CqlFlavour, CqlStore, OnlineStore, WriteGuard};
use scylla::client::session_builder::SessionBuilder;
use tempfile::TempDir;

use crate::cluster::{LOGIN, config_at, store, user, users};

/// How long a start may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(3);

const TIMEOUT: Duration = Duration::from_secs(2);

/// A Cassandra of this test's own; killed when it goes.
struct Node {
    folder: TempDir,
    ports: [u16; 2],
    child: Option<Child>,
}

impl Node {
    fn new() -> Self {
        let free = || {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            listener.local_addr().unwrap().port()
        };
        Self { folder: tempfile::tempdir().unwrap(), ports: [free(), free()], child: None }
    }

    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.ports[0])
    }

    /// Starts it on what it stored before.
    fn start(&mut self) {
        let path = |name| {
            PathBuf::from(std::env::var_os(name).expect(
            "FS_TEST_JAVA or FS_TEST_CASSANDRA_JARS is not set: run `cargo xtask test`, or `cargo xtask services up` \
             and set what it prints",
        ))
        };
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/cassandra/start");
        let log = std::fs::File::create(self.folder.path().join("log")).unwrap();
        let mut command = Command::new(script);
        command.arg(path("FS_TEST_JAVA")).arg(path("FS_TEST_CASSANDRA_JARS"));
        command.arg(self.folder.path()).args(self.ports.map(|port| port.to_string()));
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        self.child = Some(command.spawn().unwrap());
    }

    fn signal(&self, name: &str) {
        let pid = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    fn log(&self) -> String {
        let log = std::fs::read_to_string(Path::new(self.folder.path()).join("log"));
        let log = log.unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// Waits until it lets clients in.
    async fn ready(&self) {
        let start = Instant::now();
        loop {
            let login = SessionBuilder::new().known_node(self.address()).user(LOGIN, LOGIN);
            match login.build().await {
                Ok(_) => return,
                Err(error) => assert!(start.elapsed() < PATIENCE, "{error}: {}", self.log()),
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

fn config(node: &Node) -> CqlConfig {
    let mut config = config_at(&node.address(), CqlFlavour::ScyllaDb, "ks");
    config.write_consistency = "ONE".parse().unwrap();
    config.read_consistency = "ONE".parse().unwrap();
    config.request_timeout = TIMEOUT;
    config
}

async fn write(store: &CqlStore) -> Result<(), Error> {
    store.write(&users(), &user(1, 0), WriteGuard::EventTime).await.map(drop)
}

async fn read(store: &CqlStore) -> Result<(), Error> {
    store.read(&users(), &[b"k"]).await.map(drop)
}

/// Calls until one fails; asserts what the failure is and that it came in time.
async fn fails(kinds: &[ErrorKind], mut call: impl AsyncFnMut() -> Result<(), Error>) {
    let start = Instant::now();
    loop {
        let begun = Instant::now();
        if let Err(error) = call().await {
            assert!(kinds.contains(&error.kind()), "{error}");
            assert!(begun.elapsed() < TIMEOUT * 2, "{:?}", begun.elapsed());
            return;
        }
        assert!(start.elapsed() < PATIENCE, "no call failed");
    }
}

async fn works_again(store: &CqlStore) {
    let start = Instant::now();
    while let Err(error) = write(store).await {
        assert!(start.elapsed() < PATIENCE, "{error}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    read(store).await.unwrap();
}

/// How often the node is killed and started again; `cargo xtask soak` asks for more.
fn restarts() -> u32 {
    std::env::var("FS_TEST_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_late_hangs_or_dies_is_told_as_such() {
    let mut node = Node::new();
    let store = store(config(&node));
    assert_eq!(read(&store).await.unwrap_err().kind(), ErrorKind::Unavailable);
    node.start();
    node.ready().await;
    store.update(&[users()], &[]).await.unwrap();
    works_again(&store).await;

    node.signal("-STOP");
    fails(&[ErrorKind::Deadline], async || read(&store).await).await;
    fails(&[ErrorKind::Deadline], async || write(&store).await).await;
    node.signal("-CONT");
    works_again(&store).await;

    for round in 0..=restarts() {
        let dead = [ErrorKind::Unavailable, ErrorKind::Deadline];
        let death = async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            node.kill();
        };
        let reads = fails(&dead, async || read(&store).await);
        let writes = fails(&dead, async || write(&store).await);
        tokio::join!(reads, writes, death);
        assert_eq!(read(&store).await.unwrap_err().kind(), ErrorKind::Unavailable);
        if round < restarts() {
            node.start();
            node.ready().await;
            works_again(&store).await;
        }
    }
}
