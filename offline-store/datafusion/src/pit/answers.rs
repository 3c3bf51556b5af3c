//! The features of the winners, and which of them answers which entity row.

use arrow_array::{Array, ArrayRef, new_null_array};
use arrow_schema::SchemaRef;
use larder_core::Result;

use super::join::NO_ROW;
use crate::failure::from_arrow;

/// Features of winners are put together up to this many bytes, so that texts stay within Arrow's offsets.
const CHUNK_BYTES: usize = 256 << 20;

/// The answers of one view to all entity rows.
#[derive(Debug)]
pub(super) struct Answers {
    /// Per entity row the number of its winner.
    of_entity: Vec<u32>,
    /// Columns of winners in order; the first chunk is one row of nulls.
    chunks: Vec<Vec<ArrayRef>>,
    /// Number of the first winner of each chunk but the first.
    firsts: Vec<u32>,
    winners: u32,
    /// What will be the next chunk.
    open: Vec<Vec<ArrayRef>>,
    open_bytes: usize,
}

impl Answers {
    /// Answers that have no values yet.
    pub(super) fn new(features: &SchemaRef, of_entity: Vec<u32>) -> Self {
        let nulls = features.fields().iter().map(|field| new_null_array(field.data_type(), 1));
        Self {
            of_entity,
            chunks: vec![nulls.collect()],
            firsts: Vec::new(),
            winners: 0,
            open: Vec::new(),
            open_bytes: 0,
        }
    }

    /// Appends the features of the next winners, column by column.
    pub(super) fn add(&mut self, columns: Vec<ArrayRef>) -> Result<()> {
        let bytes: usize = columns.iter().map(Array::get_array_memory_size).sum();
        if self.open_bytes + bytes > CHUNK_BYTES {
            self.close()?;
        }
        self.open_bytes += bytes;
        self.open.push(columns);
        Ok(())
    }

    /// Ends the appending.
    pub(super) fn close(&mut self) -> Result<()> {
        let mut open = std::mem::take(&mut self.open);
        self.open_bytes = 0;
        let Some(first) = open.first() else { return Ok(()) };
        let (columns, rows) = (first.len(), open.iter().map(|c| c.first().map_or(0, Array::len)));
        let rows: usize = rows.sum();
        let mut chunk = Vec::with_capacity(columns);
        // From the last column to the first: what was put together is freed before the next.
        for _ in 0..columns {
            let parts: Vec<ArrayRef> = open.iter_mut().filter_map(Vec::pop).collect();
            let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
            chunk.push(arrow_select::concat::concat(&parts).map_err(from_arrow)?);
        }
        chunk.reverse();
        self.firsts.push(self.winners);
        self.winners += u32::try_from(rows).unwrap_or(NO_ROW);
        self.chunks.push(chunk);
        Ok(())
    }

    /// The feature columns of `rows` entity rows from the row `first` on.
    pub(super) fn columns(&self, first: usize, rows: usize) -> Result<Vec<ArrayRef>> {
        let places = self.of_entity[first..first + rows].iter().map(|&winner| self.place(winner));
        let places: Vec<(usize, usize)> = places.collect();
        let column = |column: usize| {
            let chunks: Vec<&dyn Array> =
                self.chunks.iter().map(|chunk| chunk[column].as_ref()).collect();
            arrow_select::interleave::interleave(&chunks, &places).map_err(from_arrow)
        };
        (0..self.chunks[0].len()).map(column).collect()
    }

    fn place(&self, winner: u32) -> (usize, usize) {
        if winner == NO_ROW {
            return (0, 0);
        }
        let chunk = match self.firsts.len() {
            1 => 1,
            _ => self.firsts.partition_point(|first| *first <= winner),
        };
        (chunk, (winner - self.firsts[chunk - 1]) as usize)
    }

    /// Bytes held.
    pub(super) fn memory(&self) -> usize {
        let columns = self.chunks.iter().chain(&self.open).flatten();
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

    #[test]
    fn winners_of_several_chunks_answer_in_the_order_of_the_entity_rows() {
        let schema = Arc::new(Schema::new(vec![Field::new("id", DataType::Int64, true)]));
        let mut answers = Answers::new(&schema, vec![3, NO_ROW, 0, 2, 3]);
        let values = |ids: &[i64]| vec![Arc::new(Int64Array::from(ids.to_vec())) as ArrayRef];
        for part in [&[10, 11][..], &[12], &[13]] {
            answers.add(values(part)).unwrap();
            if part == [12] {
                answers.close().unwrap();
            }
        }
        answers.close().unwrap();
        let columns = answers.columns(0, 5).unwrap();
        let found: Vec<_> = columns[0].as_primitive::<Int64Type>().iter().collect();
        assert_eq!(found, [Some(13), None, Some(10), Some(12), Some(13)]);
        let columns = answers.columns(2, 1).unwrap();
        assert_eq!(columns[0].as_primitive::<Int64Type>().value(0), 10);
    }
}
