//! What views that are joined one after the other use in turn.

use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::RecordBatch;
use datafusion::execution::memory_pool::MemoryReservation;
use larder_core::Result;

use super::candidates::Candidates;
use super::index::{EntityIndex, IndexBy};
use super::regions::Regions;
use crate::failure::from_datafusion;

/// Indexes of one set of entity rows, and the memory of views before for those after them.
///
/// An index is made by one thread while the others wait, and to touch new memory costs more than to use it again. Besides
/// the allocator gives back late what is freed: when the next view took new memory, a join held a tenth more than its
/// limit.
#[derive(Debug)]
pub(super) struct Scratch {
    held: Mutex<Held>,
    /// All that was made and not given back, whoever has it.
    memory: MemoryReservation,
    /// Whether it is for joins to come too, and not only for the views of one.
    lasting: bool,
}

#[derive(Debug, Default)]
struct Held {
    indexes: Vec<(IndexBy, Arc<EntityIndex>)>,
    candidates: Vec<(Arc<EntityIndex>, Candidates)>,
    regions: Vec<(Arc<EntityIndex>, Regions)>,
}

impl Scratch {
    /// Nothing; what is to come is for one join, and is accounted to `memory`.
    pub(super) fn of_one(memory: MemoryReservation) -> Self {
        Self { held: Mutex::default(), memory, lasting: false }
    }

    /// As [`of_one`](Self::of_one), for joins one after the other.
    pub(super) fn of_many(memory: MemoryReservation) -> Self {
        Self { lasting: true, ..Self::of_one(memory) }
    }

    /// The index of the rows of all batches by these columns.
    ///
    /// # Errors
    /// `Invalid` when there are too many rows, and when the memory limit is too low.
    pub(super) fn index(&self, by: &IndexBy, batches: &[RecordBatch]) -> Result<Arc<EntityIndex>> {
        let same = |(known, _): &&(IndexBy, Arc<EntityIndex>)| known == by;
        if let Some((_, index)) = self.with(|held| held.indexes.iter().find(same).cloned()) {
            return Ok(index);
        }
        let estimate = EntityIndex::estimate(batches.iter().map(RecordBatch::num_rows).sum());
        self.grow(&self.memory, estimate)?;
        let index = EntityIndex::build(batches, by);
        self.memory.shrink(estimate);
        let index = Arc::new(index?);
        self.grow(&self.memory, index.memory())?;
        self.with(|held| held.indexes.push((by.clone(), Arc::clone(&index))));
        Ok(index)
    }

    /// Gives everything back but what belongs to the index by these columns.
    pub(super) fn keep_only(&self, by: &IndexBy) {
        let gone: usize = self.with(|held| {
            let gone = held.indexes.extract_if(.., |(known, _)| known != by);
            let gone: Vec<Arc<EntityIndex>> = gone.map(|(_, index)| index).collect();
            let of_gone =
                |index: &Arc<EntityIndex>| gone.iter().any(|gone| Arc::ptr_eq(gone, index));
            let indexes: usize = gone.iter().map(|index| index.memory()).sum();
            indexes + held.drop_free(of_gone)
        });
        self.memory.shrink(gone);
    }

    /// No candidates, for one view.
    ///
    /// # Errors
    /// `Invalid` when the memory limit is too low.
    pub(super) fn candidates(&self, index: &Arc<EntityIndex>) -> Result<Candidates> {
        if let Some(mut candidates) = self.with(|held| take(&mut held.candidates, index)) {
            candidates.clear();
            return Ok(candidates);
        }
        self.grow(&self.memory, Candidates::memory(index))?;
        Ok(Candidates::new(index))
    }

    /// As [`candidates`](Self::candidates); `reach` is that of [`Regions::new`].
    pub(super) fn regions(&self, index: &Arc<EntityIndex>, reach: i64) -> Result<Regions> {
        if let Some(mut regions) = self.with(|held| take(&mut held.regions, index)) {
            regions.begin(reach);
            return Ok(regions);
        }
        self.grow(&self.memory, Regions::memory(index))?;
        Ok(Regions::new(index, reach))
    }

    /// Takes candidates for another view, if there is one to come.
    pub(super) fn put_candidates(&self, index: &Arc<EntityIndex>, candidates: Candidates) {
        if self.lasting {
            self.with(|held| held.candidates.push((Arc::clone(index), candidates)));
        } else {
            drop(candidates);
            self.memory.shrink(Candidates::memory(index));
        }
    }

    /// Takes regions whose rows are all entered, for another view.
    pub(super) fn put_regions(&self, index: &Arc<EntityIndex>, regions: Regions) {
        self.with(|held| held.regions.push((Arc::clone(index), regions)));
    }

    /// All feature rows of a join were read: gives regions back, if no join is to come.
    pub(super) fn end_reading(&self) {
        if !self.lasting {
            self.let_go();
        }
    }

    /// Takes memory from a pool, for which that which waits for other views is given back if need be.
    ///
    /// # Errors
    /// `Invalid` when the memory limit is too low.
    pub(super) fn grow(&self, memory: &MemoryReservation, bytes: usize) -> Result<()> {
        if memory.try_grow(bytes).is_ok() {
            return Ok(());
        }
        self.let_go();
        memory.try_grow(bytes).map_err(from_datafusion)
    }

    /// Gives back what waits for other views.
    fn let_go(&self) {
        self.memory.shrink(self.with(|held| held.drop_free(|_| true)));
    }

    fn with<T>(&self, work: impl FnOnce(&mut Held) -> T) -> T {
        work(&mut self.held.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Held {
    /// Frees candidates and regions of some indexes: how many bytes those were.
    fn drop_free(&mut self, of: impl Fn(&Arc<EntityIndex>) -> bool) -> usize {
        let candidates = self.candidates.extract_if(.., |(index, _)| of(index));
        let candidates: usize = candidates.map(|(index, _)| Candidates::memory(&index)).sum();
        let regions = self.regions.extract_if(.., |(index, _)| of(index));
        candidates + regions.map(|(index, _)| Regions::memory(&index)).sum::<usize>()
    }
}

fn take<T>(free: &mut Vec<(Arc<EntityIndex>, T)>, index: &Arc<EntityIndex>) -> Option<T> {
    let at = free.iter().position(|(known, _)| Arc::ptr_eq(known, index))?;
    Some(free.swap_remove(at).1)
}
