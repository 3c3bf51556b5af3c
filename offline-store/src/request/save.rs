//! Rows that become files of their own: saved datasets and feature logs.

use larder_core::{DataSource, Error, ErrorKind, ObjectKind, Subject};

/// Where rows are saved, and what may stand there already.
#[derive(Debug, Clone, PartialEq)]
pub struct SaveRequest {
    /// A file source. A path that ends in `.parquet` is one file, any other a folder (Feast 0.67).
    pub target: DataSource,
    /// What happens to what is there.
    pub mode: SaveMode,
    /// Columns whose values name folders, as Hive has them (`day=2026-01-01/`), and are in no file; only for rows that
    /// are [added](SaveMode::Add).
    pub partition_by: Vec<String>,
}

/// What saving does to a target that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaveMode {
    /// It is refused.
    New,
    /// Its rows make room for the new ones, in one step. Feast 0.67 adds them to a folder's old rows.
    Replace,
    /// A folder keeps its files and gets another one, or one in each folder of a partition.
    Add,
}

impl SaveRequest {
    /// Rows that are saved as they are.
    pub fn new(target: DataSource, mode: SaveMode) -> Self {
        Self { target, mode, partition_by: Vec::new() }
    }

    /// The error for a target that is there already.
    pub fn already_exists(&self, path: &str) -> Error {
        let subject = Subject {
            kind: ObjectKind::SavedDataset,
            name: path.to_owned(),
            project: String::new(),
        };
        Error::new(ErrorKind::AlreadyExists, format!("{path} exists already"))
            .with_subject(subject)
            .with_hint("allow it to be overwritten, or choose another path")
    }
}
