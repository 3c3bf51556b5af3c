//! Stores on servers that several tests share, and on servers of their own.

use std::sync::{Arc, LazyLock};

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
