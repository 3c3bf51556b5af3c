//! The layers around a store: the contract under each of them, and what each is for.
#![expect(clippy::unwrap_used, reason = "a failing step fails the test")]

mod cache;
mod contract;
mod deadline;
mod fixture;
mod metrics;
mod retry;
