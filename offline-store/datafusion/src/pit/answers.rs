//! The features of the winners, and which of them answers which entity row.

use arrow_array::{Array, ArrayRef, RecordBatch, new_null_array};
use arrow_schema::SchemaRef;
use larder_core::Result;

use super::choose::NO_ROW;
use crate::failure::from_arrow;

/// Winners whose numbers differ in these bits alone share an entry of the guide to the parts.
const BLOCK_BITS: u32 = 10;

/// The answers of one view to all entity rows.
///
/// The features of the winners stay in the parts in which they were read: to touch new memory is what costs most, and one
/// column made of them would be a second copy.
#[derive(Debug)]
pub(super) struct Answers {
    /// Per entity row the number of its winner.
    of_entity: Vec<u32>,
    /// Per column one row of nulls, then its parts in the order of the winners.
    columns: Vec<Vec<ArrayRef>>,
    /// Number of the first winner of each part.
    firsts: Vec<u32>,
    /// For every block of winners, and the end, the part that its first is in.
    guide: Vec<usize>,
}

impl Answers {
    /// Answers by features of winners, in parts none of which is empty.
    pub(super) fn new(features: &SchemaRef, parts: &[RecordBatch], of_entity: Vec<u32>) -> Self {
        let column = |(column, field): (usize, &arrow_schema::FieldRef)| {
            let parts = parts.iter().map(|part| ArrayRef::clone(part.column(column)));
            std::iter::once(new_null_array(field.data_type(), 1)).chain(parts).collect()
        };
        let mut winners = 0;
        let firsts = parts.iter().map(|part| {
            let first = winners;
            winners += u32::try_from(part.num_rows()).unwrap_or(NO_ROW);
            first
        });
        let firsts: Vec<u32> = firsts.collect();
        let mut part = 0;
        let blocks = (0..winners).step_by(1 << BLOCK_BITS).map(|winner| {
            while firsts.get(part + 1).is_some_and(|first| *first <= winner) {
                part += 1;
            }
            part
        });
        let mut guide: Vec<usize> = blocks.collect();
        guide.push(firsts.len().saturating_sub(1));
        let columns = features.fields().iter().enumerate().map(column).collect();
        Self { of_entity, columns, firsts, guide }
    }

    /// The feature columns of `rows` entity rows from the row `first` on.
    pub(super) fn columns(&self, first: usize, rows: usize) -> Result<Vec<ArrayRef>> {
        let places = self.of_entity[first..first + rows].iter().map(|&winner| self.place(winner));
        let places: Vec<(usize, usize)> = places.collect();
        let column = |parts: &Vec<ArrayRef>| {
            let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
            arrow_select::interleave::interleave(&parts, &places).map_err(from_arrow)
        };
        self.columns.iter().map(column).collect()
    }

    /// The place of a winner in the columns.
    fn place(&self, winner: u32) -> (usize, usize) {
        if winner == NO_ROW {
            return (0, 0);
        }
        let block = (winner >> BLOCK_BITS) as usize;
        let (least, greatest) = (self.guide[block], self.guide[block + 1]);
        let later = self.firsts[least + 1..=greatest].partition_point(|first| *first <= winner);
        let part = least + later;
        (part + 1, (winner - self.firsts[part]) as usize)
    }

    /// Bytes held.
    pub(super) fn memory(&self) -> usize {
        let columns = self.columns.iter().flatten();
        let bytes: usize = columns.map(Array::get_array_memory_size).sum();
        bytes + self.of_entity.capacity() * size_of::<u32>()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::Int64Array;
    use arrow_array::cast::AsArray;
    use arrow_array::types::Int64Type;
    use arrow_schema::{DataType, Field, Schema};

    use super::*;

    /// Answers of winners whose ids are ten times their numbers, in parts of so many rows.
    fn answers(parts: &[u32], of_entity: Vec<u32>) -> Answers {
        let schema = Arc::new(Schema::new(vec![Field::new("id", DataType::Int64, true)]));
        let mut first = 0;
        let part = |rows: &u32| {
            let ids = (first..first + rows).map(|winner| i64::from(winner) * 10);
            first += rows;
            let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(ids));
            RecordBatch::try_new(Arc::clone(&schema), vec![ids]).unwrap()
        };
        let parts: Vec<RecordBatch> = parts.iter().map(part).collect();
        Answers::new(&schema, &parts, of_entity)
    }

    fn ids(answers: &Answers, first: usize, rows: usize) -> Vec<Option<i64>> {
        let columns = answers.columns(first, rows).unwrap();
        columns[0].as_primitive::<Int64Type>().iter().collect()
    }

    #[test]
    fn winners_answer_in_the_order_of_the_entity_rows_whatever_parts_they_are_in() {
        for parts in [&[4][..], &[2, 1, 1], &[1, 1, 1, 1], &[3, 1]] {
            let answers = answers(parts, vec![3, NO_ROW, 0, 2, 3, NO_ROW]);
            let expected = [Some(30), None, Some(0), Some(20), Some(30)];
            assert_eq!(ids(&answers, 0, 5), expected, "{parts:?}");
            assert_eq!(ids(&answers, 2, 1), [Some(0)]);
            assert_eq!(ids(&answers, 5, 1), [None]);
        }
    }

    #[test]
    fn every_winner_of_many_parts_is_found() {
        let parts = [1_000, 24, 1, 1, 1_022, 3_000, 1, 7];
        let winners: Vec<u32> = (0..parts.iter().sum()).collect();
        let expected: Vec<_> = winners.iter().map(|winner| Some(i64::from(*winner) * 10)).collect();
        let rows = winners.len();
        assert_eq!(ids(&answers(&parts, winners), 0, rows), expected);
    }

    #[test]
    fn without_winners_every_answer_is_null() {
        assert_eq!(ids(&answers(&[], vec![NO_ROW; 3]), 1, 2), [None, None]);
    }
}
