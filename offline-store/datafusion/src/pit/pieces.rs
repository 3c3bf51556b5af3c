//! Entity rows in pieces.

use arrow_array::RecordBatch;

/// Cuts batches into pieces of at most `size` rows, each with the position of its first row among all rows.
pub(super) fn pieces(batches: &[RecordBatch], size: usize) -> Vec<(usize, RecordBatch)> {
    let (mut cut, mut first) = (Vec::new(), 0);
    for batch in batches {
        for start in (0..batch.num_rows()).step_by(size) {
            let rows = size.min(batch.num_rows() - start);
            cut.push((first + start, batch.slice(start, rows)));
        }
        first += batch.num_rows();
    }
    cut
}

/// Cuts batches at every chunk of `rows` and into pieces of at most `size` rows, which are given chunk by chunk.
pub(super) fn chunks(batches: &[RecordBatch], rows: usize, size: usize) -> Vec<Vec<RecordBatch>> {
    let mut chunks: Vec<Vec<RecordBatch>> = Vec::new();
    for (first, piece) in pieces(batches, size) {
        let mut start = 0;
        while start < piece.num_rows() {
            let row = first + start;
            let here = (rows - row % rows).min(piece.num_rows() - start);
            if row % rows == 0 {
                chunks.push(Vec::new());
            }
            chunks.last_mut().into_iter().for_each(|chunk| chunk.push(piece.slice(start, here)));
            start += here;
        }
    }
    chunks
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, UInt64Array};

    use super::*;

    #[test]
    fn every_chunk_but_the_last_has_its_rows_whatever_batches_they_came_in() {
        const ROWS: u64 = 32_000;
        let sizes = [50_000_u64, 0, 1, 2 * ROWS, 7];
        let mut first = 0;
        let batch = |rows: &u64| {
            let numbers: ArrayRef = Arc::new(UInt64Array::from_iter_values(first..first + rows));
            first += rows;
            RecordBatch::try_from_iter([("row", numbers)]).unwrap()
        };
        let batches: Vec<RecordBatch> = sizes.iter().map(batch).collect();
        for (rows, size) in [(32_000, 1_000), (32_000, 8_192), (32_000, 1 << 20), (1_024, 8_192)] {
            let chunks = chunks(&batches, rows, size);
            let count = |chunk: &Vec<RecordBatch>| chunk.iter().map(RecordBatch::num_rows).sum();
            let counts: Vec<usize> = chunks.iter().map(count).collect();
            let (last, whole) = counts.split_last().unwrap();
            assert!(whole.iter().all(|count| *count == rows) && *last <= rows);
            let pieces: Vec<RecordBatch> = chunks.into_iter().flatten().collect();
            assert!(pieces.iter().all(|piece| (1..=size).contains(&piece.num_rows())));
            let schema = batches[0].schema();
            let all = |batches| arrow_select::concat::concat_batches(&schema, batches).unwrap();
            assert_eq!(all(&pieces), all(&batches), "pieces of {size}");
        }
    }
}
