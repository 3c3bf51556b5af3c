//! The seam trait.

use std::fmt::Debug;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use async_trait::async_trait;
use larder_core::{DataSource, Error, Result, Timestamp};

use crate::{BatchStream, HistoricalRequest, PullRequest, SaveRequest};

/// A file of a source as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Where it is: relative to the repository where it stands below it, otherwise a whole path or URI.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// What changes when the file does: the store's entity tag; of a local file its time (microseconds since 1970) and
    /// size in hexadecimal.
    pub etag: String,
}

impl SourceFile {
    /// The entity tag of a local file that was written at this time and has so many bytes.
    pub fn local_etag(written: Timestamp, size: u64) -> String {
        format!("{:x}-{size:x}", written.micros())
    }
}

/// Reads and appends feature rows where they are kept for training.
///
/// Every method looks at [`DataSource::offline`], so a push or stream source stands for its batch source.
/// Calls may run in parallel on one store.
///
/// # Errors
/// All methods share these kinds:
/// - [`ErrorKind::Unsupported`](larder_core::ErrorKind::Unsupported): the source is of a class that this store cannot
///   read; the message names the class and the hint the classes that can be read.
/// - [`ErrorKind::NotFound`](larder_core::ErrorKind::NotFound): the files of the source do not exist; the message names
///   the path and the source.
/// - [`ErrorKind::Invalid`](larder_core::ErrorKind::Invalid): a named column is missing or has a type that cannot be
///   used for its purpose.
/// - [`ErrorKind::Data`](larder_core::ErrorKind::Data): a file is corrupt.
///
/// What can be known from schemas fails in the call itself; what shows only while reading fails in the stream.
#[async_trait]
pub trait OfflineStore: Send + Sync + Debug {
    /// The columns of a source under their names in the source, partition columns last.
    ///
    /// Files of one source may differ in their columns; the schema is their union.
    async fn source_schema(&self, source: &DataSource) -> Result<SchemaRef>;

    /// The newest row per join key within the closed interval of the request.
    ///
    /// # Behavior
    /// Rows whose event time is null are not read. Per key the row with the greatest event time wins, then the
    /// greatest created time (null loses), then the last in file order. Null keys are kept and equal each other.
    /// Without join keys there is one row for the whole source. Columns and their order: see [`PullRequest`]. The rows come
    /// in the order of the files, whatever the memory limit; the answer knows [how many](BatchStream::rows) they are.
    async fn pull_latest(&self, request: PullRequest) -> Result<BatchStream>;

    /// All rows within the closed interval of the request, in file order; rows whose event time is null are left out
    /// when the interval has any bound.
    async fn pull_all(&self, request: PullRequest) -> Result<BatchStream>;

    /// The files of a source in the order in which they are read, for records of what was read.
    async fn source_files(&self, source: &DataSource) -> Result<Vec<SourceFile>> {
        Err(Error::unsupported(format!(
            "this offline store does not tell the files of source \"{}\"",
            source.name
        )))
    }

    /// The point-in-time join: every entity row once, in input order, with the features known at its time.
    ///
    /// # Behavior
    /// For each entity row and each view on its own, a source row is a candidate when every join key is equal and not
    /// null, its event time is not null and not after the entity's, and, with a ttl, not before entity time less
    /// ttl; both ends are inclusive. The candidate with the greatest event time, then greatest created time (null
    /// loses), then last in file order gives its values, nulls included. Entity rows without a candidate, with a null
    /// key or a null time have null features.
    ///
    /// The answer has the entity columns in input order, time columns among them in UTC, then the features in the
    /// order of the request under their output names and with the types of the source.
    async fn historical_features(&self, request: HistoricalRequest) -> Result<BatchStream>;

    /// What [`historical_features`](Self::historical_features) would read and hold, as text for people; reads entity
    /// rows and footers, and no feature row.
    async fn explain(&self, request: HistoricalRequest) -> Result<String> {
        let views = request.views.len();
        Err(Error::unsupported(format!(
            "this offline store does not explain a join of {views} views"
        )))
    }

    /// Appends rows to the files of a source and answers how many; all or none of them become visible.
    ///
    /// # Behavior
    /// The columns must be those of the source, by name and in any order; they are cast to the source's types.
    /// A folder gets a new file; a single file is replaced by its rows followed by the new ones. Writers of one file
    /// wait for each other, across processes too. Rows that were acknowledged survive a crash.
    async fn write(&self, source: &DataSource, batches: Vec<RecordBatch>) -> Result<u64>;

    /// Writes rows to files of their own and answers how many; they become visible together, after the last of them.
    ///
    /// # Behavior
    /// A stream that fails, or a call that is given up, leaves the target as it was. Folders above the target are made.
    /// Rows that were acknowledged survive a crash. Unlike [`write`](Self::write) the columns are those of the stream.
    /// Of partitioned rows that were not acknowledged some may be visible for a while after a kill: the next save to the
    /// target finishes it (in a bucket nobody does).
    ///
    /// # Errors
    /// Besides the shared kinds [`ErrorKind::AlreadyExists`](larder_core::ErrorKind::AlreadyExists) for a target that is
    /// there and must not be; `Invalid` for one that is no file or folder of Parquet files alone and would be replaced,
    /// and for columns that do not partition.
    async fn save(&self, request: SaveRequest, rows: BatchStream) -> Result<u64>;
}
