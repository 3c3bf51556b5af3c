//! Entity rows by key and time.

use std::time::Duration;

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::TimeUnit;
use larder_core::{Error, Result};
use larder_offline_store::{Instants, ceil_ticks, floor_ticks};

use super::keys::EncodedKeys;
use super::{KeyEncoder, KeyTable};
use crate::failure::from_arrow;

/// Entity rows that share key and time share a slot; this is the slot of a row without key or time.
pub(super) const NO_SLOT: u32 = u32::MAX;

/// Slots of all entity rows, per key in order of time.
#[derive(Debug)]
pub(super) struct EntityIndex {
    encoder: KeyEncoder,
    keys: KeyTable,
    /// Where the slots of each key start; one entry more than keys.
    starts: Vec<u32>,
    /// Per slot the last tick of the feature side's event time that is not after the slot's time.
    last_event: Vec<i64>,
    /// The same for created times; empty when created times decide nothing.
    last_created: Vec<i64>,
    /// Per entity row its slot.
    slot_of_row: Vec<u32>,
}

/// Where and in which units an index is built.
#[derive(Debug)]
pub(super) struct IndexColumns<'a> {
    /// Key columns.
    pub(super) keys: &'a [usize],
    /// Time column.
    pub(super) time: usize,
    /// Unit of the feature side's event times.
    pub(super) event_unit: TimeUnit,
    /// Unit of the feature side's created times, when rows created later are invisible.
    pub(super) created_unit: Option<TimeUnit>,
}

/// An entity row on its way into a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Placed {
    key: u32,
    event: i64,
    created: i64,
    row: u32,
}

impl EntityIndex {
    /// Indexes the rows of all batches.
    ///
    /// Comparing in the units of the feature side is exact: an instant is not after another exactly when it is not
    /// after the last tick that is not after it.
    pub(super) fn build(
        encoder: KeyEncoder,
        batches: &[RecordBatch],
        columns: &IndexColumns<'_>,
    ) -> Result<Self> {
        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
        if u32::try_from(rows).is_err() {
            return Err(Error::invalid(format!("{rows} entity rows are more than one join takes"))
                .with_hint("split the entity rows into several requests"));
        }
        let mut keys = KeyTable::default();
        let mut placed = Vec::with_capacity(rows);
        let mut row = 0_u32;
        for batch in batches {
            let encoded = encode(&encoder, batch, columns.keys)?;
            let times = Instants::read(batch.column(columns.time))?;
            for local in 0..batch.num_rows() {
                let time = times.nanos(local).filter(|_| !encoded.has_null(local));
                if let Some(time) = time {
                    let key = keys.insert(encoded.bytes(local)).ok_or_else(too_many_keys)?;
                    let created = columns.created_unit.map_or(0, |unit| floor_ticks(time, unit));
                    let event = floor_ticks(time, columns.event_unit);
                    placed.push(Placed { key, event, created, row });
                }
                row += 1;
            }
        }
        placed.sort_unstable();
        Ok(Self::of_sorted(encoder, keys, &placed, rows, columns.created_unit.is_some()))
    }

    fn of_sorted(
        encoder: KeyEncoder,
        keys: KeyTable,
        placed: &[Placed],
        rows: usize,
        by_created: bool,
    ) -> Self {
        let mut starts = Vec::with_capacity(keys.len() + 1);
        let (mut last_event, mut last_created) = (Vec::new(), Vec::new());
        let mut slot_of_row = vec![NO_SLOT; rows];
        let mut before: Option<Placed> = None;
        let mut slots = 0_u32;
        for &entry in placed {
            let same =
                |b: Placed| (b.key, b.event, b.created) == (entry.key, entry.event, entry.created);
            if before.is_none_or(|before| before.key != entry.key) {
                starts.push(slots);
            }
            if !before.is_some_and(same) {
                last_event.push(entry.event);
                if by_created {
                    last_created.push(entry.created);
                }
                slots += 1;
            }
            slot_of_row[entry.row as usize] = slots - 1;
            before = Some(entry);
        }
        starts.push(slots);
        Self { encoder, keys, starts, last_event, last_created, slot_of_row }
    }

    /// How many slots there are.
    pub(super) fn slots(&self) -> usize {
        self.last_event.len()
    }

    /// The slot of an entity row, counted over all batches.
    pub(super) fn slot_of_row(&self, row: usize) -> u32 {
        self.slot_of_row[row]
    }

    /// The ranges of slots that share a key, in order of time.
    pub(super) fn runs(&self) -> impl Iterator<Item = std::ops::Range<usize>> {
        self.starts.windows(2).map(|pair| pair[0] as usize..pair[1] as usize)
    }

    /// The keys of feature rows.
    pub(super) fn encode(&self, batch: &RecordBatch, columns: &[usize]) -> Result<EncodedKeys> {
        encode(&self.encoder, batch, columns)
    }

    /// The first slot that a feature row can serve.
    pub(super) fn first_slot(&self, key: &[u8], event: i64, created: Option<i64>) -> Option<usize> {
        let key = self.keys.find(key)? as usize;
        let (start, end) = (self.starts[key] as usize, self.starts[key + 1] as usize);
        let mut first = start + self.last_event[start..end].partition_point(|last| *last < event);
        if !self.last_created.is_empty() {
            let created = created?;
            first += self.last_created[first..end].partition_point(|last| *last < created);
        }
        (first < end).then_some(first)
    }

    /// Bytes held.
    pub(super) fn memory(&self) -> usize {
        let words = self.last_event.capacity() + self.last_created.capacity();
        let halves = self.starts.capacity() + self.slot_of_row.capacity();
        self.keys.memory() + words * size_of::<i64>() + halves * size_of::<u32>()
    }
}

fn encode(encoder: &KeyEncoder, batch: &RecordBatch, columns: &[usize]) -> Result<EncodedKeys> {
    let columns: Vec<ArrayRef> =
        columns.iter().map(|&column| ArrayRef::clone(batch.column(column))).collect();
    encoder.encode(&columns).map_err(from_arrow)
}

fn too_many_keys() -> Error {
    Error::invalid("the entity rows have more distinct keys than one join takes")
        .with_hint("split the entity rows into several requests")
}

/// Per entity row the first tick of the feature side that is not older than the ttl, null times giving none.
pub(super) fn oldest_ticks(
    times: &ArrayRef,
    ttl: Option<Duration>,
    unit: TimeUnit,
) -> Result<Vec<i64>> {
    let Some(ttl) = ttl else { return Ok(vec![i64::MIN; times.len()]) };
    let ttl = i128::try_from(ttl.as_nanos()).unwrap_or(i128::MAX);
    let times = Instants::read(times)?;
    let oldest =
        |row| times.nanos(row).map_or(i64::MAX, |t| ceil_ticks(t.saturating_sub(ttl), unit));
    Ok((0..times.ticks.len()).map(oldest).collect())
}
