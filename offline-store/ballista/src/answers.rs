//! Answers of the cluster beside the entity rows that they belong to.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::SchemaRef;
use larder_core::{Error, ErrorKind, Result};

use crate::slices::Slice;

/// Entity rows that wait for their features, which must come in the order of the rows.
pub(crate) struct Waiting {
    /// The columns of the whole answer.
    pub(crate) schema: SchemaRef,
    batches: VecDeque<RecordBatch>,
    /// Number of the next row.
    next: u64,
    rows: u64,
}

impl Waiting {
    pub(crate) fn new(schema: SchemaRef, slice: Slice) -> Self {
        let Slice { batches, rows } = slice;
        Self { schema, batches, next: 0, rows: rows as u64 }
    }

    /// The entity rows of an answer with their features; its first column numbers them.
    ///
    /// # Errors
    /// `Unavailable` when a row is missing, comes twice or out of order: what a lost executor sent may end without an error.
    pub(crate) fn complete(&mut self, answer: &RecordBatch) -> Result<Vec<RecordBatch>> {
        let numbers = answer.column(0).as_primitive_opt::<UInt64Type>();
        let numbers = numbers.ok_or_else(|| lost(self.next))?.values();
        if let Some((expected, _)) = (self.next..).zip(numbers).find(|(row, number)| row != *number)
        {
            return Err(lost(expected));
        }
        let mut done = 0;
        let mut complete = Vec::new();
        while done < answer.num_rows() {
            let row = self.next;
            let Some(batch) = self.batches.front_mut() else { return Err(lost(row)) };
            let here = batch.num_rows().min(answer.num_rows() - done);
            let features = answer.columns()[1..].iter().map(|column| column.slice(done, here));
            let columns: Vec<ArrayRef> = batch
                .columns()
                .iter()
                .map(|column| column.slice(0, here))
                .chain(features)
                .collect();
            complete.push(
                RecordBatch::try_new(Arc::clone(&self.schema), columns)
                    .map_err(|error| lost(row).with_source(error))?,
            );
            if here == batch.num_rows() {
                self.batches.pop_front();
            } else {
                *batch = batch.slice(here, batch.num_rows() - here);
            }
            done += here;
            self.next += here as u64;
        }
        Ok(complete)
    }

    /// Whether every row has been answered.
    ///
    /// # Errors
    /// `Unavailable` for the first that was not.
    pub(crate) fn finish(&self) -> Result<()> {
        if self.next == self.rows { Ok(()) } else { Err(lost(self.next)) }
    }
}

fn lost(row: u64) -> Error {
    let message = format!("the answer has no entity row {row} of those that were sent");
    Error::new(ErrorKind::Unavailable, message)
        .with_hint("an executor may have ended on the way: ask again")
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{Int64Array, UInt64Array};

    fn waiting(batches: &[Vec<i64>]) -> Waiting {
        let batch = |keys: &Vec<i64>| {
            let keys = Arc::new(Int64Array::from(keys.clone())) as ArrayRef;
            RecordBatch::try_from_iter_with_nullable([("key", keys, true)]).unwrap()
        };
        let batches: VecDeque<_> = batches.iter().map(batch).collect();
        let rows = batches.iter().map(RecordBatch::num_rows).sum();
        let schema = answer(&[(0, 0)]).schema();
        let field =
            |name: &str| arrow_schema::Field::new(name, arrow_schema::DataType::Int64, true);
        let schema = arrow_schema::Schema::new(vec![field("key"), schema.field(1).clone()]);
        Waiting::new(Arc::new(schema), Slice { batches, rows })
    }

    fn answer(rows: &[(u64, i64)]) -> RecordBatch {
        let numbers: UInt64Array = rows.iter().map(|row| Some(row.0)).collect();
        let features: Int64Array = rows.iter().map(|row| Some(row.1)).collect();
        RecordBatch::try_from_iter_with_nullable([
            ("row", Arc::new(numbers) as ArrayRef, false),
            ("feature", Arc::new(features) as ArrayRef, true),
        ])
        .unwrap()
    }

    #[test]
    fn batches_of_both_sides_need_not_have_the_same_ends() {
        let mut waiting = waiting(&[vec![1, 2], vec![3, 4, 5]]);
        let first = waiting.complete(&answer(&[(0, 10), (1, 20), (2, 30)])).unwrap();
        assert_eq!(first.iter().map(RecordBatch::num_rows).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(waiting.finish().unwrap_err().kind(), ErrorKind::Unavailable);
        let second = waiting.complete(&answer(&[(3, 40), (4, 50)])).unwrap();
        assert_eq!(second[0].num_rows(), 2);
        waiting.finish().unwrap();
    }

    #[test]
    fn a_row_that_is_missing_or_comes_twice_is_an_error() {
        for rows in [[(1, 0), (2, 0)], [(0, 0), (0, 0)], [(0, 0), (2, 0)]] {
            let error = waiting(&[vec![1, 2, 3]]).complete(&answer(&rows)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{rows:?}");
        }
        let more = answer(&[(0, 0), (1, 0), (2, 0)]);
        waiting(&[vec![1, 2]]).complete(&more).unwrap_err();
    }
}
