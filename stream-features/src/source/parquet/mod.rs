//! Events of Parquet files, for backfills: columns instead of encoded events.

mod columns;

use std::fs::File;
use std::path::{Path, PathBuf};

use larder_core::{Error, ErrorKind, Result};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use super::file::{cut, files, name_below};
use crate::batch::EventBatch;
use crate::schema::EventType;

/// Rows read at once.
const BATCH_ROWS: usize = 8_192;

/// The files of a folder, or one file, one after the other. Every file is a partition; the offset of an event is the
/// number of its row.
#[derive(Debug)]
pub struct ParquetEvents {
    paths: Vec<PathBuf>,
    names: Vec<String>,
    current: usize,
    reader: Option<Box<ParquetRecordBatchReader>>,
    /// Next row of every file.
    rows: Vec<u64>,
}

/// Rows that were read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReadRows {
    pub(crate) partition: usize,
    pub(crate) first: u64,
    pub(crate) rows: usize,
}

impl ParquetEvents {
    /// The Parquet file at this path, or those of the folder there in order of their names.
    ///
    /// # Errors
    /// `NotFound` when nothing is there; `Unavailable` when it cannot be listed.
    pub fn open(path: &Path) -> Result<Self> {
        let mut paths = files(path)?;
        paths.retain(|path| path.extension().is_some_and(|end| end == "parquet"));
        if paths.is_empty() {
            let message = format!("no Parquet file is in {}", path.display());
            return Err(Error::new(ErrorKind::NotFound, message));
        }
        let names = paths.iter().map(|path| path.display().to_string()).collect();
        let rows = vec![0; paths.len()];
        Ok(Self { paths, names, current: 0, reader: None, rows })
    }

    /// Names files below this folder by their path from there, so that the folder may be moved.
    #[must_use]
    pub fn named_below(mut self, folder: &Path) -> Self {
        name_below(&mut self.names, folder);
        self
    }

    /// Begins a file at this row.
    pub(crate) fn start(&mut self, partition: usize, next_offset: Option<u64>) {
        self.rows[partition] = next_offset.unwrap_or(0);
    }

    /// Names of the files, whose positions are their numbers.
    pub fn partitions(&self) -> &[String] {
        &self.names
    }

    /// Appends the next rows to the batch, `None` at the end of the last file.
    ///
    /// # Errors
    /// `Data` for a file that is no Parquet or lacks a column; `Unavailable` when it cannot be read.
    pub(crate) fn next(
        &mut self,
        event: &EventType,
        batch: &mut EventBatch,
    ) -> Result<Option<ReadRows>> {
        while let Some(path) = self.paths.get(self.current) {
            let row = &mut self.rows[self.current];
            let reader = match &mut self.reader {
                Some(reader) => reader,
                none => none.insert(reader(path, *row)?),
            };
            let Some(read) = reader.next() else {
                self.reader = None;
                self.current += 1;
                continue;
            };
            let read = read.map_err(|error| broken(path, error))?;
            columns::append(&read, event, batch).map_err(|error| error.context(path.display()))?;
            let rows = read.num_rows();
            let found = ReadRows { partition: self.current, first: *row, rows };
            *row += rows as u64;
            return Ok(Some(found));
        }
        Ok(None)
    }
}

fn reader(path: &Path, first: u64) -> Result<Box<ParquetRecordBatchReader>> {
    let file = File::open(path).map_err(|error| {
        let message = format!("{} cannot be opened", path.display());
        Error::new(ErrorKind::Unavailable, message).with_source(error)
    })?;
    let builder =
        ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| broken(path, error))?;
    let rows = u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(0);
    if first > rows {
        return Err(cut(path, rows, first));
    }
    let skipped = usize::try_from(first).unwrap_or(usize::MAX);
    let reader = builder.with_batch_size(BATCH_ROWS).with_offset(skipped).build();
    reader.map(Box::new).map_err(|error| broken(path, error))
}

fn broken(path: &Path, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::data(format!("{} cannot be read as Parquet", path.display())).with_source(error)
}
