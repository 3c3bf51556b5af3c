//! The Redis store on real servers: the contract, Feast's bytes, and what only a server can do to a client.
#![expect(clippy::unwrap_used, reason = "a failing step fails the test")]

mod cluster;
mod concurrency;
mod contract_cluster;
mod contract_sentinel;
mod contract_single;
mod failover;
mod failures;
mod feast_bytes;
mod layouts;
mod packed;
mod removal;
mod servers;
mod slot_migration;
mod tls;
mod wide;
