//! The join of entity rows at hand: winners first, their features afterwards.

use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::{Array, ArrayRef, RecordBatch};
use datafusion::execution::memory_pool::MemoryReservation;
use larder_core::Result;
use larder_offline_store::Instants;
use tokio::runtime::Handle;

use super::answers::Answers;
use super::candidates::{Candidates, NO_TIME};
use super::exec::ViewJoin;
use super::index::{EntityIndex, oldest_ticks};
use super::key_index::NO_KEY;
use super::regions::{Offers, Regions};
use super::workers::share;
use crate::failure::from_datafusion;
use crate::scan::{Deciding, WinningRows};

/// One join on its way: entity rows, their indexes, and what was found so far.
pub(super) struct Join {
    pub(super) views: Arc<[Arc<ViewJoin>]>,
    pub(super) batches: Vec<RecordBatch>,
    pub(super) workers: usize,
    pub(super) memory: Arc<MemoryReservation>,
}

/// The parts of a join that workers share.
struct Shared {
    views: Arc<[Arc<ViewJoin>]>,
    batches: Vec<RecordBatch>,
    /// Per view; views that are joined by the same columns share one.
    indexes: Vec<Arc<EntityIndex>>,
    candidates: Vec<Mutex<Option<Candidates>>>,
    winners: Vec<Mutex<Option<Arc<Winners>>>>,
    memory: Arc<MemoryReservation>,
    runtime: Handle,
}

/// Which rows of one view answer.
struct Winners {
    rows: WinningRows,
    /// Per entity row the number of its winner, or [`NO_ROW`].
    of_entity: Vec<u32>,
}

/// The number of the winner of an entity row without one.
pub(super) const NO_ROW: u32 = u32::MAX;
/// The position of the row that answers an entity row which none answers.
const NO_POSITION: u64 = u64::MAX;

/// What a worker of the first pass keeps.
#[derive(Default)]
struct Worker {
    view: Option<AtHand>,
    keys: Vec<u32>,
    spare: Option<Spare>,
}

/// What is left of the view before: to use memory again costs less than to touch new memory.
struct Spare {
    index: Arc<EntityIndex>,
    regions: Regions,
    candidates: Option<Candidates>,
}

/// The view whose rows a worker reads.
struct AtHand {
    view: usize,
    candidates: Candidates,
    regions: Regions,
}

impl Join {
    /// Per view the answers to all entity rows.
    ///
    /// # Errors
    /// What reading the files answers; `Invalid` when the memory limit is too low.
    pub(super) async fn run(self) -> Result<Vec<Answers>> {
        let (workers, memory) = (self.workers, Arc::clone(&self.memory));
        let shared = Arc::new(Shared::new(self, Handle::current())?);
        shared.find_candidates(workers).await?;
        shared.choose_winners(workers).await?;
        let answers = shared.read_features(workers).await?;
        drop(shared);
        memory.resize(answers.iter().map(Answers::memory).sum());
        Ok(answers)
    }
}

impl Shared {
    fn new(join: Join, runtime: Handle) -> Result<Self> {
        let Join { views, batches, memory, .. } = join;
        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
        let mut indexes: Vec<Arc<EntityIndex>> = Vec::with_capacity(views.len());
        for (at, view) in views.iter().enumerate() {
            let known = views[..at].iter().position(|known| known.by == view.by);
            let index = if let Some(known) = known {
                Arc::clone(&indexes[known])
            } else {
                grow(&memory, EntityIndex::estimate(rows))?;
                let index = EntityIndex::build(&batches, &view.by)?;
                memory.shrink(EntityIndex::estimate(rows));
                grow(&memory, index.memory())?;
                Arc::new(index)
            };
            indexes.push(index);
        }
        let empty = || views.iter().map(|_| Mutex::new(None)).collect();
        let winners = views.iter().map(|_| Mutex::new(None)).collect();
        Ok(Self { candidates: empty(), winners, indexes, views, batches, memory, runtime })
    }

    /// The first pass: keys and times of all feature rows within reach.
    async fn find_candidates(self: &Arc<Self>, workers: usize) -> Result<()> {
        let pieces = self.views.iter().enumerate();
        let pieces =
            pieces.flat_map(|(view, join)| (0..join.scan.pieces()).map(move |p| (view, p)));
        let pieces: Vec<(usize, usize)> = pieces.collect();
        let count = pieces.len();
        let (work, end) = (Arc::clone(self), Arc::clone(self));
        let offer = move |worker: &mut Worker, task: usize| {
            let (view, piece) = pieces[task];
            work.offer_piece(worker, view, piece)
        };
        share(workers, count, Worker::default, offer, move |mut worker| {
            end.hand_over(&mut worker);
            worker.spare.iter().for_each(|spare| end.let_go(spare));
            Ok(())
        })
        .await
    }

    fn offer_piece(&self, worker: &mut Worker, view: usize, piece: usize) -> Result<()> {
        let (join, index) = (&self.views[view], &self.indexes[view]);
        if worker.view.as_ref().is_none_or(|at_hand| at_hand.view != view) {
            self.hand_over(worker);
            let (regions, candidates) = self.take_up(view, worker.spare.take())?;
            worker.view = Some(AtHand { view, candidates, regions });
        }
        let Worker { view: Some(at_hand), keys, .. } = worker else { return Ok(()) };
        for rows in join.scan.deciding(piece, &self.runtime)? {
            offer(join, index, &rows?, keys, at_hand)?;
        }
        Ok(())
    }

    /// No candidates of a view, in what is left of another where that is as large.
    fn take_up(&self, view: usize, spare: Option<Spare>) -> Result<(Regions, Candidates)> {
        let (index, reach) = (&self.indexes[view], self.views[view].reach());
        let fitting = spare.filter(|spare| {
            let fits = Arc::ptr_eq(&spare.index, index);
            if !fits {
                self.let_go(spare);
            }
            fits
        });
        let (regions, candidates) = if let Some(spare) = fitting {
            let Spare { mut regions, candidates, .. } = spare;
            regions.begin(reach);
            (regions, candidates)
        } else {
            grow(&self.memory, Regions::memory(index))?;
            (Regions::new(index, reach), None)
        };
        if let Some(mut candidates) = candidates {
            candidates.clear();
            return Ok((regions, candidates));
        }
        grow(&self.memory, Candidates::memory(index))?;
        Ok((regions, Candidates::new(index)))
    }

    /// Gives the memory of what is left back.
    fn let_go(&self, spare: &Spare) {
        let Spare { index, candidates, .. } = spare;
        let candidates = candidates.as_ref().map_or(0, |_| Candidates::memory(index));
        self.memory.shrink(Regions::memory(index) + candidates);
    }

    /// Puts the worker's candidates together with those of the other workers.
    fn hand_over(&self, worker: &mut Worker) {
        let Some(AtHand { view, mut candidates, mut regions }) = worker.view.take() else { return };
        let index = Arc::clone(&self.indexes[view]);
        regions.settle(&index, &mut candidates);
        let mut shared = self.candidates[view].lock().unwrap_or_else(PoisonError::into_inner);
        let candidates = match shared.as_mut() {
            None => {
                *shared = Some(candidates);
                None
            }
            Some(best) => {
                best.merge(&candidates);
                Some(candidates)
            }
        };
        worker.spare = Some(Spare { index, regions, candidates });
    }

    /// Between the passes: from candidates per slot to a winner per entity row.
    async fn choose_winners(self: &Arc<Self>, workers: usize) -> Result<()> {
        let work = Arc::clone(self);
        let choose = move |(): &mut (), view: usize| work.winners_of(view);
        share(workers, self.views.len(), || (), choose, |()| Ok(())).await
    }

    fn winners_of(&self, view: usize) -> Result<()> {
        let (join, index) = (&self.views[view], &self.indexes[view]);
        let candidates =
            self.candidates[view].lock().unwrap_or_else(PoisonError::into_inner).take();
        let entities = index.slot_of_row().len();
        let held = WinningRows::memory(join.scan.end()) + entities * size_of::<u64>();
        grow(&self.memory, held)?;
        let positions = match candidates {
            Some(mut candidates) => {
                candidates.carry_forward(index.runs());
                let positions = self.positions(view, &candidates)?;
                self.memory.shrink(Candidates::memory(index));
                positions
            }
            None => vec![NO_POSITION; entities],
        };
        let found = positions.iter().copied().filter(|position| *position != NO_POSITION);
        let rows = WinningRows::new(found, join.scan.end());
        let number = |&position: &u64| match position {
            NO_POSITION => NO_ROW,
            position => rows.rank(position),
        };
        let of_entity = positions.iter().map(number).collect();
        let winners = Arc::new(Winners { rows, of_entity });
        *self.winners[view].lock().unwrap_or_else(PoisonError::into_inner) = Some(winners);
        Ok(())
    }

    /// Per entity row the position of the feature row that answers it, or [`NO_POSITION`].
    fn positions(&self, view: usize, candidates: &Candidates) -> Result<Vec<u64>> {
        let (join, index) = (&self.views[view], &self.indexes[view]);
        let mut positions = Vec::with_capacity(index.slot_of_row().len());
        let mut slots = index.slot_of_row();
        for batch in &self.batches {
            let oldest = oldest_ticks(batch.column(join.by.time), join.ttl, join.by.event_unit)?;
            let (here, rest) = slots.split_at(batch.num_rows());
            let rows = here.iter().zip(oldest);
            let row = |(&slot, oldest)| candidates.row(slot, oldest).unwrap_or(NO_POSITION);
            positions.extend(rows.map(row));
            slots = rest;
        }
        Ok(positions)
    }

    /// The second pass: the features of the winners.
    async fn read_features(self: &Arc<Self>, workers: usize) -> Result<Vec<Answers>> {
        let mut winners = Vec::with_capacity(self.views.len());
        for found in &self.winners {
            winners.extend(found.lock().unwrap_or_else(PoisonError::into_inner).take());
        }
        let mut groups = Vec::new();
        for (view, (join, winners)) in self.views.iter().zip(&winners).enumerate() {
            let with_winners =
                (0..join.scan.groups()).filter(|&g| join.scan.wins(g, &winners.rows));
            groups.extend(with_winners.map(|group| (view, group)));
        }
        let read: Arc<Vec<Mutex<Vec<RecordBatch>>>> =
            Arc::new(groups.iter().map(|_| Mutex::default()).collect());
        let (work, into, count) = (Arc::clone(self), Arc::clone(&read), groups.len());
        let (of_views, tasks) = (winners.clone(), groups.clone());
        let read_group = move |(): &mut (), task: usize| {
            let (view, group) = tasks[task];
            let parts =
                work.views[view].scan.features_of(group, &of_views[view].rows, &work.runtime)?;
            let bytes = parts.iter().map(RecordBatch::get_array_memory_size).sum();
            grow(&work.memory, bytes)?;
            *into[task].lock().unwrap_or_else(PoisonError::into_inner) = parts;
            Ok(())
        };
        share(workers, count, || (), read_group, |()| Ok(())).await?;
        let mut of_views = vec![Vec::new(); self.views.len()];
        for ((view, _), parts) in groups.into_iter().zip(read.iter()) {
            let mut parts = parts.lock().unwrap_or_else(PoisonError::into_inner);
            of_views[view].append(&mut parts);
        }
        let answers = self.views.iter().zip(of_views).zip(winners);
        let answers = answers.map(|((join, parts), winners)| {
            let of_entity = match Arc::try_unwrap(winners) {
                Ok(winners) => winners.of_entity,
                Err(shared) => shared.of_entity.clone(),
            };
            Answers::new(&join.scan.features, &parts, of_entity)
        });
        Ok(answers.collect())
    }
}

/// Enters the rows of a batch.
fn offer(
    join: &ViewJoin,
    index: &EntityIndex,
    rows: &Deciding,
    keys: &mut Vec<u32>,
    at_hand: &mut AtHand,
) -> Result<()> {
    let Deciding { batch, runs } = rows;
    let columns = join.by.keys.len();
    index.find(&batch.columns()[..columns], batch.num_rows(), keys)?;
    let events = Instants::read(batch.column(columns))?.ticks;
    if let Some(nulls) = events.nulls().filter(|nulls| nulls.null_count() > 0) {
        let timeless = (0..nulls.len()).filter(|row| nulls.is_null(*row));
        timeless.for_each(|row| keys[row] = NO_KEY);
    }
    let created = join.has_created.then(|| created_ticks(batch.column(columns + 1))).transpose()?;
    let visible = join.visible_ticks(events.values(), created.as_deref());
    for (rows, position) in runs {
        let offers = Offers {
            keys: &keys[rows.clone()],
            events: &events.values()[rows.clone()],
            created: created.as_ref().map(|ticks| &ticks[rows.clone()]),
            visible: visible.as_ref().map(|ticks| &ticks[rows.clone()]),
            position: *position,
        };
        at_hand.regions.offer(index, offers, &mut at_hand.candidates);
    }
    Ok(())
}

/// Created times with [`NO_TIME`] for null.
fn created_ticks(column: &ArrayRef) -> Result<arrow_buffer::ScalarBuffer<i64>> {
    let ticks = Instants::read(column)?.ticks;
    Ok(match ticks.nulls().filter(|nulls| nulls.null_count() > 0) {
        None => ticks.values().clone(),
        Some(_) => ticks.iter().map(|tick| tick.unwrap_or(NO_TIME)).collect(),
    })
}

fn grow(memory: &MemoryReservation, bytes: usize) -> Result<()> {
    memory.try_grow(bytes).map_err(from_datafusion)
}
