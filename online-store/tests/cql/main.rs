//! The CQL store on a real Cassandra, in both flavours.
//!
//! `cargo xtask test` starts the node; see CONTRIBUTING.md for running this suite alone.
#![expect(clippy::unwrap_used, reason = "a failing step fails the test")]

mod cluster;
mod contract;
mod failures;
mod feast_tables;
mod interrupted;
mod node;
mod write_times;
