//! `fs stream run` over topics of a real broker: killed, restarted and shared, with the results of a run that was left
//! alone.
//!
//! `FS_TEST_ROUNDS` says how often programs are killed, `FS_TEST_EVENTS` how many events come before each kill; `cargo xtask
//! soak` sets both high.

mod instances;
mod kills;
mod letters;
mod metrics;
mod outages;
mod remote_state;
mod repartition;
mod running;
mod shop;
mod status;
mod tls;
mod together;
mod topics;
mod visitors;
