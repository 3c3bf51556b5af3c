//! The pool with a real interpreter: what functions answer, and what becomes of the careless ones.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fixture;
mod mishaps;
mod processes;
mod recorded;
mod setup;

// The recordings of the compiler's own suite.
#[path = "../../../tests/recorded/vectors.rs"]
mod vectors;
