//! The manifest: what a data set holds and what it was made of.

use std::fs;
use std::path::Path;

use larder_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use crate::write::FileFormat;
use crate::{Definitions, EntitySet};

/// Name of the manifest's file; readers of folders pass over names that begin with `_`.
pub const MANIFEST: &str = "_manifest.json";

/// Version of the manifest's layout.
pub const FORMAT_VERSION: u32 = 1;

/// What a data set holds and what it was made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT_VERSION`] of whoever wrote it.
    pub format_version: u32,
    /// Version of the program that wrote it.
    pub larder_version: String,
    /// When it was written, RFC 3339.
    pub created: String,
    /// Project of the definitions.
    pub project: String,
    /// What was asked.
    pub request: Request,
    /// What the names in the request meant.
    pub definitions: Definitions,
    /// The entity rows.
    pub entity_rows: EntitySet,
    /// The files that features were read from, per source.
    pub sources: Vec<Source>,
    /// Rows of the data set.
    pub rows: u64,
    /// Columns in order.
    pub columns: Vec<Column>,
    /// How the files lie.
    pub layout: Layout,
    /// The files, paths relative to the folder.
    pub files: Vec<File>,
}

/// What was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The feature service, if one was named.
    pub feature_service: Option<String>,
    /// References as `view:feature`; empty with a service.
    pub features: Vec<String>,
    /// Whether columns are called `view__feature`.
    pub full_feature_names: bool,
    /// From when on a feature row can answer.
    pub as_of: AsOf,
}

/// From when on a feature row can answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AsOf {
    /// From its event time on.
    EventTime,
    /// From its created time on too.
    CreatedTime,
    /// From its materialization on.
    Served,
}

/// A source and its files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Name of the source.
    pub name: String,
    /// In the order in which they are read.
    pub files: Vec<SourceFile>,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFile {
    /// Relative to the repository where it stands below it.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// The store's own; of a local file its time and size.
    pub etag: String,
}

impl From<larder_offline_store::SourceFile> for SourceFile {
    fn from(file: larder_offline_store::SourceFile) -> Self {
        let larder_offline_store::SourceFile { path, size, etag } = file;
        Self { path, size, etag }
    }
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Name.
    pub name: String,
    /// Arrow's name of the type.
    #[serde(rename = "type")]
    pub data_type: String,
    /// Where the values come from.
    pub from: ColumnOrigin,
    /// Rows without a value.
    pub nulls: u64,
    /// SHA-256 of the values in the order of the rows, whatever the files are cut into.
    pub digest: String,
}

/// Where the values of a column come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnOrigin {
    /// The entity rows.
    Entity,
    /// A view, by the name of its projection.
    View(String),
}

/// How the files of a data set lie.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// Their format.
    pub format: FileFormat,
    /// Columns whose values are in the names of folders.
    pub partition_by: Vec<String>,
}

/// A file of the data set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Relative to the folder.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Rows.
    pub rows: u64,
    /// SHA-256 of its bytes.
    pub sha256: String,
}

impl Manifest {
    /// Reads the manifest of a data set.
    ///
    /// # Errors
    /// `NotFound` when the folder holds no data set, `Unsupported` when a newer program wrote it, `Data` when it cannot be
    /// understood.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(MANIFEST);
        let text = fs::read_to_string(&path).map_err(|error| unread(folder, error))?;
        let broken = |error| {
            Error::data(format!("{} is no manifest of a data set", path.display()))
                .with_source(error)
        };
        let value: serde_json::Value = serde_json::from_str(&text).map_err(broken)?;
        match value.get("format_version").and_then(serde_json::Value::as_u64) {
            Some(version) if version > u64::from(FORMAT_VERSION) => {
                Err(Error::unsupported(format!(
                    "{} has format version {version}, and {FORMAT_VERSION} is the newest known here",
                    path.display()
                ))
                .with_hint("use the version of Larder that wrote the data set"))
            }
            _ => serde_json::from_value(value).map_err(broken),
        }
    }

    /// The manifest as text.
    ///
    /// # Errors
    /// `Internal`, never in practice.
    pub fn text(&self) -> Result<String> {
        let text = serde_json::to_string_pretty(self);
        text.map(|text| text + "\n")
            .map_err(|error| Error::internal("the manifest is no JSON").with_source(error))
    }
}

fn unread(folder: &Path, error: std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => Error::new(
            ErrorKind::NotFound,
            format!("{} is no data set: it has no {MANIFEST}", folder.display()),
        )
        .with_hint("fs get-historical-features --output FOLDER/ writes one"),
        _ => Error::new(
            ErrorKind::Unavailable,
            format!("cannot read {}", folder.join(MANIFEST).display()),
        ),
    }
    .with_source(error)
}
