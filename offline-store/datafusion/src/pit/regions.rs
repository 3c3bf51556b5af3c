//! Feature rows on their way to their slots.
//!
//! Feature rows come in no order, and slots in no order are slow to reach: most of the time went into waiting for them.
//! So rows are collected by region of keys, and when there are enough of a region, its slots are read in a row, which
//! brings them into a near cache, and then served in any order. The slots of the rows are found first, without a branch
//! that depends on them, and written afterwards.
//!
//! Where candidates are looked at, no other worker enters rows of the region: a lock for thousands of rows costs nothing.
//!
//! Each of the three, regions, slots in a row and no branches, made this loop faster, also where the slots fit in the
//! second cache (`cargo xtask bench pit`).

use super::candidates::{Candidate, Candidates, NO_TIME};
use super::index::EntityIndex;
use super::key_index::NO_KEY;
use super::layout::Layout;

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

/// Rows of a region that are collected.
const ROOM: usize = 4096;
/// Slots of a region are read in a row when there are no more than this many per row.
const SLOTS_PER_ROW: usize = 8;

/// A row that waits.
#[derive(Debug, Clone, Copy, Default)]
struct Waiting {
    event: i64,
    created: i64,
    position: u64,
    key: u32,
}

/// Rows that wait, by region.
#[derive(Debug)]
pub(super) struct Regions {
    /// Room for the rows of each region, one after the other.
    rows: Vec<Waiting>,
    /// From when on each row can answer, empty when that is its event time.
    visible: Vec<i64>,
    /// How many rows of each region there are.
    waiting: Vec<usize>,
    /// Rows of the region at hand with their slots.
    found: Vec<(u32, u32)>,
    reach: i64,
}

impl Regions {
    /// No row for the slots of an index. Rows that are older than a slot's time by more than `reach` ticks can serve no
    /// entity row and are left out.
    pub(super) fn new(index: &EntityIndex, reach: i64) -> Self {
        let regions = index.layout().regions();
        Self {
            rows: vec![Waiting::default(); regions * ROOM],
            visible: Vec::new(),
            waiting: vec![0; regions],
            found: vec![(0, 0); ROOM + 1],
            reach,
        }
    }

    /// Bytes of the regions of an index with this many slots, at most.
    pub(super) fn estimate(slots: usize) -> usize {
        Layout::most(slots) * ROOM * size_of::<Waiting>()
    }

    /// Bytes of the regions of an index.
    pub(super) fn memory(index: &EntityIndex) -> usize {
        index.layout().regions() * ROOM * size_of::<Waiting>()
    }

    /// Begins anew for other rows, all rows having been entered.
    pub(super) fn begin(&mut self, reach: i64) {
        self.visible.clear();
        self.reach = reach;
    }

    /// Collects rows, and enters those of regions that are full.
    pub(super) fn offer(&mut self, index: &EntityIndex, offers: Offers<'_>, to: &Candidates) {
        if offers.visible.is_some() {
            self.visible.resize(self.rows.len(), NO_TIME);
        }
        for (row, (&key, &event)) in offers.keys.iter().zip(offers.events).enumerate() {
            let visible = offers.visible.map(|visible| visible[row]);
            if key == NO_KEY || visible == Some(NO_TIME) {
                continue;
            }
            let region = index.layout().of_key(key);
            let place = region * ROOM + self.waiting[region];
            self.rows[place] = Waiting {
                event,
                created: offers.created.map_or(NO_TIME, |created| created[row]),
                position: offers.position + row as u64,
                key,
            };
            if let Some(visible) = visible {
                self.visible[place] = visible;
            }
            self.waiting[region] += 1;
            if self.waiting[region] == ROOM {
                self.enter(index, region, to);
            }
        }
    }

    /// Enters the rows of all regions.
    pub(super) fn settle(&mut self, index: &EntityIndex, to: &Candidates) {
        (0..self.waiting.len()).for_each(|region| self.enter(index, region, to));
    }

    fn enter(&mut self, index: &EntityIndex, region: usize, to: &Candidates) {
        let waiting = std::mem::take(&mut self.waiting[region]);
        if waiting == 0 {
            return;
        }
        let slots = index.layout().slots(region);
        let in_a_row = slots.len() <= waiting * SLOTS_PER_ROW;
        if in_a_row {
            read(index.last_events(slots.clone()), |last| *last);
        }
        let places = region * ROOM..region * ROOM + waiting;
        let rows = &self.rows[places.clone()];
        let visible = self.visible.get(places);
        let mut found = 0;
        for (at, row) in (0_u32..).zip(rows) {
            let visible = visible.map(|visible| visible[at as usize]);
            let (slot, serves) = index.first_slot(row.key, row.event, visible, self.reach);
            self.found[found] = (at, slot);
            found += usize::from(serves);
        }
        let mut best = to.enter(region, slots.len());
        if in_a_row {
            read(best.all(), |candidate| candidate.event);
        }
        for &(at, slot) in &self.found[..found] {
            let Waiting { event, created, position, .. } = rows[at as usize];
            best.offer(
                slot as usize - slots.start,
                Candidate { event, created, row: position + 1 },
            );
        }
    }
}

/// Reads every cache line of what lies in a row.
fn read<T>(values: &[T], word: impl Fn(&T) -> i64) {
    /// Bytes of a cache line.
    const LINE: usize = 64;
    let step = (LINE / size_of::<T>()).max(1);
    let all = values.iter().step_by(step).fold(0, |all, value| all ^ word(value));
    std::hint::black_box(all);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int64Array, RecordBatch, TimestampSecondArray};
    use arrow_schema::{DataType, TimeUnit};

    use super::super::index::IndexBy;
    use super::*;

    /// Entity rows of `keys` keys at the times 100, 200 and 300.
    fn index(keys: i64) -> EntityIndex {
        let rows = (0..keys).flat_map(|key| [100, 200, 300].map(|time| (key, time)));
        let (keys, times): (Vec<i64>, Vec<i64>) = rows.unzip();
        let columns: [(&str, ArrayRef); 2] = [
            ("key", Arc::new(Int64Array::from(keys))),
            ("time", Arc::new(TimestampSecondArray::from(times))),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let by = IndexBy {
            keys: vec![(0, DataType::Int64)],
            time: 1,
            event_unit: TimeUnit::Second,
            visible_unit: None,
        };
        EntityIndex::build(&[batch], &by).unwrap()
    }

    #[test]
    fn rows_are_entered_whether_their_region_is_full_or_not() {
        const ROWS: u32 = 20_000;
        let index = index(10_000);
        let candidates = Candidates::new(&index);
        let mut regions = Regions::new(&index, 50);
        // Of each key one row that serves the second slot, but every other is too old.
        let keys: Vec<u32> = (0..ROWS).map(|row| row % 10_000).collect();
        let events: Vec<i64> = (0..ROWS).map(|row| if row % 2 == 0 { 151 } else { 149 }).collect();
        let offers =
            Offers { keys: &keys, events: &events, created: None, visible: None, position: 7 };
        regions.offer(&index, offers, &candidates);
        regions.settle(&index, &candidates);
        let best = candidates.chosen(&index);
        for key in 0..10_000 {
            let rows = [0, 1, 2].map(|slot| best.row(3 * key + slot, 0));
            let served = (key % 2 == 0).then_some(u64::from(key) + 10_000 + 7);
            assert_eq!(rows, [None, served, None], "key {key}");
        }
    }
}
