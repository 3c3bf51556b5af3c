//! The left side of a point-in-time join.

use std::path::PathBuf;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use larder_core::{DataSource, Timestamp};

/// The rows that features are wanted for.
#[derive(Debug, Clone)]
pub enum EntityRows {
    /// Rows at hand; every batch has the schema.
    Batches {
        /// Columns, needed also when there is no row.
        schema: SchemaRef,
        /// Rows.
        batches: Vec<RecordBatch>,
    },
    /// A Parquet file, a CSV file with a header (name ending in `.csv`), or a file of JSON objects, one a line (`.jsonl`,
    /// `.ndjson`, `.json`), relative to the working directory.
    ///
    /// In CSV an empty field is null, in JSON a missing one too; a join key has the type that it has in the first view's
    /// source.
    File(PathBuf),
    /// The rows of a query over sources, each a table under its name.
    ///
    /// One statement that reads; its order is that of the rows. Columns have the names of the source.
    Query {
        /// SQL.
        sql: String,
        /// The tables that it may read.
        tables: Vec<DataSource>,
    },
    /// No rows: every key that a view's source holds within the closed interval, as of its end.
    ///
    /// Feast 0.67, spark: the distinct keys of each view between start and end, united, joined point in time at
    /// `end`. The answer has the column `event_timestamp` (always `end`), then the entity columns; an entity column
    /// is null for keys that come from a view without it. A key that is null in any column is left out.
    Window {
        /// First instant; `end` less the longest ttl of the views when absent, 30 days when none has a ttl.
        start: Option<Timestamp>,
        /// Last instant, and the time of every row.
        end: Timestamp,
    },
}

impl From<RecordBatch> for EntityRows {
    fn from(batch: RecordBatch) -> Self {
        Self::Batches { schema: batch.schema(), batches: vec![batch] }
    }
}
