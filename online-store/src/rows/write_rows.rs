//! Rows to write.

use std::ops::Range;
use std::sync::Arc;

use larder_core::{Error, Result};

use super::cells::{Cells, value_too_long};
use super::{Cell, MAX_KEY_BYTES, MAX_VALUE_BYTES};
use crate::{RowTimes, ViewTable};

#[derive(Debug, Default)]
struct Columns {
    keys: Vec<u8>,
    key_ends: Vec<usize>,
    times: Vec<RowTimes>,
    cells: Cells,
}

/// Rows to write into one view, in order: serialized entity key, event and created timestamp, a cell per feature.
///
/// Frozen and shared: cloning costs a reference count. Made by [`WriteRowsBuilder`].
#[derive(Debug, Clone, Default)]
pub struct WriteRows(Arc<Columns>);

impl WriteRows {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.0.times.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.0.times.is_empty()
    }

    /// Cells per row.
    pub fn features(&self) -> usize {
        self.0.cells.features()
    }

    /// The serialized entity key of a row.
    pub fn key(&self, row: usize) -> &[u8] {
        let start = row.checked_sub(1).map_or(0, |before| self.0.key_ends[before]);
        &self.0.keys[start..self.0.key_ends[row]]
    }

    /// Event and created timestamp of a row.
    pub fn times(&self, row: usize) -> RowTimes {
        self.0.times[row]
    }

    /// One cell; missing means that the stored value stays.
    pub fn cell(&self, row: usize, feature: usize) -> Cell<'_> {
        self.0.cells.get(row, feature)
    }

    /// Bytes of keys and values together.
    pub fn bytes(&self) -> usize {
        self.0.keys.len() + self.0.cells.arena_len()
    }

    /// Refuses rows that were built for another table.
    pub(crate) fn check(&self, table: &ViewTable) -> Result<()> {
        if self.is_empty() || self.features() == table.features().len() {
            return Ok(());
        }
        Err(Error::internal(format!(
            "rows of {} features cannot be written to {table}, which has {}",
            self.features(),
            table.features().len()
        )))
    }

    /// Consecutive ranges of rows, each of at most `rows` rows and, unless it is a single row, about `bytes` bytes.
    pub(crate) fn chunks(&self, rows: usize, bytes: usize) -> Vec<Range<usize>> {
        let mean = self.bytes() / self.len().max(1);
        let step = rows.min(bytes / mean.max(1)).max(1);
        (0..self.len()).step_by(step).map(|at| at..(at + step).min(self.len())).collect()
    }
}

/// Builds [`WriteRows`] for one table.
#[derive(Debug)]
pub struct WriteRowsBuilder(Columns);

impl WriteRowsBuilder {
    /// No rows yet, for this table.
    pub fn new(table: &ViewTable) -> Self {
        Self::with_capacity(table, 0)
    }

    /// Like [`new`](Self::new), with room for `rows` rows.
    pub fn with_capacity(table: &ViewTable, rows: usize) -> Self {
        Self(Columns {
            keys: Vec::new(),
            key_ends: Vec::with_capacity(rows),
            times: Vec::with_capacity(rows),
            cells: Cells::new(table.features().len(), rows),
        })
    }

    /// Begins a row with all features left out; timestamps are UTC microseconds.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](larder_core::ErrorKind::Invalid) for a key above [`MAX_KEY_BYTES`].
    pub fn begin_row(&mut self, key: &[u8], event: i64, created: Option<i64>) -> Result<()> {
        if key.len() > MAX_KEY_BYTES {
            return Err(Error::invalid(format!(
                "an entity key has {} bytes, more than {MAX_KEY_BYTES}",
                key.len()
            )));
        }
        self.0.keys.extend_from_slice(key);
        self.0.key_ends.push(self.0.keys.len());
        self.0.times.push(RowTimes { event, created });
        self.0.cells.begin_row();
        Ok(())
    }

    /// Sets a feature of the row last begun to an encoded value; empty bytes are null.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](larder_core::ErrorKind::Invalid) for a value above [`MAX_VALUE_BYTES`] or a batch above
    /// 4 GiB. Panics when no row was begun or `feature` is out of range.
    pub fn set(&mut self, feature: usize, value: &[u8]) -> Result<()> {
        if value.len() > MAX_VALUE_BYTES {
            return Err(value_too_long(value.len(), MAX_VALUE_BYTES));
        }
        self.0.cells.set(feature, value)
    }

    /// Like [`set`](Self::set), with an encoder that appends the value to the arena itself.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub fn set_with(&mut self, feature: usize, encode: impl FnOnce(&mut Vec<u8>)) -> Result<()> {
        self.0.cells.set_with(feature, MAX_VALUE_BYTES, encode)
    }

    /// Number of rows begun.
    pub fn len(&self) -> usize {
        self.0.times.len()
    }

    /// Whether no row was begun.
    pub fn is_empty(&self) -> bool {
        self.0.times.is_empty()
    }

    /// The rows.
    pub fn finish(self) -> WriteRows {
        WriteRows(Arc::new(self.0))
    }
}

#[cfg(test)]
mod tests {
    use larder_core::ErrorKind;

    use super::*;

    fn rows(keys: &[&str]) -> WriteRows {
        let table = ViewTable::new("p", "v", ["a"]).unwrap();
        let mut rows = WriteRowsBuilder::new(&table);
        for key in keys {
            rows.begin_row(key.as_bytes(), 0, None).unwrap();
        }
        rows.finish()
    }

    #[test]
    fn keys_come_back_as_given() {
        let rows = rows(&["one", "", "three"]);
        assert_eq!([rows.key(0), rows.key(1), rows.key(2)], [&b"one"[..], b"", b"three"]);
    }

    #[test]
    fn chunks_cover_every_row_once() {
        let rows = rows(&["a"; 10]);
        for (limit, bytes) in [(1, 100), (3, 100), (10, 100), (99, 4), (99, 0)] {
            let chunks = rows.chunks(limit, bytes);
            let covered: Vec<usize> = chunks.iter().cloned().flatten().collect();
            assert_eq!(covered, (0..10).collect::<Vec<_>>());
            assert!(chunks.iter().all(|chunk| chunk.len() <= limit));
        }
        assert!(WriteRows::default().chunks(5, 5).is_empty());
    }

    #[test]
    fn a_key_above_the_limit_is_refused() {
        let table = ViewTable::new("p", "v", ["a"]).unwrap();
        let refused = WriteRowsBuilder::new(&table).begin_row(&vec![0; MAX_KEY_BYTES + 1], 0, None);
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Invalid);
    }

    #[test]
    fn rows_of_another_table_are_refused() {
        let wider = ViewTable::new("p", "v", ["a", "b"]).unwrap();
        assert_eq!(rows(&["k"]).check(&wider).unwrap_err().kind(), ErrorKind::Internal);
        assert!(rows(&[]).check(&wider).is_ok());
    }
}
