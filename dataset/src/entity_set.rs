//! Which entity rows a data set was made for.

use serde::{Deserialize, Serialize};

use crate::digest::sha256;
use crate::{Column, ColumnOrigin, Source, SourceFile};

/// The entity rows: where they came from, and what they were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntitySet {
    /// Where they came from.
    pub from: EntityOrigin,
    /// How many.
    pub rows: u64,
    /// SHA-256 over the digests of the entity columns.
    pub digest: String,
}

/// Where entity rows come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntityOrigin {
    /// A file.
    File(SourceFile),
    /// JSON of the command line.
    Json(String),
    /// Every key seen within a closed interval; times in RFC 3339.
    Window {
        /// First instant; the longest ttl before the end when absent.
        start: Option<String>,
        /// Last instant.
        end: String,
    },
    /// A query over the repository's sources.
    Query {
        /// SQL.
        sql: String,
        /// The sources that it reads.
        sources: Vec<Source>,
    },
}

impl EntitySet {
    /// Entity rows whose columns are among those of a data set.
    pub fn new(from: EntityOrigin, rows: u64, columns: &[Column]) -> Self {
        let of_entities = columns.iter().filter(|column| column.from == ColumnOrigin::Entity);
        let facts = of_entities.map(|column| format!("{} {}\n", column.name, column.digest));
        Self { from, rows, digest: sha256(facts.collect::<String>().as_bytes()) }
    }
}
