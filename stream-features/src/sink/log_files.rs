//! Rows of a view as Parquet files that are added with every commit, for training.

use async_trait::async_trait;
use larder_core::{FeatureView, Result};

use super::row_columns::RowColumns;
use super::{Covered, Sink};
use crate::aggregate::bytes::Reader;
use crate::checkpoint::CheckpointStore;
use crate::definition::RowSchema;
use crate::operator::{Change, OutputRow};

/// Checkpoint in the name of the file of what was told at the end of the events.
const PROVISIONAL: u64 = u64::MAX;

/// How the name of the folder ends with files whose commits are not known to be true: readers of the other one do not
/// see them.
const PENDING: &str = ".pending";

/// A folder of Parquet files with every row that was told, in the order in which they were: a batch source with the
/// columns of the view, `event_timestamp` and `created_timestamp`, which is later for a later version of a row.
///
/// A file has the rows of one commit and is named by the offsets, summed over the partitions that are read, that the
/// commit covers, and by its checkpoint. It is stored in another folder before the commit, and in this one after it;
/// whoever goes on from that commit sees to it where the first one died in between. So several instances may write to
/// one folder, and what a reader finds there is committed. Rows that are told at the end of the events alone are in a
/// file of their own, which the next run takes back.
#[derive(Debug)]
pub struct LogFiles {
    store: CheckpointStore,
    folder: String,
    /// Whether other instances write there too.
    is_shared: bool,
    columns: RowColumns,
    rows: Vec<OutputRow>,
    created: Vec<i64>,
    last_created: i64,
    covered: Covered,
    /// What waits for its commit: the name, and the file.
    waiting: Option<(String, Vec<u8>)>,
}

impl LogFiles {
    /// The rows of this shape for a view that was found fit, in a folder of the store.
    pub fn new(
        (store, folder): (CheckpointStore, &str),
        is_shared: bool,
        view: &FeatureView,
        row: &RowSchema,
    ) -> Self {
        Self {
            store,
            folder: folder.to_owned(),
            is_shared,
            columns: RowColumns::new(view, row),
            rows: Vec::new(),
            created: Vec::new(),
            last_created: i64::MIN,
            covered: Covered { checkpoint: 0, offsets: (0, 0) },
            waiting: None,
        }
    }

    /// All folders that hold something of a log in this folder.
    pub fn folders(folder: &str) -> [String; 2] {
        [folder.to_owned(), format!("{folder}{PENDING}")]
    }

    /// Makes a file that is pending one of the log.
    async fn settle(&self, name: &str, bytes: Vec<u8>) -> Result<()> {
        self.store.put(&self.told(name), bytes).await?;
        self.store.delete(&self.pending(name)).await
    }

    fn told(&self, name: &str) -> String {
        format!("{}/{name}", self.folder)
    }

    fn pending(&self, name: &str) -> String {
        format!("{}{PENDING}/{name}", self.folder)
    }

    /// The file of the rows so far, with its name.
    fn encoded(&self, covered: Covered) -> Result<Option<(String, Vec<u8>)>> {
        if self.rows.is_empty() {
            return Ok(None);
        }
        let (first, next) = covered.offsets;
        let name = format!("{first:020}-{next:020}-{:020}.parquet", covered.checkpoint);
        let rows: Vec<&OutputRow> = self.rows.iter().collect();
        Ok(Some((name, self.columns.encode(&rows, Some(&self.created))?)))
    }

    fn forget_rows(&mut self) {
        self.rows.clear();
        self.created.clear();
    }

    /// Removes what is no part of this commit or of those before; there is no other writer.
    async fn remove_after(&self, checkpoint: u64) -> Result<()> {
        for (name, _) in self.store.list(&self.folder).await? {
            if of_checkpoint(&name).is_some_and(|of| of > checkpoint) {
                self.store.delete(&self.told(&name)).await?;
            }
        }
        for name in self.all_pending().await? {
            if of_checkpoint(&name) != Some(checkpoint) {
                self.store.delete(&self.pending(&name)).await?;
            }
        }
        Ok(())
    }

    async fn all_pending(&self) -> Result<Vec<String>> {
        let listed = self.store.list(&format!("{}{PENDING}", self.folder)).await?;
        Ok(listed.into_iter().map(|(name, _)| name).collect())
    }
}

/// The checkpoint that a file's name says.
fn of_checkpoint(name: &str) -> Option<u64> {
    name.strip_suffix(".parquet")?.rsplit('-').next()?.parse().ok()
}

fn read(mark: &[u8]) -> Result<(u64, i64)> {
    let mut mark = Reader::new(mark);
    Ok((mark.u64()?, mark.i64()?))
}

#[async_trait]
impl Sink for LogFiles {
    fn kind(&self) -> &'static str {
        "log"
    }

    async fn restore(&mut self, mark: Option<&[u8]>) -> Result<()> {
        let (checkpoint, created) = mark.map_or(Ok((0, i64::MIN)), read)?;
        self.last_created = created;
        if self.is_shared { Ok(()) } else { self.remove_after(checkpoint).await }
    }

    async fn adopt(&mut self, mark: &[u8]) -> Result<()> {
        let (checkpoint, created) = read(mark)?;
        self.last_created = self.last_created.max(created);
        let all = self.all_pending().await?;
        for name in all.iter().filter(|name| of_checkpoint(name) == Some(checkpoint)) {
            // Another one may have seen to it meanwhile.
            if let Some(bytes) = self.store.get(&self.pending(name)).await? {
                self.settle(name, bytes).await?;
            }
        }
        Ok(())
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
        if let Some((name, bytes)) = self.encoded(covered)? {
            self.store.put(&self.pending(&name), bytes.clone()).await?;
            self.waiting = Some((name, bytes));
            self.forget_rows();
        }
        let mark = [covered.checkpoint.to_le_bytes(), self.last_created.to_le_bytes()];
        Ok(mark.concat())
    }

    async fn committed(&mut self) -> Result<()> {
        if let Some((name, bytes)) = &self.waiting {
            self.settle(name, bytes.clone()).await?;
        }
        self.waiting = None;
        Ok(())
    }

    async fn finish(&mut self) -> Result<()> {
        let offsets = (self.covered.offsets.1, self.covered.offsets.1);
        let provisional = Covered { checkpoint: PROVISIONAL, offsets };
        if let Some((name, bytes)) = self.encoded(provisional)? {
            self.store.put(&self.told(&name), bytes).await?;
            self.forget_rows();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
