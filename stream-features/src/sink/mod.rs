//! Where rows go.

mod document;
mod history;
mod json_lines;
mod log_files;
mod online;
mod row_columns;

use std::fmt::Debug;

use async_trait::async_trait;
use larder_core::{Error, ErrorKind, Result};

pub use document::RowDocument;
pub use history::HistoryFile;
pub use json_lines::JsonLines;
pub use log_files::LogFiles;
pub use online::OnlineRows;

use crate::operator::OutputRow;

/// What a commit covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Covered {
    /// The number of its checkpoint.
    pub checkpoint: u64,
    /// The offsets of all partitions that are read, summed, as of the commit before and as of this one.
    pub offsets: (u64, u64),
}

/// Takes the rows of a job in the order in which they were told.
#[async_trait]
pub trait Sink: Debug + Send {
    /// What it is, in one word: a job has at most one sink of each kind, and its marks are kept under it.
    fn kind(&self) -> &'static str;

    /// Goes back to the last commit: `mark` is what [`flush`](Self::flush) answered for it, `None` when nothing was ever
    /// committed. Called once, before anything is written, in runs whose progress is kept.
    ///
    /// # Errors
    /// `Data` when what was committed is not there any more; `Unavailable` when it cannot be seen to now.
    async fn restore(&mut self, mark: Option<&[u8]>) -> Result<()>;

    /// Goes on from a commit of some partitions that are this run's from now on, whoever made it: `mark` is what
    /// [`flush`](Self::flush) answered for it. Called after [`restore`](Self::restore).
    ///
    /// # Errors
    /// `Unavailable` when it cannot be seen to now; asking again is safe.
    async fn adopt(&mut self, _mark: &[u8]) -> Result<()> {
        Ok(())
    }

    /// Takes rows; of several versions of a result the last counts.
    ///
    /// # Errors
    /// `Unavailable` when they cannot be stored now; giving them again is safe.
    async fn write(&mut self, rows: &[OutputRow]) -> Result<()>;

    /// Makes sure that everything is stored, for a commit that follows. Answers what [`restore`](Self::restore) needs
    /// to take back what is written afterwards.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    async fn flush(&mut self, covered: Covered) -> Result<Vec<u8>>;

    /// Takes note that the commit, for which it was flushed last, has become true.
    ///
    /// # Errors
    /// `Unavailable` when something is left to do and cannot be done now; telling it again is safe.
    async fn committed(&mut self) -> Result<()> {
        Ok(())
    }

    /// Makes sure that everything is stored, at the end.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    async fn finish(&mut self) -> Result<()>;
}

fn failed(path: &std::path::Path, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, format!("{} cannot be written", path.display()))
        .with_source(error)
}
