//! TLS: to a server, to the nodes of a cluster, and to the master that sentinels name.

use std::time::{Duration, Instant};

use larder_core::ErrorKind;
use larder_online_store::{
    OnlineStore as _, RedisConfig, RedisStore, RedisTopology, ViewTable, WriteGuard,
};
use larder_tests::{Certificates, RedisCluster, RedisSentinel, RedisServer};

use crate::failures::{row, users};
use crate::servers::{config, entity_key, master, open};

/// What keeps running while a test asks.
enum Servers {
    Single { _server: RedisServer },
    Cluster { _cluster: RedisCluster },
    Sentinel(RedisSentinel),
}

/// One kind of Redis with TLS.
struct Served {
    servers: Servers,
    topology: RedisTopology,
    /// `HOST:PORT` of all that are asked first.
    addresses: String,
    certificates: Certificates,
}

impl Served {
    /// Every kind, with the certificate `name` and these options.
    fn every(name: &str, options: &[&str]) -> [Self; 3] {
        [Self::single(name, options), Self::cluster(name, options), Self::sentinel(name, options)]
    }

    fn single(name: &str, options: &[&str]) -> Self {
        let certificates = Certificates::new();
        let server = RedisServer::start_tls(&certificates, name, options);
        let addresses = format!("127.0.0.1:{}", server.client_port());
        let servers = Servers::Single { _server: server };
        Self { servers, topology: RedisTopology::Single, addresses, certificates }
    }

    fn cluster(name: &str, options: &[&str]) -> Self {
        let certificates = Certificates::new();
        let cluster = RedisCluster::start_tls(&certificates, name, options);
        let addresses = cluster.connection_string();
        let servers = Servers::Cluster { _cluster: cluster };
        Self { servers, topology: RedisTopology::Cluster, addresses, certificates }
    }

    fn sentinel(name: &str, options: &[&str]) -> Self {
        let certificates = Certificates::new();
        let sentinel = RedisSentinel::start_tls(&certificates, name, options);
        let addresses = sentinel.address();
        Self { servers: Servers::Sentinel(sentinel), topology: master(), addresses, certificates }
    }

    fn config(&self, options: &str) -> RedisConfig {
        config(self.topology.clone(), &format!("{}{options}", self.addresses))
    }

    /// The options of a client that trusts the servers' authority.
    fn trust(&self) -> String {
        format!(",ssl=true,ssl_ca_certs={}", self.certificates.text("ca.pem"))
    }

    /// The options of a client with a certificate of its own.
    fn identity(&self) -> String {
        let [pem, key] = ["client.pem", "client.key"].map(|file| self.certificates.text(file));
        format!("{},ssl_certfile={pem},ssl_keyfile={key}", self.trust())
    }
}

/// How long servers may need until they answer; on a busy machine they may miss each other for a moment.
const PATIENCE: Duration = Duration::from_mins(1);

/// Writes and reads enough keys to reach every node of a cluster.
async fn works(config: &RedisConfig) {
    let (store, table) = (open(config), users());
    for number in 0..12_u8 {
        let key = entity_key(&[number]);
        until_written(&store, &table, &key, 1).await;
        assert_eq!(until_read(&store, &table, &key).await, Some(1));
    }
}

async fn refused(config: &RedisConfig) -> larder_core::Error {
    let (table, key) = (users(), entity_key(b"k"));
    let written = open(config).write(&table, &row(&table, &key, 1), WriteGuard::EventTime).await;
    let error = written.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{:?}: {error}", config.topology);
    error
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_of_redis_needs_a_certificate_that_we_trust() {
    for served in Served::every("server", &[]) {
        for options in [served.trust(), ",ssl=true,ssl_cert_reqs=none".to_owned()] {
            works(&served.config(&options)).await;
        }
        let error = refused(&served.config(",ssl=true")).await;
        assert!(error.hint().is_some_and(|hint| hint.contains("ssl_ca_certs")), "{error:?}");
        refused(&served.config("")).await;
        let nowhere = served.config(",ssl=true,ssl_ca_certs=/nowhere");
        assert_eq!(RedisStore::open(&nowhere).unwrap_err().kind(), ErrorKind::Invalid);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_for_another_name_is_refused_unless_names_do_not_matter() {
    for served in Served::every("other", &[]) {
        refused(&served.config(&served.trust())).await;
        let any_name = format!("{},ssl_check_hostname=false", served.trust());
        if let Servers::Sentinel(_) = &served.servers {
            let error = RedisStore::open(&served.config(&any_name)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            continue;
        }
        works(&served.config(&any_name)).await;
        // Whose it is does not matter, who signed it does.
        refused(&served.config(",ssl=true,ssl_check_hostname=false")).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_can_be_asked_for_a_certificate() {
    for served in Served::every("server", &["--tls-auth-clients", "yes"]) {
        works(&served.config(&served.identity())).await;
        refused(&served.config(&served.trust())).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_master_is_followed_over_tls() {
    let mut served = Served::sentinel("server", &[]);
    let patience = ",socket_timeout=0.5,socket_connect_timeout=0.5";
    let store = open(&served.config(&format!("{}{patience}", served.trust())));
    let table: ViewTable = users();
    let key = entity_key(b"k");
    until_written(&store, &table, &key, 5).await;
    let Servers::Sentinel(sentinel) = &mut served.servers else { panic!("a sentinel") };
    sentinel.master().kill();
    sentinel.wait_for_failover();
    until_written(&store, &table, &key, 6).await;
    assert_eq!(until_read(&store, &table, &key).await, Some(6));
}

async fn until_written(store: &RedisStore, table: &ViewTable, key: &[u8], micros: i64) {
    let begun = Instant::now();
    while let Err(error) = store.write(table, &row(table, key, micros), WriteGuard::EventTime).await
    {
        assert!(begun.elapsed() < PATIENCE, "{error}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn until_read(store: &RedisStore, table: &ViewTable, key: &[u8]) -> Option<i64> {
    let begun = Instant::now();
    loop {
        match store.read(table, &[key]).await {
            Ok(rows) => return rows.event_timestamp(0),
            Err(error) => assert!(begun.elapsed() < PATIENCE, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
