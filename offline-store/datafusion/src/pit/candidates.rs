//! The best feature row per slot.

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
/// The order of offers does not matter, so every worker has its own and they are merged.
#[derive(Debug)]
pub(super) struct Candidates {
    slots: Vec<Candidate>,
}

impl Candidates {
    /// Bytes per slot.
    pub(super) const PER_SLOT: usize = size_of::<Candidate>();

    /// No candidate for any slot.
    pub(super) fn new(index: &EntityIndex) -> Self {
        Self { slots: vec![NONE; index.slots() as usize] }
    }

    /// Bytes of the candidates of an index.
    pub(super) fn memory(index: &EntityIndex) -> usize {
        index.slots() as usize * Self::PER_SLOT
    }

    /// Takes all candidates out.
    pub(super) fn clear(&mut self) {
        self.slots.fill(NONE);
    }

    /// Enters a row where it is better than what is there.
    pub(super) fn offer(&mut self, slot: u32, offer: Candidate) {
        let best = &mut self.slots[slot as usize];
        if offer > *best {
            *best = offer;
        }
    }

    /// The candidates of slots that follow each other.
    pub(super) fn of_slots(&self, slots: std::ops::Range<usize>) -> &[Candidate] {
        &self.slots[slots]
    }

    /// Takes over what is better in `other`, of the same index.
    pub(super) fn merge(&mut self, other: &Self) {
        for (best, offer) in self.slots.iter_mut().zip(&other.slots) {
            *best = (*best).max(*offer);
        }
    }

    /// Lets every slot of a run that has none, or a worse one, take the candidate of the slot before it.
    pub(super) fn carry_forward(&mut self, runs: impl Iterator<Item = std::ops::Range<usize>>) {
        for run in runs {
            let mut best = NONE;
            for slot in &mut self.slots[run] {
                best = best.max(*slot);
                *slot = best;
            }
        }
    }

    /// The position of a slot's row, unless its event time is before `oldest`.
    pub(super) fn row(&self, slot: u32, oldest: i64) -> Option<u64> {
        let candidate = self.slots.get(slot as usize)?;
        candidate.row.checked_sub(1).filter(|_| candidate.event >= oldest)
    }
}
