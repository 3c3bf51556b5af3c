//! The join of entity rows at hand: winners first, their features afterwards.

use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::{Array, ArrayRef, RecordBatch};
use datafusion::execution::memory_pool::MemoryReservation;
use larder_core::Result;
use larder_offline_store::Instants;
use tokio::runtime::Handle;

use super::answers::Answers;
use super::candidates::{Candidates, NO_TIME};
use super::choose::Choice;
use super::exec::ViewJoin;
use super::index::EntityIndex;
use super::key_index::NO_KEY;
use super::regions::{Offers, Regions};
use super::scratch::Scratch;
use super::workers::{alone, collect, share};
use crate::scan::Deciding;

/// One join on its way: entity rows, their indexes, and what was found so far.
pub(super) struct Join {
    pub(super) views: Arc<[Arc<ViewJoin>]>,
    pub(super) batches: Vec<RecordBatch>,
    pub(super) workers: usize,
    pub(super) scratch: Arc<Scratch>,
    /// For winners and their features.
    pub(super) memory: Arc<MemoryReservation>,
}

/// The parts of the first pass that workers share.
struct Finding {
    views: Arc<[Arc<ViewJoin>]>,
    /// Per view; views that are joined by the same columns share one.
    indexes: Vec<Arc<EntityIndex>>,
    /// Of the views whose rows were begun with.
    candidates: Vec<Mutex<Option<Arc<Candidates>>>>,
    scratch: Arc<Scratch>,
    runtime: Handle,
}

/// What a worker of the first pass keeps.
#[derive(Default)]
struct Worker {
    view: Option<AtHand>,
    keys: Vec<u32>,
}

/// The view whose rows a worker reads.
struct AtHand {
    view: usize,
    candidates: Arc<Candidates>,
    regions: Regions,
}

impl Join {
    /// Per view the answers to all entity rows.
    ///
    /// The reservation holds what they take, and goes with them.
    ///
    /// # Errors
    /// What reading the files answers; `Invalid` when the memory limit is too low.
    pub(super) async fn run(self) -> Result<Vec<Answers>> {
        let finding = Arc::new(Finding::new(&self, Handle::current())?);
        finding.find(self.workers).await?;
        let Finding { indexes, candidates, .. } = alone(finding)?;
        self.scratch.end_reading();
        let mut winners = Vec::with_capacity(self.views.len());
        for ((view, index), candidates) in self.views.iter().zip(&indexes).zip(candidates) {
            let candidates = candidates.into_inner().unwrap_or_else(PoisonError::into_inner);
            winners.push(Arc::new(self.winners(view, index, candidates).await?));
        }
        drop(indexes);
        let answers = self.read_features(winners).await?;
        self.memory.resize(answers.iter().map(Answers::memory).sum());
        Ok(answers)
    }

    /// The winners of one view.
    async fn winners(
        &self,
        view: &Arc<ViewJoin>,
        index: &Arc<EntityIndex>,
        candidates: Option<Arc<Candidates>>,
    ) -> Result<Choice> {
        let entities = index.slot_of_row().len();
        self.scratch.grow(&self.memory, Choice::memory(entities, view.scan.end()))?;
        // Where there is nothing to be read, nothing was begun with.
        let candidates = match candidates {
            Some(candidates) => candidates,
            None => Arc::new(self.scratch.candidates(index)?),
        };
        let winners = Choice::choose(view, index, &candidates, &self.batches, self.workers);
        let winners = winners.await?;
        self.memory.shrink(entities * size_of::<u64>());
        self.scratch.put_candidates(index, alone(candidates)?);
        Ok(winners)
    }

    /// The second pass: the features of the winners.
    async fn read_features(&self, winners: Vec<Arc<Choice>>) -> Result<Vec<Answers>> {
        let mut groups = Vec::new();
        for (view, (join, winners)) in self.views.iter().zip(&winners).enumerate() {
            let with_winners =
                (0..join.scan.groups()).filter(|&g| join.scan.wins(g, &winners.rows));
            groups.extend(with_winners.map(|group| (view, group)));
        }
        let (views, runtime) = (Arc::clone(&self.views), Handle::current());
        let (scratch, memory) = (Arc::clone(&self.scratch), Arc::clone(&self.memory));
        let (of_views, tasks) = (winners.clone(), groups.clone());
        let read = move |task: usize| {
            let (view, group) = tasks[task];
            let parts = views[view].scan.features_of(group, &of_views[view].rows, &runtime)?;
            scratch.grow(&memory, parts.iter().map(RecordBatch::get_array_memory_size).sum())?;
            Ok(parts)
        };
        let read = collect(self.workers, groups.len(), read).await?;
        let mut of_views = vec![Vec::new(); self.views.len()];
        for ((view, _), mut parts) in groups.into_iter().zip(read) {
            of_views[view].append(&mut parts);
        }
        let mut answers = Vec::with_capacity(of_views.len());
        for ((join, parts), winners) in self.views.iter().zip(of_views).zip(winners) {
            let Choice { of_entity, .. } = alone(winners)?;
            answers.push(Answers::new(&join.scan.features, &parts, of_entity));
        }
        Ok(answers)
    }
}

impl Finding {
    fn new(join: &Join, runtime: Handle) -> Result<Self> {
        let views = Arc::clone(&join.views);
        let indexes = views.iter().map(|view| join.scratch.index(&view.by, &join.batches));
        let indexes = indexes.collect::<Result<_>>()?;
        let candidates = views.iter().map(|_| Mutex::new(None)).collect();
        Ok(Self { views, indexes, candidates, scratch: Arc::clone(&join.scratch), runtime })
    }

    /// The first pass: keys and times of all feature rows within reach.
    async fn find(self: &Arc<Self>, workers: usize) -> Result<()> {
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
        let hand_over = move |mut worker: Worker| {
            end.hand_over(&mut worker);
            Ok(())
        };
        share(workers, count, Worker::default, offer, hand_over).await
    }

    fn offer_piece(&self, worker: &mut Worker, view: usize, piece: usize) -> Result<()> {
        let (join, index) = (&self.views[view], &self.indexes[view]);
        if worker.view.as_ref().is_none_or(|at_hand| at_hand.view != view) {
            self.hand_over(worker);
            worker.view = Some(self.take_up(view)?);
        }
        let Worker { view: Some(at_hand), keys } = worker else { return Ok(()) };
        for rows in join.scan.deciding(piece, &self.runtime)? {
            offer(join, index, &rows?, keys, at_hand)?;
        }
        Ok(())
    }

    /// Begins with the rows of a view.
    fn take_up(&self, view: usize) -> Result<AtHand> {
        let (index, reach) = (&self.indexes[view], self.views[view].reach());
        let regions = self.scratch.regions(index, reach)?;
        let mut shared = self.candidates[view].lock().unwrap_or_else(PoisonError::into_inner);
        let candidates = match &mut *shared {
            Some(candidates) => Arc::clone(candidates),
            none => Arc::clone(none.insert(Arc::new(self.scratch.candidates(index)?))),
        };
        Ok(AtHand { view, candidates, regions })
    }

    /// Enters what waits, and leaves the view.
    fn hand_over(&self, worker: &mut Worker) {
        let Some(AtHand { view, candidates, mut regions }) = worker.view.take() else { return };
        let index = &self.indexes[view];
        regions.settle(index, &candidates);
        self.scratch.put_regions(index, regions);
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
        at_hand.regions.offer(index, offers, &at_hand.candidates);
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
