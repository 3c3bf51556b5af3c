//! Runs the `fs` binary and real Feast for the suites of this crate.
//!
//! Nothing here judges: it starts programs in fresh folders, waits for them, and stops them by their
//! process id, also when a test panics. A missing program is a failure that says how to get it.

mod cassandra;
mod cassandra_node;
mod certificate;
mod delta_tables;
mod feast;
mod fs;
mod http;
mod join_cluster;
mod kafka;
mod outcome;
mod ports;
mod printed;
mod process;
mod redis;
mod registry_json;
mod repository;
mod server;

pub use cassandra::Cassandra;
pub use cassandra_node::CassandraNode;
pub use certificate::Certificate;
pub use delta_tables::delta_tables;
pub use feast::Feast;
pub use fs::Fs;
pub use http::{Answer, get, post, post_text, post_typed};
pub use join_cluster::JoinCluster;
pub use kafka::{Kafka, KafkaNode};
pub use outcome::Outcome;
pub use ports::free_port;
pub use printed::unordered;
pub use redis::{Certificates, RedisCluster, RedisSentinel, RedisServer};
pub use registry_json::{canonical, difference};
pub use repository::Repository;
pub use server::Server;
