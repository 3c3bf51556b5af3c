//! Where rows go.

mod history;
mod json_lines;
mod online;

use std::fmt::Debug;

use async_trait::async_trait;
use larder_core::{Error, ErrorKind, Result};

pub use history::HistoryFile;
pub use json_lines::JsonLines;
pub use online::OnlineRows;

use crate::operator::OutputRow;

/// Takes the rows of a job in the order in which they were told.
#[async_trait]
pub trait Sink: Debug + Send {
    /// Takes rows; of several versions of a result the last counts.
    ///
    /// # Errors
    /// `Unavailable` when they cannot be stored now; giving them again is safe.
    async fn write(&mut self, rows: &[OutputRow]) -> Result<()>;

    /// Makes sure that everything is stored.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    async fn finish(&mut self) -> Result<()>;
}

fn failed(path: &std::path::Path, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, format!("{} cannot be written", path.display()))
        .with_source(error)
}
