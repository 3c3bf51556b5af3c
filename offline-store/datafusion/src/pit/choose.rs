//! From candidates per slot to a winner per entity row.

use std::sync::Arc;

use arrow_array::RecordBatch;
use larder_core::Result;

use super::candidates::Candidates;
use super::exec::ViewJoin;
use super::index::{EntityIndex, oldest_ticks};
use super::pieces::pieces;
use super::workers::{alone, collect};
use crate::scan::{FoundRows, WinningRows};

/// Which rows of one view answer.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) rows: WinningRows,
    /// Per entity row the number of its winner, or [`NO_ROW`].
    pub(super) of_entity: Vec<u32>,
}

/// The number of the winner of an entity row without one.
pub(super) const NO_ROW: u32 = u32::MAX;
/// The position of the row that answers an entity row which none answers.
const NO_POSITION: u64 = u64::MAX;
/// Entity rows that a worker looks at without a pause.
const PIECE_ROWS: usize = 64 << 10;

impl Choice {
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
        let pieces = pieces(batches, PIECE_ROWS);
        let (found, count) = (Arc::new(FoundRows::new(view.scan.end())), pieces.len());
        let (to, view, of, best) =
            (Arc::clone(&found), Arc::clone(view), Arc::clone(index), Arc::clone(candidates));
        let choose = move |piece| {
            let (first, rows): &(usize, RecordBatch) = &pieces[piece];
            let positions = positions(&view, &of, &best, *first, rows)?;
            let winners = positions.iter().filter(|position| **position != NO_POSITION);
            winners.for_each(|position| to.insert(*position));
            Ok(positions)
        };
        let positions = Arc::new(collect(workers, count, choose).await?);
        let rows = alone(found)?.finish();
        let (rows, from) = (Arc::new(rows), Arc::clone(&positions));
        let by = Arc::clone(&rows);
        let number = move |piece: usize| {
            let number = |&position: &u64| match position {
                NO_POSITION => NO_ROW,
                position => by.rank(position),
            };
            Ok(from[piece].iter().map(number).collect::<Vec<u32>>())
        };
        let numbers = collect(workers, count, number).await?;
        drop(positions);
        Ok(Self { rows: alone(rows)?, of_entity: numbers.concat() })
    }
}

/// Per entity row of a piece, which begins at row `first`, the position of the feature row that answers it, or [`NO_POSITION`].
fn positions(
    view: &ViewJoin,
    index: &EntityIndex,
    candidates: &Candidates,
    first: usize,
    rows: &RecordBatch,
) -> Result<Vec<u64>> {
    let oldest = oldest_ticks(rows.column(view.by.time), view.ttl, view.by.event_unit)?;
    let best = candidates.chosen(index);
    let slots = &index.slot_of_row()[first..first + rows.num_rows()];
    let position = |(&slot, oldest)| best.row(slot, oldest).unwrap_or(NO_POSITION);
    Ok(slots.iter().zip(oldest).map(position).collect())
}
