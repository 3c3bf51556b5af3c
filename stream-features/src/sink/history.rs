//! All rows of a view as a Parquet file, for training.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use larder_core::{Error, FeatureView, Result};

use super::row_columns::RowColumns;
use super::{Covered, Sink};
use crate::definition::RowSchema;
use crate::operator::{Change, OutputRow};

/// Keeps the last version of every row and writes all of them, in order of event time, when the run ends: a batch source
/// with the columns of the view and `event_timestamp`. The file appears whole or not at all.
#[derive(Debug)]
pub struct HistoryFile {
    path: PathBuf,
    columns: RowColumns,
    rows: BTreeMap<(i64, Vec<u8>), OutputRow>,
}

impl HistoryFile {
    /// The rows of this shape for a view that was found fit.
    pub fn new(path: &Path, view: &FeatureView, row: &RowSchema) -> Self {
        Self { path: path.to_owned(), columns: RowColumns::new(view, row), rows: BTreeMap::new() }
    }
}

#[async_trait]
impl Sink for HistoryFile {
    fn kind(&self) -> &'static str {
        "history"
    }

    /// It holds the rows of one whole run.
    async fn restore(&mut self, mark: Option<&[u8]>) -> Result<()> {
        match mark {
            None => Ok(()),
            Some(_) => Err(Error::unsupported("a history is of a run from the beginning")),
        }
    }

    async fn write(&mut self, rows: &[OutputRow]) -> Result<()> {
        for row in rows {
            let at = (row.result, row.key.clone());
            match row.change {
                Change::Insert | Change::Replace => self.rows.insert(at, row.clone()),
                Change::Withdraw => self.rows.remove(&at),
            };
        }
        Ok(())
    }

    async fn flush(&mut self, _: Covered) -> Result<Vec<u8>> {
        Ok(Vec::new())
    }

    async fn finish(&mut self) -> Result<()> {
        let mut rows: Vec<&OutputRow> = self.rows.values().collect();
        rows.sort_by(|a, b| a.time.cmp(&b.time).then_with(|| a.key.cmp(&b.key)));
        self.columns.store(&self.path, &rows, None)
    }
}
