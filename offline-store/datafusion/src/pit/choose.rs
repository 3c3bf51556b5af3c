//! From candidates per slot to a winner per entity row.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch};
use larder_core::Result;

use super::candidates::Candidates;
use super::exec::ViewJoin;
use super::index::{EntityIndex, oldest_ticks};
use super::workers::{alone, collect};
use crate::scan::{FoundRows, WinningRows};

/// Which rows of one view answer.
#[derive(Debug)]
pub(super) struct Winners {
    pub(super) rows: WinningRows,
    /// Per entity row the number of its winner, or [`NO_ROW`].
    pub(super) of_entity: Vec<u32>,
}

/// The number of the winner of an entity row without one.
pub(super) const NO_ROW: u32 = u32::MAX;
/// The position of the row that answers an entity row which none answers.
const NO_POSITION: u64 = u64::MAX;
/// Entity rows that a worker looks at without a pause.
const CHUNK_ROWS: usize = 64 << 10;

impl Winners {
    /// Bytes that are taken for a view over positions below `end` while winners are chosen.
    pub(super) fn memory(entities: usize, end: u64) -> usize {
        WinningRows::memory(end) + entities * (size_of::<u64>() + size_of::<u32>())
    }

    /// The winners of a view, all of whose rows were offered.
    pub(super) async fn choose(
        view: &Arc<ViewJoin>,
        index: &Arc<EntityIndex>,
        candidates: &Arc<Candidates>,
        batches: &[RecordBatch],
        workers: usize,
    ) -> Result<Self> {
        let (of, to) = (Arc::clone(index), Arc::clone(candidates));
        let carry = move |region| {
            to.carry_forward(region, &of);
            Ok(())
        };
        collect(workers, index.layout().regions(), carry).await?;
        let chunks = chunks(batches, view.by.time);
        let (found, count) = (Arc::new(FoundRows::new(view.scan.end())), chunks.len());
        let (to, view, of, best) =
            (Arc::clone(&found), Arc::clone(view), Arc::clone(index), Arc::clone(candidates));
        let choose = move |chunk| {
            let (rows, times): &(Range<usize>, ArrayRef) = &chunks[chunk];
            let positions = positions(&view, &of, &best, rows.clone(), times)?;
            let winners = positions.iter().filter(|position| **position != NO_POSITION);
            winners.for_each(|position| to.insert(*position));
            Ok(positions)
        };
        let positions = Arc::new(collect(workers, count, choose).await?);
        let rows = alone(found)?.finish();
        let (rows, from) = (Arc::new(rows), Arc::clone(&positions));
        let by = Arc::clone(&rows);
        let number = move |chunk: usize| {
            let number = |&position: &u64| match position {
                NO_POSITION => NO_ROW,
                position => by.rank(position),
            };
            Ok(from[chunk].iter().map(number).collect::<Vec<u32>>())
        };
        let numbers = collect(workers, count, number).await?;
        drop(positions);
        Ok(Self { rows: alone(rows)?, of_entity: numbers.concat() })
    }
}

/// Entity rows in pieces, counted over all batches, with their times.
fn chunks(batches: &[RecordBatch], time: usize) -> Vec<(Range<usize>, ArrayRef)> {
    let (mut chunks, mut first) = (Vec::new(), 0);
    for batch in batches {
        for start in (0..batch.num_rows()).step_by(CHUNK_ROWS) {
            let rows = CHUNK_ROWS.min(batch.num_rows() - start);
            let times = batch.column(time).slice(start, rows);
            chunks.push((first + start..first + start + rows, times));
        }
        first += batch.num_rows();
    }
    chunks
}

/// Per entity row the position of the feature row that answers it, or [`NO_POSITION`].
fn positions(
    view: &ViewJoin,
    index: &EntityIndex,
    candidates: &Candidates,
    rows: Range<usize>,
    times: &ArrayRef,
) -> Result<Vec<u64>> {
    let oldest = oldest_ticks(times, view.ttl, view.by.event_unit)?;
    let best = candidates.chosen(index);
    let rows = index.slot_of_row()[rows].iter().zip(oldest);
    let position = |(&slot, oldest)| best.row(slot, oldest).unwrap_or(NO_POSITION);
    Ok(rows.map(position).collect())
}
