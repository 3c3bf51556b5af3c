//! Stores on servers that several tests share, and on servers of their own.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};

use larder_core::Value;
use larder_proto::wire::entity_key::{EntityKeyLayout, EntityKeyVersion};

use larder_online_store::{OnlineStore, RedisConfig, RedisLayout, RedisStore, RedisTopology};
use larder_tests::{RedisCluster, RedisSentinel, RedisServer};

/// Nodes that live as long as the test process.
static CLUSTER: LazyLock<RedisCluster> = LazyLock::new(RedisCluster::start);
static SENTINEL: LazyLock<RedisSentinel> = LazyLock::new(RedisSentinel::start);

/// Settings for the server that all tests share.
pub(crate) fn single() -> RedisConfig {
    config(RedisTopology::Single, &RedisServer::shared())
}

/// Settings for a cluster that all tests of this process share.
pub(crate) fn cluster() -> RedisConfig {
    config(RedisTopology::Cluster, &CLUSTER.connection_string())
}

/// Settings for a master behind a sentinel that all tests of this process share.
pub(crate) fn sentinel() -> RedisConfig {
    config(master(), &SENTINEL.address())
}

pub(crate) fn master() -> RedisTopology {
    RedisTopology::Sentinel { master: RedisSentinel::MASTER.to_owned() }
}

pub(crate) fn config(topology: RedisTopology, connection_string: &str) -> RedisConfig {
    RedisConfig::new(topology, connection_string).unwrap()
}

pub(crate) fn open(config: &RedisConfig) -> RedisStore {
    RedisStore::open(config).unwrap()
}

/// For the contract: a store of this layout.
pub(crate) fn with_layout(config: RedisConfig, layout: RedisLayout) -> ((), Arc<dyn OnlineStore>) {
    ((), Arc::new(open(&RedisConfig { layout, ..config })))
}

/// A project that no other test has.
pub(crate) fn project() -> String {
    static TESTS: AtomicU32 = AtomicU32::new(0);
    format!("redis_{}_{}", std::process::id(), TESTS.fetch_add(1, Ordering::Relaxed))
}

/// The serialized key of an entity whose only join key has these bytes.
pub(crate) fn entity_key(bytes: &[u8]) -> Vec<u8> {
    let layout = EntityKeyLayout::new(EntityKeyVersion::V3, &["k"]).unwrap();
    layout.encode(&[Value::Bytes(bytes.to_vec())]).unwrap()
}

/// A command to a node about its cluster.
pub(crate) fn cluster_command(words: &[&str]) -> redis::Cmd {
    let mut command = redis::cmd("CLUSTER");
    command.arg(words);
    command
}

/// How often the nodes answered with this error, for instance `ASK`.
pub(crate) fn told(cluster: &RedisCluster, error: &str) -> usize {
    let of_node = |node: &RedisServer| -> usize {
        let asked = redis::cmd("INFO").arg("errorstats").query(&mut node.connection());
        let said: String = asked.unwrap();
        let start = format!("errorstat_{error}:count=");
        let count = said.lines().find_map(|line| line.strip_prefix(&start));
        count.map_or(0, |count| count.trim().parse().unwrap())
    };
    cluster.nodes().iter().map(of_node).sum()
}
