//! Rows that go into a bucket.
//!
//! A bucket has no locks and no renames: what must not be lost is written under a name of its own, or under the
//! condition that nobody wrote meanwhile.

use std::time::Duration;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use bytes::Bytes;
use futures::StreamExt as _;
use larder_core::{Error, ErrorKind, Result};
use larder_object_storage::{Bucket, Condition, StoredObject};
use larder_offline_store::{BatchStream, SaveMode, SaveRequest};
use object_store::path::Path;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::errors::ParquetError;
use uuid::Uuid;

use super::columns;
use super::files::part_name;
use super::object::{ParquetObject, properties};
use super::partition_objects::PartitionObjects;
use super::save::is_file;
use crate::source::{Location, SourceTable, footer};

/// A larger object is not rewritten for a few rows.
const MAX_REWRITTEN: u64 = 256 << 20;
/// How often an append that others came before is tried.
const ATTEMPTS: u32 = 64;
/// The longest wait between two attempts.
const LONGEST_WAIT: Duration = Duration::from_millis(500);

/// Adds rows to the objects of a source; they are in the columns and types of `table`.
pub(super) async fn append(
    bucket: &Bucket,
    table: &SourceTable,
    batches: Vec<RecordBatch>,
) -> Result<()> {
    let key = &table.location().prefix;
    if bucket.find(key).await?.is_some() {
        return extend(bucket, key, &batches).await;
    }
    let part = key.clone().join(part_name(table.file_count()));
    add_part(bucket, part, &table.schema(), &batches).await
}

/// Replaces an object by its rows followed by the new ones, as often as somebody else was faster.
async fn extend(bucket: &Bucket, key: &Path, batches: &[RecordBatch]) -> Result<()> {
    for attempt in 0..ATTEMPTS {
        let uri = bucket.uri(key);
        let Some(object) = bucket.find(key).await? else {
            return Err(Error::new(ErrorKind::NotFound, format!("{uri} is gone")));
        };
        let (size, etag) = (object.meta().size, object.meta().e_tag.clone());
        if size > MAX_REWRITTEN {
            return Err(Error::unsupported(format!(
                "{uri} has {size} bytes, too many to be rewritten"
            ))
            .with_hint("make the source a folder of files: each append adds one"));
        }
        let Some(etag) = etag else {
            return Err(Error::unsupported(format!(
                "{uri} has no etag, without which it cannot be replaced safely"
            ))
            .with_hint("make the source a folder of files: each append adds one"));
        };
        if let Some(whole) = current(bucket, &object).await? {
            let (shown, batches) = (uri.clone(), batches.to_vec());
            let encode = move || rewritten(&shown, whole, &batches);
            let encoded = tokio::task::spawn_blocking(encode).await;
            let encoded =
                encoded.map_err(|e| Error::internal("the write ended early").with_source(e))??;
            // One request: only that is refused when somebody else was faster.
            if bucket.put(key, encoded, Condition::Unchanged(etag)).await? {
                return Ok(());
            }
        }
        tokio::time::sleep(pause(attempt)).await;
    }
    let message = format!("{} was written by others {ATTEMPTS} times in a row", bucket.uri(key));
    Err(Error::new(ErrorKind::Conflict, message)
        .with_hint("ask again, or make the source a folder of files: each append adds one"))
}

/// All of an object, `None` when it was replaced meanwhile.
async fn current(bucket: &Bucket, object: &StoredObject) -> Result<Option<Bytes>> {
    let error = match object.range(0..object.meta().size.max(1)).await {
        Ok(bytes) => return Ok(Some(bytes)),
        Err(error) => error,
    };
    match bucket.find(object.key()).await? {
        Some(now) if now.meta().e_tag == object.meta().e_tag => Err(error),
        _ => Ok(None),
    }
}

/// The bytes of a file with its rows followed by the new ones.
fn rewritten(uri: &str, whole: Bytes, batches: &[RecordBatch]) -> Result<Bytes> {
    let corrupt =
        |error: ParquetError| Error::data(format!("cannot rewrite {uri}")).with_source(error);
    footer::check_size(whole.len() as u64)
        .and_then(|()| footer::check_end(&whole, whole.len() as u64))
        .map_err(|error| error.context(format_args!("cannot rewrite {uri}")))?;
    let stored = ParquetRecordBatchReaderBuilder::try_new(whole).map_err(corrupt)?;
    let schema = SchemaRef::clone(stored.schema());
    let mut rows = ArrowWriter::try_new(Vec::new(), SchemaRef::clone(&schema), Some(properties()))
        .map_err(corrupt)?;
    for batch in stored.build().map_err(corrupt)? {
        rows.write(&batch.map_err(|error| corrupt(error.into()))?).map_err(corrupt)?;
    }
    for batch in columns::align(batches, &schema, uri)? {
        rows.write(&batch).map_err(corrupt)?;
    }
    rows.into_inner().map(Bytes::from).map_err(corrupt)
}

/// Waits grow, and differ from writer to writer, so that they do not meet again and again.
fn pause(attempt: u32) -> Duration {
    let chance = Uuid::new_v4().as_u128() % 50;
    let chance = Duration::from_millis(u64::try_from(chance).unwrap_or(0));
    (Duration::from_millis(5) * 2_u32.pow(attempt.min(6)) + chance).min(LONGEST_WAIT)
}

/// One more object, under a name that nobody else takes.
async fn add_part(
    bucket: &Bucket,
    key: Path,
    schema: &SchemaRef,
    batches: &[RecordBatch],
) -> Result<()> {
    let mut object = ParquetObject::begin(bucket, key, schema)?;
    for batch in batches {
        if let Err(error) = object.write(batch).await {
            object.give_up().await;
            return Err(error);
        }
    }
    object.publish(Condition::Any).await.map(drop)
}

/// A key or prefix that rows are saved to.
pub(super) struct RemoteTarget<'a> {
    pub(super) request: &'a SaveRequest,
    pub(super) bucket: Bucket,
    pub(super) key: &'a Path,
    shown: &'a str,
}

impl<'a> RemoteTarget<'a> {
    pub(super) fn of(request: &'a SaveRequest, bucket: Bucket, location: &'a Location) -> Self {
        Self { request, bucket, key: &location.prefix, shown: &location.shown }
    }

    /// See [`OfflineStore::save`](larder_offline_store::OfflineStore::save).
    ///
    /// A folder that is replaced keeps its first key, which changes in one step; its other objects are removed after
    /// that. A reader in between sees new and old rows: a bucket cannot change several keys at once.
    pub(super) async fn save(self, rows: BatchStream) -> Result<u64> {
        let mode = self.request.mode;
        if is_file(mode, self.shown) {
            let condition = if mode == SaveMode::New { Condition::Absent } else { Condition::Any };
            if mode == SaveMode::New && self.bucket.find(self.key).await?.is_some() {
                return Err(self.request.already_exists(self.shown));
            }
            return self.publish(self.key.clone(), rows, condition).await;
        }
        let there = self.bucket.below(self.key).await?;
        match mode {
            SaveMode::Add if !self.request.partition_by.is_empty() => {
                PartitionObjects::begin(&self, &rows.schema())?.save(rows).await
            }
            SaveMode::Add => {
                let name = format!("{}-0.parquet", Uuid::new_v4().simple());
                self.publish(self.key.clone().join(name), rows, Condition::Absent).await
            }
            SaveMode::New if !there.is_empty() => Err(self.request.already_exists(self.shown)),
            // Of two that save to one new folder the second is refused: both write this key.
            SaveMode::New => self.publish(self.first(), rows, Condition::Absent).await,
            SaveMode::Replace => self.replace(&there, rows).await,
        }
    }

    fn first(&self) -> Path {
        self.key.clone().join("part-0.parquet")
    }

    async fn replace(&self, there: &[StoredObject], rows: BatchStream) -> Result<u64> {
        for object in there {
            let name = object.key().prefix_match(self.key).into_iter().flatten();
            let name: Vec<_> = name.map(|part| part.as_ref().to_owned()).collect();
            if name.len() != 1 || !name[0].ends_with(".parquet") {
                let what =
                    format!("{} cannot be replaced: it holds \"{}\"", self.shown, name.join("/"));
                return Err(Error::invalid(what)
                    .with_hint("only a folder that holds nothing but Parquet files is replaced"));
            }
        }
        let (first, others) = match there.split_first() {
            Some((first, others)) => (first.key().clone(), others),
            None => (self.first(), there),
        };
        let written = self.publish(first, rows, Condition::Any).await?;
        self.bucket.remove(others.iter().map(|object| object.key().clone()).collect()).await?;
        Ok(written)
    }

    async fn publish(&self, key: Path, mut rows: BatchStream, condition: Condition) -> Result<u64> {
        let mut object = ParquetObject::begin(&self.bucket, key, &rows.schema())?;
        while let Some(batch) = rows.next().await {
            let written = match batch {
                Ok(batch) => object.write(&batch).await,
                Err(error) => Err(error),
            };
            if let Err(error) = written {
                object.give_up().await;
                return Err(error);
            }
        }
        let written = object.publish(condition).await?;
        written.ok_or_else(|| self.request.already_exists(self.shown))
    }
}
