//! One row of one selection of features.

use larder_core::Result;

use crate::{Cell, ReadRows};

/// What a row costs besides its values.
const OVERHEAD: usize = 96;

/// A row, or the knowledge that there is none, detached from the answer that it came with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CachedRow {
    event: Option<i64>,
    cells: Box<[CachedCell]>,
    values: Box<[u8]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CachedCell {
    Missing,
    /// Where the value ends; it begins where the one before ends.
    EndsAt(u32),
}

impl CachedRow {
    /// Row `row` of an answer.
    pub(super) fn of(answer: &ReadRows, row: usize) -> Self {
        let Some(event) = answer.event_timestamp(row) else { return Self::absent() };
        let mut values = Vec::new();
        let cells = (0..answer.features())
            .map(|feature| match answer.cell(row, feature) {
                Cell::Missing => CachedCell::Missing,
                cell => {
                    values.extend_from_slice(cell.bytes().unwrap_or_default());
                    let end = u32::try_from(values.len());
                    CachedCell::EndsAt(end.expect("an answer has less than 4 GiB"))
                }
            })
            .collect();
        Self { event: Some(event), cells, values: values.into() }
    }

    /// No row.
    fn absent() -> Self {
        Self { event: None, cells: Box::default(), values: Box::default() }
    }

    /// Appends the row to an answer.
    pub(super) fn append_to(&self, answer: &mut ReadRows) -> Result<()> {
        answer.begin_row(self.event);
        let mut start = 0;
        for (feature, cell) in self.cells.iter().enumerate() {
            if let CachedCell::EndsAt(end) = *cell {
                let end = end as usize;
                answer.set(feature, &self.values[start..end])?;
                start = end;
            }
        }
        Ok(())
    }

    /// Bytes that it takes.
    pub(super) fn bytes(&self) -> usize {
        OVERHEAD + self.values.len() + size_of_val(&*self.cells)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_as_they_were_read() {
        let mut answer = ReadRows::with_capacity(3, 4);
        answer.begin_row(Some(7));
        answer.set(1, b"").unwrap();
        answer.set(3, b"value").unwrap();
        answer.begin_row(None);
        answer.begin_row(Some(-1));
        answer.set(0, b"x").unwrap();
        let mut again = ReadRows::with_capacity(3, 4);
        for row in 0..3 {
            CachedRow::of(&answer, row).append_to(&mut again).unwrap();
        }
        assert_eq!(again.event_timestamps(), answer.event_timestamps());
        for (row, feature) in (0..3).flat_map(|row| (0..4).map(move |feature| (row, feature))) {
            assert_eq!(again.cell(row, feature), answer.cell(row, feature));
        }
    }
}
