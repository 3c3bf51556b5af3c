//! Entity rows by key and time.

use std::time::Duration;

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use larder_core::{Error, Result};
use larder_offline_store::{Instants, ceil_ticks, floor_ticks};

use super::key_index::{KeyIndex, NO_KEY};

/// Entity rows that share key and time share a slot; this is the slot of a row without key or time.
pub(super) const NO_SLOT: u32 = u32::MAX;

/// Slots of all entity rows, per key in order of time.
#[derive(Debug)]
pub(super) struct EntityIndex {
    keys: KeyIndex,
    /// Where the slots of each key start; one entry more than keys.
    starts: Vec<u32>,
    /// Per slot the last tick of the feature side's event time that is not after the slot's time.
    last_event: Vec<i64>,
    /// The same for the times from which rows are visible; empty when that is their event time.
    last_visible: Vec<i64>,
    /// Per entity row its slot.
    slot_of_row: Vec<u32>,
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

/// Entity rows on their way into slots.
#[derive(Default)]
struct Rows {
    /// Number of the key, or none.
    keys: Vec<u32>,
    events: Vec<i64>,
    visible: Vec<i64>,
}

impl EntityIndex {
    /// Indexes the rows of all batches.
    ///
    /// Comparing in the units of the feature side is exact: an instant is not after another exactly when it is not
    /// after the last tick that is not after it.
    pub(super) fn build(batches: &[RecordBatch], by: &IndexBy) -> Result<Self> {
        let count: usize = batches.iter().map(RecordBatch::num_rows).sum();
        if u32::try_from(count).is_ok_and(|count| count < NO_SLOT) {
            let types: Vec<DataType> = by.keys.iter().map(|(_, key)| key.clone()).collect();
            let mut keys = KeyIndex::new(&types)?;
            let mut rows = Rows::default();
            rows.keys.reserve_exact(count);
            rows.events.reserve_exact(count);
            for batch in batches {
                rows.add(batch, by, &mut keys)?;
            }
            keys.seal();
            return Ok(Self::of_rows(keys, &rows));
        }
        Err(Error::invalid(format!("{count} entity rows are more than one join takes"))
            .with_hint("split the entity rows into several requests"))
    }

    fn of_rows(keys: KeyIndex, rows: &Rows) -> Self {
        let order = rows.by_key(keys.len());
        let mut index = Self {
            starts: Vec::with_capacity(keys.len() + 1),
            last_event: Vec::with_capacity(order.rows.len()),
            last_visible: Vec::new(),
            slot_of_row: vec![NO_SLOT; rows.keys.len()],
            keys,
        };
        for key in order.starts.windows(2) {
            index.starts.push(index.slots());
            let mut before = None;
            for &row in &order.rows[key[0] as usize..key[1] as usize] {
                let time = rows.time(row);
                if before != Some(time) {
                    index.last_event.push(time.0);
                    index.last_visible.extend(time.1);
                }
                index.slot_of_row[row as usize] = index.slots() - 1;
                before = Some(time);
            }
        }
        index.starts.push(index.slots());
        index
    }

    /// How many slots there are: never more than entity rows.
    pub(super) fn slots(&self) -> u32 {
        u32::try_from(self.last_event.len()).unwrap_or(NO_SLOT)
    }

    /// The slot of each entity row, counted over all batches.
    pub(super) fn slot_of_row(&self) -> &[u32] {
        &self.slot_of_row
    }

    /// The ranges of slots that share a key, in order of time.
    pub(super) fn runs(&self) -> impl Iterator<Item = std::ops::Range<usize>> {
        self.starts.windows(2).map(|pair| pair[0] as usize..pair[1] as usize)
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

    /// The first slot that a feature row of a key can serve, or [`NO_SLOT`].
    pub(super) fn first_slot(&self, key: u32, event: i64, visible: Option<i64>) -> u32 {
        if key == NO_KEY {
            return NO_SLOT;
        }
        let (start, end) = (self.starts[key as usize], self.starts[key as usize + 1]);
        let times = &self.last_event[start as usize..end as usize];
        let mut first = start as usize + position(times, event);
        if !self.last_visible.is_empty() {
            let Some(visible) = visible else { return NO_SLOT };
            first += position(&self.last_visible[first..end as usize], visible);
        }
        let first = u32::try_from(first).unwrap_or(NO_SLOT);
        if first < end { first } else { NO_SLOT }
    }

    /// The time of a slot in ticks of the feature side's event time, rounded down.
    pub(super) fn last_event(&self, slot: u32) -> i64 {
        self.last_event[slot as usize]
    }

    /// Bytes held.
    pub(super) fn memory(&self) -> usize {
        let words = self.last_event.capacity() + self.last_visible.capacity();
        let halves = self.starts.capacity() + self.slot_of_row.capacity();
        self.keys.memory() + words * size_of::<i64>() + halves * size_of::<u32>()
    }

    /// Bytes that an index of this many rows takes while it is built, whatever its keys are.
    pub(super) fn estimate(rows: usize) -> usize {
        rows * (3 * size_of::<i64>() + 5 * size_of::<u32>())
    }
}

/// Short runs are searched one by one: without a branch, so that the next row is not kept waiting.
const ONE_BY_ONE: usize = 16;

/// How many times at the start of an ascending run lie before this one.
fn position(times: &[i64], time: i64) -> usize {
    if times.len() <= ONE_BY_ONE {
        times.iter().map(|last| usize::from(*last < time)).sum()
    } else {
        times.partition_point(|last| *last < time)
    }
}

/// Rows grouped by key, in order of time within each.
struct ByKey {
    rows: Vec<u32>,
    /// Where each key's rows start; one entry more than keys.
    starts: Vec<u32>,
}

impl Rows {
    fn add(&mut self, batch: &RecordBatch, by: &IndexBy, keys: &mut KeyIndex) -> Result<()> {
        let columns: Vec<ArrayRef> =
            by.keys.iter().map(|(column, _)| ArrayRef::clone(batch.column(*column))).collect();
        let first = self.keys.len();
        keys.insert(&columns, batch.num_rows(), &mut self.keys)?;
        let times = Instants::read(batch.column(by.time))?;
        for (row, key) in self.keys[first..].iter_mut().enumerate() {
            if times.ticks.is_null(row) {
                *key = NO_KEY;
            }
        }
        let ticks = times.ticks.values();
        let down = |unit| move |&tick: &i64| rounded_down(tick, times.unit, unit);
        self.events.extend(ticks.iter().map(down(by.event_unit)));
        if let Some(unit) = by.visible_unit {
            self.visible.extend(ticks.iter().map(down(unit)));
        }
        Ok(())
    }

    fn time(&self, row: u32) -> (i64, Option<i64>) {
        (self.events[row as usize], self.visible.get(row as usize).copied())
    }

    /// Sorts by key by counting, then each key's few rows by time.
    fn by_key(&self, keys: usize) -> ByKey {
        let mut starts = vec![0_u32; keys + 1];
        for &key in self.keys.iter().filter(|key| **key != NO_KEY) {
            starts[key as usize + 1] += 1;
        }
        for key in 1..starts.len() {
            starts[key] += starts[key - 1];
        }
        let mut next = starts.clone();
        let mut rows = vec![0_u32; starts.last().map_or(0, |count| *count as usize)];
        for (row, &key) in (0_u32..).zip(&self.keys) {
            if key != NO_KEY {
                rows[next[key as usize] as usize] = row;
                next[key as usize] += 1;
            }
        }
        for key in starts.windows(2) {
            rows[key[0] as usize..key[1] as usize].sort_unstable_by_key(|&row| self.time(row));
        }
        ByKey { rows, starts }
    }
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
        assert_eq!(index.runs().collect::<Vec<_>>(), [0..1, 1..2]);
    }

    #[test]
    fn the_first_slot_is_the_earliest_that_is_not_before_the_event() {
        let rows: Vec<_> = (0..40).map(|second| (Some(1), Some(second * 2_000))).collect();
        for count in [5, 40] {
            let index = index(&rows[..count]);
            let last = i64::try_from(count).unwrap() * 2 - 2;
            for (event, slot) in [(-1, 0), (0, 0), (1, 1), (2, 1), (8, 4), (last + 1, NO_SLOT)] {
                assert_eq!(index.first_slot(0, event, None), slot, "{event} of {count}");
            }
        }
        assert_eq!(index(&rows).first_slot(NO_KEY, 0, None), NO_SLOT);
    }
}
