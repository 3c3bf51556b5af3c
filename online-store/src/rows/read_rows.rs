//! The answer of a read.

use larder_core::Result;

use super::cells::Cells;
use super::{Cell, SlotForm};

/// The answer to one read: a row per key, in the order of the keys, a cell per feature of the table.
///
/// Values of all cells lie in one arena. A row without event timestamp is absent; all its cells are missing.
#[derive(Debug, Clone, Default)]
pub struct ReadRows {
    event_timestamps: Vec<Option<i64>>,
    cells: Cells,
}

impl ReadRows {
    /// An empty answer with room for `rows` rows of `features` cells.
    pub fn with_capacity(rows: usize, features: usize) -> Self {
        Self { event_timestamps: Vec::with_capacity(rows), cells: Cells::new(features, rows) }
    }

    /// An empty answer with room for `rows` rows, whose columns of this form lie apart.
    pub(crate) fn with_slots(rows: usize, forms: impl Iterator<Item = Option<SlotForm>>) -> Self {
        let event_timestamps = Vec::with_capacity(rows);
        Self { event_timestamps, cells: Cells::with_slots(rows, forms) }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.event_timestamps.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.event_timestamps.is_empty()
    }

    /// Cells per row.
    pub fn features(&self) -> usize {
        self.cells.features()
    }

    /// Bytes of all values together.
    pub fn bytes(&self) -> usize {
        self.cells.bytes()
    }

    /// Event timestamps in UTC microseconds, row by row; `None` for a key without row.
    pub fn event_timestamps(&self) -> &[Option<i64>] {
        &self.event_timestamps
    }

    /// The event timestamp of a row in UTC microseconds; `None` when the key has no row.
    #[inline]
    pub fn event_timestamp(&self, row: usize) -> Option<i64> {
        self.event_timestamps[row]
    }

    /// One cell. Panics when `row` or `feature` is out of range, as indexing does.
    #[inline]
    pub fn cell(&self, row: usize, feature: usize) -> Cell<'_> {
        self.cells.get(row, feature)
    }

    /// All cells of a row, in the order of the features. Panics when `row` is out of range.
    #[inline]
    pub fn row(&self, row: usize) -> impl ExactSizeIterator<Item = Cell<'_>> {
        self.cells.row(row)
    }

    /// One feature of every row, in the order of the keys.
    pub fn column(&self, feature: usize) -> impl ExactSizeIterator<Item = Cell<'_>> {
        (0..self.len()).map(move |row| self.cells.get(row, feature))
    }

    /// The encoded values of a feature, each of the same length, one after the other: of a column of floats or booleans of
    /// which every row has a value. `None` for other columns, and where the store keeps no such columns.
    #[inline]
    pub fn numbers(&self, feature: usize) -> Option<&[u8]> {
        self.cells.whole(feature)
    }

    /// Whether all cells of a feature are known to be readable values, nulls or missing.
    #[inline]
    pub fn is_sound(&self, feature: usize) -> bool {
        self.cells.has_slots(feature)
    }

    /// Appends a row (for stores); its cells are missing until [`set`](Self::set).
    pub fn begin_row(&mut self, event_timestamp: Option<i64>) {
        self.event_timestamps.push(event_timestamp);
        self.cells.begin_row();
    }

    /// Sets a cell of the last row (for stores); empty bytes are null.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](larder_core::ErrorKind::Invalid) when the answer passes 4 GiB.
    pub fn set(&mut self, feature: usize, value: &[u8]) -> Result<()> {
        self.cells.set(feature, value)
    }

    /// Raises or sets the event timestamp of the last row.
    pub(crate) fn raise_event_timestamp(&mut self, micros: i64) {
        if let Some(last) = self.event_timestamps.last_mut() {
            *last = Some(last.map_or(micros, |known| known.max(micros)));
        }
    }

    pub(crate) fn cells_mut(&mut self) -> &mut Cells {
        &mut self.cells
    }
}
