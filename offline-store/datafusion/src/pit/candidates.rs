//! The best feature row per slot.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::index::EntityIndex;

/// The newest row of a slot so far: greatest event time, then created time, then position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Candidate {
    pub(super) event: i64,
    /// [`NO_TIME`] without one.
    pub(super) created: i64,
    /// One more than the row's position, 0 for no row.
    pub(super) row: u64,
}

const NONE: Candidate = Candidate { event: i64::MIN, created: NO_TIME, row: 0 };

/// Stands for a created time that is null, which loses to every other.
pub(super) const NO_TIME: i64 = i64::MIN;

/// The best candidates of all slots of an index.
///
/// The order of offers does not matter. All workers share them, and one at a time enters rows of a region: to each its own
/// took as much memory for every processor more.
#[derive(Debug)]
pub(super) struct Candidates {
    regions: Vec<RwLock<Region>>,
}

/// Candidates of the slots of a region.
#[derive(Debug, Default)]
struct Region {
    /// Whether there is a row for some slot; else what is in `slots` is of before.
    begun: bool,
    slots: Vec<Candidate>,
}

impl Candidates {
    /// Bytes per slot.
    pub(super) const PER_SLOT: usize = size_of::<Candidate>();

    /// No candidate for any slot.
    pub(super) fn new(index: &EntityIndex) -> Self {
        let regions = index.layout().regions();
        Self { regions: (0..regions).map(|_| RwLock::default()).collect() }
    }

    /// Bytes of the candidates of an index.
    pub(super) fn memory(index: &EntityIndex) -> usize {
        index.slots() as usize * Self::PER_SLOT
    }

    /// Takes all candidates out; the memory stays, because to touch new memory costs more than to use it again.
    pub(super) fn clear(&mut self) {
        for region in &mut self.regions {
            region.get_mut().unwrap_or_else(PoisonError::into_inner).begun = false;
        }
    }

    /// The candidates of a region with so many slots, for a worker alone.
    pub(super) fn enter(&self, region: usize, slots: usize) -> Entering<'_> {
        let mut region = self.regions[region].write().unwrap_or_else(PoisonError::into_inner);
        if !region.begun {
            region.begun = true;
            region.slots.clear();
            region.slots.resize(slots, NONE);
        }
        Entering(region)
    }

    /// Lets every slot of a key that has none, or a worse one, take the candidate of the slot before it.
    pub(super) fn carry_forward(&self, region: usize, index: &EntityIndex) {
        let mut at_hand = self.regions[region].write().unwrap_or_else(PoisonError::into_inner);
        if !at_hand.begun {
            return;
        }
        let first = index.layout().slots(region).start;
        for key in index.layout().keys(region, index.keys()) {
            let run = index.slots_of(key);
            let mut best = NONE;
            for slot in &mut at_hand.slots[run.start - first..run.end - first] {
                best = best.max(*slot);
                *slot = best;
            }
        }
    }

    /// The candidates as they are, of which none can be entered for the time.
    pub(super) fn chosen<'a>(&'a self, index: &'a EntityIndex) -> Chosen<'a> {
        let regions = self.regions.iter();
        let read =
            |region: &'a RwLock<Region>| region.read().unwrap_or_else(PoisonError::into_inner);
        Chosen { index, regions: regions.map(read).collect() }
    }
}

/// The candidates of one region.
#[derive(Debug)]
pub(super) struct Entering<'a>(RwLockWriteGuard<'a, Region>);

impl Entering<'_> {
    /// All of them, in the order of their slots.
    pub(super) fn all(&self) -> &[Candidate] {
        &self.0.slots
    }

    /// Enters a row, where it is better than what is there, for one of the region's slots.
    pub(super) fn offer(&mut self, slot: usize, offer: Candidate) {
        let best = &mut self.0.slots[slot];
        if offer > *best {
            *best = offer;
        }
    }
}

/// Candidates of all regions.
#[derive(Debug)]
pub(super) struct Chosen<'a> {
    index: &'a EntityIndex,
    regions: Vec<RwLockReadGuard<'a, Region>>,
}

impl Chosen<'_> {
    /// The position of a slot's row, unless its event time is before `oldest`.
    pub(super) fn row(&self, slot: u32, oldest: i64) -> Option<u64> {
        if slot >= self.index.slots() {
            return None;
        }
        let (region, at) = self.index.layout().place(slot);
        let Region { begun: true, slots } = &*self.regions[region] else { return None };
        let candidate = slots[at];
        candidate.row.checked_sub(1).filter(|_| candidate.event >= oldest)
    }
}
