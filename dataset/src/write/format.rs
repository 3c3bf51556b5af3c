//! Formats of files.

use std::path::Path;

use serde::{Deserialize, Serialize};

/// Format of a file of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileFormat {
    /// Parquet.
    Parquet,
    /// CSV with a header; null is an empty field.
    Csv,
    /// Arrow's IPC file format.
    Arrow,
}

impl FileFormat {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Parquet, Self::Csv, Self::Arrow];

    /// Its name, which is also the extension of its files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Csv => "csv",
            Self::Arrow => "arrow",
        }
    }

    /// The format that a file's name tells.
    pub fn of_name(path: &Path) -> Option<Self> {
        let extension = path.extension()?;
        Self::ALL.into_iter().find(|format| extension.eq_ignore_ascii_case(format.name()))
    }
}
