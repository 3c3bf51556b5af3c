//! The best feature row per slot.

use super::index::{EntityIndex, NO_SLOT};

/// The newest row of a slot so far: greatest event time, then created time, then position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    event: i64,
    created: i64,
    /// One more than the row's position, 0 for no row.
    row: u64,
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

/// Rows at a time: what one loop writes, the next finds in the nearest cache.
const ROWS: usize = 1024;

/// Feature rows whose keys were looked up; their positions follow each other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Offers<'a> {
    /// Numbers of keys; rows that cannot win have none.
    pub(super) keys: &'a [u32],
    pub(super) events: &'a [i64],
    /// Created times, when the source has them.
    pub(super) created: Option<&'a [i64]>,
    /// From when on rows can answer, when that is later than their event time.
    pub(super) visible: Option<&'a [i64]>,
    /// Position of the first row.
    pub(super) position: u64,
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

    /// Enters rows where they are better than what is there.
    ///
    /// Rows that are older than a slot's time by more than `reach` ticks can serve no entity row and are left out.
    ///
    /// The look-ups miss the caches: slots of many rows are found before any is written, so that the misses of
    /// different rows overlap. Neither a search without a branch over a window of eight times, nor a look at the candidates
    /// before any of them is written, nor large pages made a join of 1 M x 10 M rows faster (3.4 s of CPU time in user mode
    /// as it is, 4.0 s with both; two runs on a machine that was not quiet): half of it is spent waiting for times and
    /// candidates in no order.
    pub(super) fn offer(&mut self, index: &EntityIndex, offers: Offers<'_>, reach: i64) {
        let mut slots = [NO_SLOT; ROWS];
        for start in (0..offers.keys.len()).step_by(ROWS) {
            let end = offers.keys.len().min(start + ROWS);
            let keys = offers.keys[start..end].iter().zip(&offers.events[start..end]);
            for (local, (&key, &event)) in keys.enumerate() {
                let visible = offers.visible.map(|visible| visible[start + local]);
                let visible = visible.filter(|visible| *visible != NO_TIME);
                let slot = index.first_slot(key, event, visible);
                let fresh =
                    slot != NO_SLOT && event >= index.last_event(slot).saturating_sub(reach);
                slots[local] = if fresh { slot } else { NO_SLOT };
            }
            let found = slots[..end - start].iter().zip(start..);
            for (&slot, row) in found.filter(|(slot, _)| **slot != NO_SLOT) {
                let offer = Candidate {
                    event: offers.events[row],
                    created: offers.created.map_or(NO_TIME, |created| created[row]),
                    row: offers.position + row as u64 + 1,
                };
                let best = &mut self.slots[slot as usize];
                if offer > *best {
                    *best = offer;
                }
            }
        }
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
