//! The way to the node is cut and comes back: a proxy stands between the store and the shared node.

use std::sync::Arc;
use std::time::{Duration, Instant};

use larder_core::ErrorKind;
use larder_online_store::{CqlFlavour, CqlStore, OnlineStore as _, WriteGuard};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::cluster::{address, config_at, new_keyspace, store, user, users};

/// How long the store may take to notice that the node is back.
const RECOVERY: Duration = Duration::from_secs(30);

/// Passes connections on while it lives; cuts all of them when it is dropped.
struct Proxy(JoinHandle<()>);

impl Proxy {
    fn new(listener: Arc<std::net::TcpListener>) -> Self {
        Self(tokio::spawn(async move {
            let listener = TcpListener::from_std(listener.try_clone().unwrap()).unwrap();
            let mut connections = JoinSet::new();
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                connections.spawn(async move {
                    let mut node = TcpStream::connect(address()).await.unwrap();
                    // A cut connection is the point of it.
                    drop(tokio::io::copy_bidirectional(&mut client, &mut node).await);
                });
            }
        }))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn until_it_works(store: &CqlStore) {
    let start = Instant::now();
    while let Err(error) = store.health().await {
        assert!(start.elapsed() < RECOVERY, "{error}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_fail_while_the_node_is_away_and_work_again_afterwards() {
    let keyspace = new_keyspace().await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let at = listener.local_addr().unwrap().to_string();
    let mut config = config_at(&at, CqlFlavour::Cassandra, &keyspace);
    config.request_timeout = Duration::from_secs(1);
    let store = store(config);

    let listener = Arc::new(listener);
    let mut proxy = Proxy::new(Arc::clone(&listener));
    store.update(&[users()], &[]).await.unwrap();
    for round in 0..2_u8 {
        store.write(&users(), &user(round, 0), WriteGuard::EventTime).await.unwrap();
        drop(proxy);
        // The listener still takes connections, but nobody answers: a node that hangs.
        for _ in 0..5 {
            let start = Instant::now();
            let failed = [
                store.read(&users(), &[b"k"]).await.unwrap_err(),
                store.write(&users(), &user(9, 0), WriteGuard::EventTime).await.unwrap_err(),
            ];
            for error in failed {
                let kinds = [ErrorKind::Unavailable, ErrorKind::Deadline];
                assert!(kinds.contains(&error.kind()), "{error}");
            }
            assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
        }
        proxy = Proxy::new(Arc::clone(&listener));
        until_it_works(&store).await;
        let answer = store.read(&users(), &[b"k"]).await.unwrap();
        assert_eq!(answer.event_timestamp(0), Some(0));
    }
}
