//! One folder per backend, each with the same files: `config`, `layout`, `client`, `error`. What several share stands
//! beside them.

use larder_core::{Error, ErrorKind};

use crate::ViewTable;

pub(crate) mod cql;
pub(crate) mod embedded;
mod merged_rows;
mod packed_row;
pub(crate) mod redis;
pub(crate) mod remote;
pub(crate) mod sqlite;

/// The error for a table that was never made.
fn never_made(table: &ViewTable) -> Error {
    Error::new(ErrorKind::NotFound, format!("the online store has no table for {table}"))
        .with_hint("run `fs apply`")
}

/// The error for a blocking task that panicked or was dropped with its runtime.
fn interrupted(cause: tokio::task::JoinError) -> Error {
    if cause.is_panic() {
        return Error::internal("a task of the online store panicked").with_source(cause);
    }
    Error::new(ErrorKind::Unavailable, "the online store is shutting down").with_source(cause)
}
