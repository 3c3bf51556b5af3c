//! Rows that become files of their own.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use futures::StreamExt as _;
use larder_core::{Error, Result};
use larder_offline_store::{BatchStream, Partitioning, SaveMode, SaveRequest};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::parquet_file::{ParquetFile, TEMPORARY, broken, folder_of, sync_folder};
use super::partitions::{self, PartitionFiles};
use super::remote::RemoteTarget;
use super::replace;
use crate::engine::DataFusionOfflineStore;
use crate::source::{Location, Place};

/// Batches that are read ahead of the disk.
const AHEAD: usize = 4;

/// See [`OfflineStore::save`](larder_offline_store::OfflineStore::save).
pub(crate) async fn save(
    engine: &DataFusionOfflineStore,
    request: &SaveRequest,
    rows: BatchStream,
) -> Result<u64> {
    let location = Location::of(&request.target, &engine.options().repo_root)?;
    if location.is_delta {
        let what = format!("rows cannot be saved to {}: it is a Delta table", location.shown);
        return Err(Error::unsupported(what).with_hint("name a Parquet file or a folder"));
    }
    if location.pattern.is_some() {
        let what =
            format!("rows cannot be saved to {}: it is a pattern of file names", location.shown);
        return Err(Error::unsupported(what).with_hint("name a Parquet file or a folder"));
    }
    if !request.partition_by.is_empty() && request.mode != SaveMode::Add {
        let what = format!("rows in place of {} cannot be partitioned", location.shown);
        return Err(Error::unsupported(what).with_hint("only rows that are added can be"));
    }
    match &location.place {
        Place::Local(path) => Target::of(request, path, &location.shown).save(rows).await,
        Place::Bucket { name, endpoint } => {
            let bucket = engine.buckets().get(name, Some(endpoint))?;
            RemoteTarget::of(request, bucket, &location).save(rows).await
        }
    }
}

/// What the writer is told. It publishes nothing unless it is told the end.
enum Piece {
    Rows(RecordBatch),
    End,
}

/// Hands rows over until they end or the writer does, which says why itself.
async fn feed(mut rows: BatchStream, pieces: mpsc::Sender<Piece>) -> Result<()> {
    while let Some(batch) = rows.next().await {
        if pieces.send(Piece::Rows(batch?)).await.is_err() {
            return Ok(());
        }
    }
    drop(pieces.send(Piece::End).await);
    Ok(())
}

/// Whether a path is that of one file: Feast 0.67 goes by the name.
pub(super) fn is_file(mode: SaveMode, shown: &str) -> bool {
    mode != SaveMode::Add && shown.ends_with(".parquet")
}

/// A place on the local file system.
struct Target {
    request: SaveRequest,
    path: PathBuf,
    /// As the request writes it.
    shown: String,
    is_file: bool,
}

impl Target {
    fn of(request: &SaveRequest, path: &Path, shown: &str) -> Self {
        let is_file = is_file(request.mode, shown);
        Self { request: request.clone(), path: path.to_owned(), shown: shown.to_owned(), is_file }
    }

    async fn save(self, rows: BatchStream) -> Result<u64> {
        self.check()?;
        let schema = rows.schema();
        let (pieces, received) = mpsc::channel(AHEAD);
        let writing = tokio::task::spawn_blocking(move || self.write(&schema, received));
        let read = feed(rows, pieces).await;
        let written = writing.await;
        let written =
            written.map_err(|error| Error::internal("the write ended early").with_source(error))?;
        // What stopped the rows is the cause of what stopped the writer.
        read.and(written)
    }

    /// Refuses what must not be there, before a row is read.
    fn check(&self) -> Result<()> {
        let exists = || self.path.try_exists().map_err(|error| broken(&self.path, error));
        match self.request.mode {
            SaveMode::New if exists()? => Err(self.request.already_exists(&self.shown)),
            SaveMode::Replace if !self.is_file => replace::check_folder(&self.path),
            SaveMode::Replace if self.path.is_dir() => {
                Err(Error::invalid(format!("{} cannot be replaced: it is a folder", self.shown)))
            }
            _ => Ok(()),
        }
    }

    fn write(&self, schema: &SchemaRef, pieces: mpsc::Receiver<Piece>) -> Result<u64> {
        let above = folder_of(&self.path);
        fs::create_dir_all(above).map_err(|error| broken(above, error))?;
        match (self.is_file, self.request.mode) {
            (true, SaveMode::New) => self.write_new_file(schema, pieces),
            (true, _) => {
                let (file, rows) = filled(&self.path, schema, pieces)?;
                file.publish().map(|()| rows)
            }
            (false, SaveMode::Add) => {
                fs::create_dir_all(&self.path).map_err(|error| broken(&self.path, error))?;
                match &self.request.partition_by[..] {
                    [] => write_part(&self.path, schema, pieces),
                    by => self.write_partitions(by, schema, pieces),
                }
            }
            (false, _) => self.write_folder(schema, pieces),
        }
    }

    /// A file in each folder of a partition.
    fn write_partitions(
        &self,
        by: &[String],
        schema: &SchemaRef,
        pieces: mpsc::Receiver<Piece>,
    ) -> Result<u64> {
        partitions::finish_moves(&self.path)?;
        let mut files = PartitionFiles::begin(&self.path, Partitioning::new(schema, by)?)?;
        let rows = each(&self.path, pieces, |batch| files.write(batch))?;
        files.publish()?;
        Ok(rows)
    }

    fn write_new_file(&self, schema: &SchemaRef, pieces: mpsc::Receiver<Piece>) -> Result<u64> {
        let (file, rows) = filled(&self.path, schema, pieces)?;
        if file.publish_new()? { Ok(rows) } else { Err(self.request.already_exists(&self.shown)) }
    }

    /// Fills a folder beside the target and lets the two change places.
    fn write_folder(&self, schema: &SchemaRef, pieces: mpsc::Receiver<Piece>) -> Result<u64> {
        let above = folder_of(&self.path);
        let staged = tempfile::Builder::new()
            .prefix(TEMPORARY)
            .suffix(".tmp")
            .permissions(Permissions::from_mode(0o777))
            .tempdir_in(above)
            .map_err(|error| broken(above, error))?;
        let rows = write_part(staged.path(), schema, pieces)?;
        // Again: somebody may have put something there meanwhile.
        self.check()?;
        replace::exchange(staged.path(), &self.path)?;
        sync_folder(above)?;
        // What the target held goes with the temporary name.
        drop(staged);
        Ok(rows)
    }
}

/// One more file in a folder.
fn write_part(folder: &Path, schema: &SchemaRef, pieces: mpsc::Receiver<Piece>) -> Result<u64> {
    let path = folder.join(format!("{}-0.parquet", Uuid::new_v4().simple()));
    let (file, rows) = filled(&path, schema, pieces)?;
    file.publish().map(|()| rows)
}

/// A file with all rows, and their number.
fn filled(
    path: &Path,
    schema: &SchemaRef,
    pieces: mpsc::Receiver<Piece>,
) -> Result<(ParquetFile, u64)> {
    let mut file = ParquetFile::beside(path, SchemaRef::clone(schema))?;
    let rows = each(path, pieces, |batch| file.write(batch))?;
    Ok((file, rows))
}

/// Writes all rows and answers how many they are.
fn each(
    path: &Path,
    mut pieces: mpsc::Receiver<Piece>,
    mut write: impl FnMut(&RecordBatch) -> Result<()>,
) -> Result<u64> {
    let mut rows = 0;
    loop {
        match pieces.blocking_recv() {
            Some(Piece::Rows(batch)) => {
                write(&batch)?;
                rows += batch.num_rows() as u64;
            }
            Some(Piece::End) => return Ok(rows),
            None => {
                let what = format!("the rows for {} ended early", path.display());
                return Err(Error::internal(what));
            }
        }
    }
}
