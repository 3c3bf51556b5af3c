//! Redis servers: the one that all tests share, and servers of a test's own.

mod certificates;
mod cluster;
mod sentinel;
mod server;

pub use certificates::Certificates;
pub use cluster::RedisCluster;
pub use sentinel::RedisSentinel;
pub use server::RedisServer;
