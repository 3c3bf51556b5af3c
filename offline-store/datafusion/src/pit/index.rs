//! Entity rows by key and time.

use std::time::Duration;

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use larder_core::{Error, Result};
use larder_offline_store::{Instants, ceil_ticks, floor_ticks};

use super::key_index::{KeyIndex, NO_KEY};
use super::layout::Layout;
use crate::failure::from_arrow;

/// Entity rows that share key and time share a slot; this is the slot of a row without key or time.
pub(super) const NO_SLOT: u32 = u32::MAX;

/// Slots of all entity rows, per key in order of time.
#[derive(Debug)]
pub(super) struct EntityIndex {
    keys: KeyIndex,
    /// Where the slots of each key start; one entry more than keys.
    starts: Vec<u32>,
    slots: u32,
    /// Per slot the last tick of the feature side's event time that is not after the slot's time; then a window more.
    last_event: Vec<i64>,
    /// The same for the times from which rows are visible; empty when that is their event time.
    last_visible: Vec<i64>,
    /// Per entity row its slot.
    slot_of_row: Vec<u32>,
    layout: Layout,
}

/// What entity rows are indexed by; views that agree in it share an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct IndexBy {
    /// Key columns with the types in which they are compared.
    pub(super) keys: Vec<(usize, DataType)>,
    /// Time column.
    pub(super) time: usize,
    /// Unit of the feature side's event times.
    pub(super) event_unit: TimeUnit,
    /// Unit of the times from which feature rows are visible, when that is not their event time.
    pub(super) visible_unit: Option<TimeUnit>,
}

impl EntityIndex {
    /// Indexes the rows of all batches.
    ///
    /// Comparing in the units of the feature side is exact: an instant is not after another exactly when it is not
    /// after the last tick that is not after it.
    pub(super) fn build(batches: &[RecordBatch], by: &IndexBy) -> Result<Self> {
        let count: usize = batches.iter().map(RecordBatch::num_rows).sum();
        if u32::try_from(count).is_ok_and(|count| count < NO_SLOT) {
            let (columns, types): (Vec<_>, Vec<_>) = by.keys.iter().cloned().unzip();
            let keyed = batches.iter().map(|batch| batch.project(&columns));
            let keyed = keyed.collect::<Result<Vec<_>, _>>().map_err(from_arrow)?;
            let (keys, numbers) = KeyIndex::build(&types, &keyed)?;
            let times = batches.iter().map(|batch| Instants::read(batch.column(by.time)));
            let rows = ByKey::group(&numbers, &times.collect::<Result<Vec<_>>>()?, keys.len());
            return Ok(Self::of_rows(keys, rows, count, by));
        }
        Err(Error::invalid(format!("{count} entity rows are more than one join takes"))
            .with_hint("split the entity rows into several requests"))
    }

    fn of_rows(keys: KeyIndex, by_key: ByKey, count: usize, by: &IndexBy) -> Self {
        let ByKey { rows, starts, unit } = by_key;
        let mut index = Self {
            starts: Vec::new(),
            slots: 0,
            last_event: Vec::with_capacity(rows.len() + WINDOW),
            last_visible: Vec::new(),
            slot_of_row: vec![NO_SLOT; count],
            layout: Layout::new(&[0]),
            keys,
        };
        let mut slots_from = starts;
        let mut from = 0;
        for key in 0..slots_from.len() - 1 {
            let until = slots_from[key + 1];
            slots_from[key] = index.slots;
            let mut before = None;
            for &(tick, row) in &rows[from as usize..until as usize] {
                let down = |into| rounded_down(tick, unit, into);
                let time = (down(by.event_unit), by.visible_unit.map(down));
                if before != Some(time) {
                    index.last_event.push(time.0);
                    index.last_visible.extend(time.1);
                    index.slots += 1;
                }
                index.slot_of_row[row as usize] = index.slots - 1;
                before = Some(time);
            }
            from = until;
        }
        if let Some(end) = slots_from.last_mut() {
            *end = index.slots;
        }
        index.layout = Layout::new(&slots_from);
        index.starts = slots_from;
        index.last_event.extend([i64::MAX; WINDOW]);
        if by.visible_unit.is_some() {
            index.last_visible.extend([i64::MAX; WINDOW]);
        }
        index
    }

    /// How many slots there are: never more than entity rows.
    pub(super) fn slots(&self) -> u32 {
        self.slots
    }

    /// One more than the greatest number of a key.
    pub(super) fn keys(&self) -> usize {
        self.starts.len() - 1
    }

    /// How keys are cut into regions.
    pub(super) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The slots of a key, in order of time.
    pub(super) fn slots_of(&self, key: usize) -> std::ops::Range<usize> {
        self.starts[key] as usize..self.starts[key + 1] as usize
    }

    /// The last ticks of slots.
    pub(super) fn last_events(&self, slots: std::ops::Range<usize>) -> &[i64] {
        &self.last_event[slots]
    }

    /// The slot of each entity row, counted over all batches.
    pub(super) fn slot_of_row(&self) -> &[u32] {
        &self.slot_of_row
    }

    /// The numbers of the keys of feature rows.
    pub(super) fn find(
        &self,
        columns: &[ArrayRef],
        rows: usize,
        numbers: &mut Vec<u32>,
    ) -> Result<()> {
        self.keys.find(columns, rows, numbers)
    }

    /// The first slot that a feature row of a key can serve by its times, and whether there is one that is later than
    /// the row by no more than `reach` ticks, of which the greatest number means no limit.
    #[expect(clippy::needless_bitwise_bool, reason = "without a branch")]
    pub(super) fn first_slot(
        &self,
        key: u32,
        event: i64,
        visible: Option<i64>,
        reach: i64,
    ) -> (u32, bool) {
        let (start, end) = (self.starts[key as usize], self.starts[key as usize + 1]);
        let mut first = start + position(&self.last_event, start, end, event);
        if let Some(visible) = visible {
            first += position(&self.last_visible, first, end, visible);
        }
        // Behind the last slot there is a window more.
        let last = self.last_event[first as usize];
        let oldest = if reach == i64::MAX { i64::MIN } else { last.saturating_sub(reach) };
        (first, (first < end) & (event >= oldest))
    }

    /// Bytes held.
    pub(super) fn memory(&self) -> usize {
        let words = self.last_event.capacity() + self.last_visible.capacity();
        let halves = self.starts.capacity() + self.slot_of_row.capacity();
        self.keys.memory()
            + self.layout.memory()
            + words * size_of::<i64>()
            + halves * size_of::<u32>()
    }

    /// Bytes that an index of this many rows takes while it is built, whatever its keys are.
    pub(super) fn estimate(rows: usize) -> usize {
        rows * (4 * size_of::<i64>() + 4 * size_of::<u32>())
    }
}

/// Runs of so few times are looked at as a whole: without a branch, so that the next row is not kept waiting.
const WINDOW: usize = 8;

/// How many times lie before this one, of the ascending run from `start` to `end`, behind which there is a window more.
fn position(times: &[i64], start: u32, end: u32, time: i64) -> u32 {
    let (length, run) = (end - start, start as usize..end as usize);
    match times[run.start..].first_chunk::<WINDOW>() {
        Some(window) if run.len() <= WINDOW => {
            let before = (0..).zip(window).map(|(at, last)| u32::from(*last < time) << at);
            (before.fold(0, |all, one| all | one) & ((1 << length) - 1)).count_ones()
        }
        _ => {
            let before = times[run].partition_point(|last| *last < time);
            u32::try_from(before).unwrap_or(length)
        }
    }
}

/// Rows grouped by key, in order of time within each.
struct ByKey {
    /// Times and row numbers.
    rows: Vec<(i64, u32)>,
    /// What one tick of the times is.
    unit: TimeUnit,
    /// Where each key's rows start; one entry more than keys.
    starts: Vec<u32>,
}

impl ByKey {
    /// Groups by counting, then sorts each key's few rows; rows without a key or a time are left out.
    fn group(numbers: &[u32], times: &[Instants], keys: usize) -> Self {
        let unit = times.first().map_or(TimeUnit::Microsecond, |times| times.unit);
        let ticks = || times.iter().flat_map(|times| times.ticks.iter());
        let mut starts = vec![0_u32; keys + 2];
        for (&key, _) in numbers.iter().zip(ticks()).filter(|(key, tick)| has_both(**key, *tick)) {
            starts[key as usize + 2] += 1;
        }
        for key in 2..starts.len() {
            starts[key] += starts[key - 1];
        }
        let mut rows = vec![(0, 0); starts.last().map_or(0, |count| *count as usize)];
        for (row, (&key, tick)) in (0_u32..).zip(numbers.iter().zip(ticks())) {
            if let Some(tick) = tick.filter(|_| key != NO_KEY) {
                // What was the start of the next key is the place of this key's next row, and in the end its end.
                let next = &mut starts[key as usize + 1];
                rows[*next as usize] = (tick, row);
                *next += 1;
            }
        }
        starts.pop();
        for key in starts.windows(2) {
            rows[key[0] as usize..key[1] as usize].sort_unstable();
        }
        Self { rows, unit, starts }
    }
}

fn has_both(key: u32, tick: Option<i64>) -> bool {
    key != NO_KEY && tick.is_some()
}

/// The last tick of a unit that is not after a tick of another.
fn rounded_down(tick: i64, unit: TimeUnit, into: TimeUnit) -> i64 {
    if unit == into { tick } else { floor_ticks(larder_offline_store::nanos(tick, unit), into) }
}

/// Per entity row the first tick of the feature side that is not older than the ttl, null times giving none.
pub(super) fn oldest_ticks(
    times: &ArrayRef,
    ttl: Option<Duration>,
    unit: TimeUnit,
) -> Result<Vec<i64>> {
    let Some(ttl) = ttl else { return Ok(vec![i64::MIN; times.len()]) };
    let times = Instants::read(times)?;
    let nanos = i128::try_from(ttl.as_nanos()).unwrap_or(i128::MAX);
    if times.unit == unit && times.ticks.null_count() == 0 {
        let ticks = ceil_ticks(nanos, unit);
        if larder_offline_store::nanos(ticks, unit) == nanos {
            return Ok(times
                .ticks
                .values()
                .iter()
                .map(|tick| tick.saturating_sub(ticks))
                .collect());
        }
    }
    let oldest =
        |row| times.nanos(row).map_or(i64::MAX, |t| ceil_ticks(t.saturating_sub(nanos), unit));
    Ok((0..times.ticks.len()).map(oldest).collect())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{Int64Array, TimestampMillisecondArray};

    use super::*;

    fn index(rows: &[(Option<i64>, Option<i64>)]) -> EntityIndex {
        let keys: Int64Array = rows.iter().map(|(key, _)| *key).collect();
        let times: TimestampMillisecondArray = rows.iter().map(|(_, time)| *time).collect();
        let columns: [(&str, ArrayRef); 2] = [("key", Arc::new(keys)), ("time", Arc::new(times))];
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
    fn rows_of_one_key_and_tick_share_a_slot_and_nulls_have_none() {
        let rows = [(Some(7), Some(2_900)), (Some(9), Some(0)), (Some(7), Some(2_100))];
        let index = index(&[&rows[..], &[(None, Some(1)), (Some(7), None)]].concat());
        assert_eq!(index.slot_of_row(), [0, 1, 0, NO_SLOT, NO_SLOT]);
        // Between 7 and 9 there is a number without a key.
        assert_eq!([0, 1, 2].map(|key| index.slots_of(key)), [0..1, 1..1, 1..2]);
    }

    #[test]
    fn the_first_slot_is_the_earliest_that_is_not_before_the_event() {
        let rows: Vec<_> = (0..40).map(|second| (Some(1), Some(second * 2_000))).collect();
        for count in [5, WINDOW, 40] {
            let index = index(&rows[..count]);
            let count = u32::try_from(count).unwrap();
            let last = i64::from(count) * 2 - 2;
            for (event, slot) in [(-1, 0), (0, 0), (1, 1), (2, 1), (8, 4), (last + 1, count)] {
                let found = index.first_slot(0, event, None, i64::MAX);
                assert_eq!(found, (slot, slot < count), "{event} of {count}");
            }
        }
    }

    #[test]
    fn a_slot_out_of_reach_is_not_served_and_without_a_limit_none_is_out_of_reach() {
        let index = index(&[(Some(1), Some(9_000)), (Some(2), Some(1_000))]);
        assert_eq!(index.first_slot(0, 4, None, 5), (0, true));
        assert_eq!(index.first_slot(0, 3, None, 5), (0, false));
        assert_eq!(index.first_slot(1, i64::MIN, None, i64::MAX), (1, true));
    }
}
