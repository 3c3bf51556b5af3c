//! A node of its own that is late, hangs and dies under load.

use std::time::{Duration, Instant};

use larder_core::{Error, ErrorKind};
use larder_online_store::{CqlConfig, CqlFlavour, CqlStore, OnlineStore, WriteGuard};
use larder_tests::CassandraNode;
use scylla::client::session_builder::SessionBuilder;

use crate::cluster::{LOGIN, config_at, store, user, users};

/// How long a start may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(3);

const TIMEOUT: Duration = Duration::from_secs(2);

/// What a busy machine may add to a deadline.
const SLACK: Duration = Duration::from_secs(1);

/// Waits until a node lets clients in.
async fn ready(node: &CassandraNode) {
    let start = Instant::now();
    loop {
        let login = SessionBuilder::new().known_node(node.address()).user(LOGIN, LOGIN);
        match login.build().await {
            Ok(_) => return,
            Err(error) => assert!(start.elapsed() < PATIENCE, "{error}: {}", node.log()),
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn config(node: &CassandraNode) -> CqlConfig {
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

/// What every call on a node that does not answer says, and that it says so in time: a store that was connected, and one
/// that comes now.
async fn is_told(node: &CassandraNode, connected: &CqlStore, kind: ErrorKind) {
    let new = store(config(node));
    for (store, kind) in [(connected, kind), (&new, ErrorKind::Unavailable)] {
        for _ in 0..3 {
            for is_read in [true, false] {
                let begun = Instant::now();
                let answer = if is_read { read(store).await } else { write(store).await };
                let error = answer.unwrap_err();
                assert_eq!(error.kind(), kind, "read {is_read}: {error}");
                assert!(error.message().contains("127.0.0.1"), "{error}");
                assert!(begun.elapsed() < TIMEOUT + SLACK, "{:?}", begun.elapsed());
            }
        }
        assert!(store.health().await.is_err());
    }
}

/// How often the node is killed and started again; `cargo xtask soak` asks for more.
fn restarts() -> u32 {
    std::env::var("FS_TEST_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(1)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_late_hangs_or_dies_is_told_as_such() {
    let mut node = CassandraNode::new();
    let store = store(config(&node));
    assert_eq!(read(&store).await.unwrap_err().kind(), ErrorKind::Unavailable);
    node.start();
    ready(&node).await;
    store.update(&[users()], &[]).await.unwrap();
    works_again(&store).await;

    node.pause();
    fails(&[ErrorKind::Deadline], async || read(&store).await).await;
    fails(&[ErrorKind::Deadline], async || write(&store).await).await;
    is_told(&node, &store, ErrorKind::Deadline).await;
    node.resume();
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
        is_told(&node, &store, ErrorKind::Unavailable).await;
        if round < restarts() {
            node.start();
            ready(&node).await;
            works_again(&store).await;
        }
    }
}
