//! The best row per slot, and the values of those rows.

use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow_schema::{ArrowError, SchemaRef};
use std::sync::Arc;

/// Losers are dropped from memory when there are this many rows more than twice the winners.
const SLACK_ROWS: usize = 16 * 1024;

/// No row yet.
const VACANT: u32 = u32::MAX;
/// A row of the batch that is being looked at.
const PENDING: u32 = u32::MAX - 1;

/// The newest row of a slot: greatest event time, then created time (null least), then last offered.
#[derive(Debug, Clone, Copy)]
struct Winner {
    event: i64,
    created: Option<i64>,
    /// Position in `kept`, or a mark.
    batch: u32,
    row: u32,
}

/// Winners of all slots with the columns that are wanted of them; memory grows with slots, not with rows offered.
#[derive(Debug)]
pub(crate) struct Winners {
    schema: SchemaRef,
    /// Columns of the offered batches that make up `schema`.
    columns: Vec<usize>,
    slots: Vec<Winner>,
    kept: Vec<RecordBatch>,
    kept_rows: usize,
    kept_bytes: usize,
    occupied: usize,
    touched: Vec<usize>,
}

impl Winners {
    /// No winners, and room for `slots` of them; `columns` of the offered batches have the `schema`.
    pub(crate) fn new(schema: SchemaRef, columns: Vec<usize>, slots: usize) -> Self {
        let mut winners = Self {
            schema,
            columns,
            slots: Vec::new(),
            kept: Vec::new(),
            kept_rows: 0,
            kept_bytes: 0,
            occupied: 0,
            touched: Vec::new(),
        };
        winners.grow(slots);
        winners
    }

    /// Makes room for `slots` in all.
    pub(crate) fn grow(&mut self, slots: usize) {
        let vacant = Winner { event: i64::MIN, created: None, batch: VACANT, row: 0 };
        self.slots.resize(slots.max(self.slots.len()), vacant);
    }

    /// Enters a row of the current batch for a slot; on a tie the later row wins.
    pub(crate) fn offer(&mut self, slot: usize, event: i64, created: Option<i64>, row: u32) {
        let best = &mut self.slots[slot];
        if best.batch == VACANT {
            self.occupied += 1;
        } else if (event, created) < (best.event, best.created) {
            return;
        }
        *best = Winner { event, created, batch: PENDING, row };
        self.touched.push(slot);
    }

    /// Ends the current batch: copies its winning rows out of it.
    pub(crate) fn settle(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        let number = u32::try_from(self.kept.len()).unwrap_or(VACANT);
        let mut rows = Vec::new();
        for slot in self.touched.drain(..) {
            let best = &mut self.slots[slot];
            if best.batch == PENDING {
                rows.push(best.row);
                best.batch = number;
                best.row = u32::try_from(rows.len() - 1).unwrap_or(VACANT);
            }
        }
        if rows.is_empty() {
            return Ok(());
        }
        let rows = UInt32Array::from(rows);
        let take = |&column: &usize| arrow_select::take::take(batch.column(column), &rows, None);
        let columns = self.columns.iter().map(take).collect::<Result<Vec<_>, _>>()?;
        let taken = assemble(&self.schema, columns, rows.len())?;
        self.kept_rows += taken.num_rows();
        self.kept_bytes += taken.get_array_memory_size();
        self.kept.push(taken);
        if self.kept_rows > 2 * self.occupied + SLACK_ROWS { self.compact() } else { Ok(()) }
    }

    /// Keeps the winning rows only, in the order of their slots, as one batch.
    fn compact(&mut self) -> Result<(), ArrowError> {
        let mut indices = Vec::with_capacity(self.occupied);
        for winner in self.slots.iter_mut().filter(|winner| winner.batch != VACANT) {
            indices.push((winner.batch as usize, winner.row as usize));
            winner.batch = 0;
            winner.row = u32::try_from(indices.len() - 1).unwrap_or(VACANT);
        }
        let interleave = |column: usize| {
            let arrays: Vec<&dyn Array> =
                self.kept.iter().map(|batch| batch.column(column).as_ref()).collect();
            arrow_select::interleave::interleave(&arrays, &indices)
        };
        let columns = (0..self.columns.len()).map(interleave).collect::<Result<Vec<_>, _>>()?;
        let compacted = assemble(&self.schema, columns, indices.len())?;
        self.kept_rows = compacted.num_rows();
        self.kept_bytes = compacted.get_array_memory_size();
        self.kept = vec![compacted];
        Ok(())
    }

    /// Bytes held.
    pub(crate) fn memory(&self) -> usize {
        self.kept_bytes + self.slots.capacity() * size_of::<Winner>()
    }

    /// Ends the pass: all winning rows, in the order of their slots.
    pub(crate) fn finish(mut self) -> Result<RecordBatch, ArrowError> {
        if self.occupied > 0 {
            self.compact()?;
        }
        Ok(self.kept.pop().unwrap_or_else(|| RecordBatch::new_empty(self.schema)))
    }
}

fn assemble(
    schema: &SchemaRef,
    columns: Vec<ArrayRef>,
    rows: usize,
) -> Result<RecordBatch, ArrowError> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::cast::AsArray;
    use arrow_array::types::Int64Type;
    use arrow_array::{Int64Array, StringArray};
    use arrow_schema::{DataType, Field, Schema};

    /// Winners of batches with the columns `ballast` and `id`, of which only `id` is wanted.
    fn winners(slots: usize) -> Winners {
        let schema = Schema::new(vec![Field::new("id", DataType::Int64, true)]);
        Winners::new(Arc::new(schema), vec![1], slots)
    }

    fn batch(ids: &[i64]) -> RecordBatch {
        let ballast: ArrayRef = Arc::new(StringArray::from(vec!["ballast"; ids.len()]));
        let ids: ArrayRef = Arc::new(Int64Array::from(ids.to_vec()));
        RecordBatch::try_from_iter_with_nullable([("ballast", ballast, true), ("id", ids, true)])
            .unwrap()
    }

    /// The id of each slot's row.
    fn ids(winners: Winners) -> Vec<i64> {
        let rows = winners.finish().unwrap();
        rows.column(0).as_primitive::<Int64Type>().values().to_vec()
    }

    #[test]
    fn the_newest_row_wins_and_on_a_tie_the_last() {
        let mut winners = winners(2);
        let offers = [(0, 5, None), (0, 5, Some(1)), (0, 4, Some(9)), (1, 1, None), (1, 1, None)];
        for (row, (slot, event, created)) in (0..).zip(offers) {
            winners.offer(slot, event, created, row);
        }
        winners.settle(&batch(&[10, 11, 12, 13, 14])).unwrap();
        winners.offer(0, 5, Some(1), 0);
        winners.settle(&batch(&[20])).unwrap();
        assert_eq!(ids(winners), [20, 14]);
    }

    #[test]
    fn memory_grows_with_slots_and_not_with_rows() {
        const SLOTS: usize = 100;
        let mut winners = winners(SLOTS);
        let mut peak = 0;
        for event in 0..2_000_i64 {
            for (row, slot) in (0..).zip(0..SLOTS) {
                winners.offer(slot, event, None, row);
            }
            winners.settle(&batch(&vec![event; SLOTS])).unwrap();
            peak = peak.max(winners.memory());
        }
        assert!(peak < 1 << 20, "{peak} bytes for 100 winners of 200 000 rows");
        assert_eq!(ids(winners), vec![1_999; SLOTS]);
    }
}
