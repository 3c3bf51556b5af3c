//! Rows of a view as Parquet files that are added with every commit, for training.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use larder_core::{FeatureView, Result};

use super::row_columns::RowColumns;
use super::{Covered, Sink, failed};
use crate::aggregate::bytes::Reader;
use crate::definition::RowSchema;
use crate::operator::{Change, OutputRow};

/// A folder of Parquet files with every row that was told, in the order in which they were: a batch source with the
/// columns of the view, `event_timestamp` and `created_timestamp`, which is later for a later version of a row.
///
/// A file has the rows of one commit and is named by the offsets, summed over all partitions, that the commit covers, and
/// by its checkpoint. Rows that are told at the end of the events alone are in a file of their own, which the next run
/// takes back.
#[derive(Debug)]
pub struct LogFiles {
    folder: PathBuf,
    columns: RowColumns,
    rows: Vec<OutputRow>,
    created: Vec<i64>,
    last_created: i64,
    covered: Covered,
}

/// Checkpoint in the name of the file of what was told at the end of the events.
const PROVISIONAL: u64 = u64::MAX;

impl LogFiles {
    /// The rows of this shape for a view that was found fit.
    pub fn new(folder: &Path, view: &FeatureView, row: &RowSchema) -> Self {
        Self {
            folder: folder.to_owned(),
            columns: RowColumns::new(view, row),
            rows: Vec::new(),
            created: Vec::new(),
            last_created: i64::MIN,
            covered: Covered { checkpoint: 0, offsets: (0, 0) },
        }
    }

    fn store(&mut self, covered: Covered) -> Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let (first, next) = covered.offsets;
        let name = format!("{first:020}-{next:020}-{:020}.parquet", covered.checkpoint);
        let rows: Vec<&OutputRow> = self.rows.iter().collect();
        self.columns.store(&self.folder.join(name), &rows, Some(&self.created))?;
        self.rows.clear();
        self.created.clear();
        Ok(())
    }

    /// Removes the files of commits after this one, and what was left half written.
    fn remove_after(&self, checkpoint: u64) -> Result<()> {
        let entries = match std::fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed(&self.folder, error)),
        };
        for entry in entries {
            let path = entry.map_err(|error| failed(&self.folder, error))?.path();
            let is_half = path.extension().is_some_and(|end| end == "part");
            if is_half || of_checkpoint(&path).is_some_and(|of| of > checkpoint) {
                std::fs::remove_file(&path).map_err(|error| failed(&path, error))?;
            }
        }
        Ok(())
    }
}

/// The checkpoint that a file's name says.
fn of_checkpoint(path: &Path) -> Option<u64> {
    path.file_stem()?.to_str()?.rsplit('-').next()?.parse().ok()
}

#[async_trait]
impl Sink for LogFiles {
    fn kind(&self) -> &'static str {
        "log"
    }

    async fn restore(&mut self, mark: Option<&[u8]>) -> Result<()> {
        let (mut checkpoint, mut created) = (0, i64::MIN);
        if let Some(mark) = mark {
            let mut mark = Reader::new(mark);
            (checkpoint, created) = (mark.u64()?, mark.i64()?);
        }
        self.last_created = created;
        self.remove_after(checkpoint)
    }

    async fn write(&mut self, rows: &[OutputRow]) -> Result<()> {
        // What was withdrawn was told all the same.
        let told = || rows.iter().filter(|row| row.change != Change::Withdraw);
        let Some(latest) = told().map(|row| row.time).max() else { return Ok(()) };
        self.last_created = latest.max(self.last_created.saturating_add(1));
        self.rows.extend(told().cloned());
        self.created.resize(self.rows.len(), self.last_created);
        Ok(())
    }

    async fn flush(&mut self, covered: Covered) -> Result<Vec<u8>> {
        self.covered = covered;
        self.store(covered)?;
        let mark = [covered.checkpoint.to_le_bytes(), self.last_created.to_le_bytes()];
        Ok(mark.concat())
    }

    async fn finish(&mut self) -> Result<()> {
        let offsets = (self.covered.offsets.1, self.covered.offsets.1);
        self.store(Covered { checkpoint: PROVISIONAL, offsets })
    }
}
