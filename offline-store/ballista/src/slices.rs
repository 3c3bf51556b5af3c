//! Entity rows in parts that a plan can carry.

use std::collections::VecDeque;

use arrow_array::RecordBatch;
use futures::{Stream, TryStreamExt};
use larder_core::Result;
use larder_offline_store::BatchStream;

/// Rows that follow each other in the input, never none.
#[derive(Debug)]
pub(crate) struct Slice {
    pub(crate) batches: VecDeque<RecordBatch>,
    pub(crate) rows: usize,
}

/// The rows in their order, at most so many in each slice.
pub(crate) fn slices(rows: BatchStream, most: usize) -> impl Stream<Item = Result<Slice>> {
    let start = (rows, None::<RecordBatch>);
    futures::stream::try_unfold(start, move |(mut rows, mut rest)| async move {
        let mut slice = Slice { batches: VecDeque::new(), rows: 0 };
        while slice.rows < most {
            let next = match rest.take() {
                Some(batch) => Some(batch),
                None => rows.try_next().await?,
            };
            let Some(batch) = next else { break };
            let taken = batch.num_rows().min(most - slice.rows);
            if taken < batch.num_rows() {
                rest = Some(batch.slice(taken, batch.num_rows() - taken));
            }
            if taken > 0 {
                slice.batches.push_back(batch.slice(0, taken));
                slice.rows += taken;
            }
        }
        Ok((slice.rows > 0).then_some((slice, (rows, rest))))
    })
}
