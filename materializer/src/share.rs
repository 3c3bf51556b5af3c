//! Shares of the entities of an on-demand view, which are too many for memory at once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use arrow_array::{RecordBatch, RecordBatchOptions, UInt64Array};
use arrow_schema::SchemaRef;
use larder_core::{DUMMY_JOIN_KEY, FeatureView, Field, Result};
use larder_offline_store::Instants;
use larder_proto::wire::entity_key::{EntityKeyLayout, EntityKeyVersion};
use xxhash_rust::xxh3::xxh3_64;

use crate::key_column::KeyColumn;
use crate::on_demand::{EVENT_TIMESTAMP, column, unfit};

/// Keys and times are held while the limit is this many times as large: the join of them takes the rest.
const HELD_SHARE: usize = 4;

/// The least bytes that are held, however low the limit: below, a share would be read for every few entities.
const LEAST: usize = 1 << 20;

/// The most shares, however little memory there is.
const MOST_SHARES: u64 = 1 << 12;

/// What a row costs beside its columns: its place by key.
const PLACE: usize = 96;

/// Entities by the hash of their keys: one share of so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Share {
    number: u64,
    of: u64,
}

impl Share {
    /// All entities.
    pub(crate) const ALL: Self = Self { number: 0, of: 1 };

    /// Two shares with the entities of this one.
    pub(crate) fn halves(self) -> [Self; 2] {
        let of = self.of * 2;
        [Self { of, ..self }, Self { number: self.number + self.of, of }]
    }

    /// All sources are read for every share: where so many do not do, the limit cannot be kept.
    fn can_be_halved(self) -> bool {
        self.of < MOST_SHARES
    }

    fn has(self, key: &[u8]) -> bool {
        self.of == 1 || xxh3_64(key) % self.of == self.number
    }

    /// Whether rows without a key are counted with it: they are in one share too.
    fn has_null_keys(self) -> bool {
        self.number == 0
    }
}

/// Entity rows, and how many were left out because a join key of the view is null.
#[derive(Debug)]
pub(crate) struct EntityFrame {
    pub(crate) rows: RecordBatch,
    pub(crate) null_keys: u64,
}

/// Rows of the entities of a share, of all sources.
#[derive(Debug)]
pub(crate) struct Held {
    keys: Vec<Field>,
    layout: EntityKeyLayout,
    share: Share,
    limit: usize,
    rows: Vec<RecordBatch>,
    /// Per key where its newest row is, and of when it is.
    newest: HashMap<Vec<u8>, (u64, Option<i128>)>,
    count: u64,
    bytes: usize,
    null_keys: u64,
}

impl Held {
    /// No rows yet, of entities of the view.
    ///
    /// # Errors
    /// `Invalid` for join keys that cannot be encoded.
    pub(crate) fn new(
        view: &FeatureView,
        version: EntityKeyVersion,
        share: Share,
        memory_limit: Option<usize>,
    ) -> Result<Self> {
        let keys = view.entity_columns.iter().filter(|key| key.name != DUMMY_JOIN_KEY);
        let keys: Vec<Field> = keys.cloned().collect();
        let names: Vec<&str> = keys.iter().map(|field| field.name.as_str()).collect();
        Ok(Self {
            layout: EntityKeyLayout::new(version, &names)?,
            keys,
            share,
            limit: memory_limit.map_or(usize::MAX, |limit| (limit / HELD_SHARE).max(LEAST)),
            rows: Vec::new(),
            newest: HashMap::new(),
            count: 0,
            bytes: 0,
            null_keys: 0,
        })
    }

    /// Takes the rows of the share; false when they are more than may be held.
    ///
    /// # Errors
    /// `Invalid` for keys of another type than the view has.
    pub(crate) fn add(&mut self, rows: &RecordBatch) -> Result<bool> {
        let columns =
            self.keys.iter().map(|field| KeyColumn::new(field, column(rows, &field.name)?));
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let times = Instants::read(column(rows, EVENT_TIMESTAMP)?)?;
        let mut mine = Vec::new();
        for row in 0..rows.num_rows() {
            if columns.iter().any(|key| key.value(row).is_none()) {
                self.null_keys += u64::from(self.share.has_null_keys());
                continue;
            }
            let value =
                |at: usize| Ok(columns[at].value(row).expect("nulls were looked for just before"));
            let mut key = Vec::new();
            self.layout.encode_with(value, &mut key)?;
            if self.share.has(&key) {
                let place = self.count + mine.len() as u64;
                if self.is_newest(key, place, times.nanos(row)) {
                    mine.push(row as u64);
                }
            }
        }
        if !mine.is_empty() {
            self.count += mine.len() as u64;
            self.bytes += mine.len() * PLACE;
            let rows = taken(rows, mine)?;
            self.bytes += rows.get_array_memory_size();
            self.rows.push(rows);
        }
        Ok(self.bytes <= self.limit || !self.share.can_be_halved())
    }

    /// Notes a row where it is the newest of its key so far.
    fn is_newest(&mut self, key: Vec<u8>, place: u64, time: Option<i128>) -> bool {
        match self.newest.entry(key) {
            Entry::Vacant(vacant) => {
                vacant.insert((place, time));
                true
            }
            Entry::Occupied(mut known) => {
                let is_newest = time >= known.get().1;
                if is_newest {
                    known.insert((place, time));
                }
                is_newest
            }
        }
    }

    /// Of the rows of each entity the newest, in the order in which they came.
    ///
    /// # Errors
    /// `Internal` when rows are not of this schema.
    pub(crate) fn newest(self, schema: &SchemaRef) -> Result<EntityFrame> {
        let rows = arrow_select::concat::concat_batches(schema, &self.rows).map_err(unfit)?;
        let mut chosen: Vec<u64> = self.newest.into_values().map(|(place, _)| place).collect();
        chosen.sort_unstable();
        Ok(EntityFrame { rows: taken(&rows, chosen)?, null_keys: self.null_keys })
    }
}

fn taken(rows: &RecordBatch, chosen: Vec<u64>) -> Result<RecordBatch> {
    let chosen = UInt64Array::from(chosen);
    let columns = rows
        .columns()
        .iter()
        .map(|column| arrow_select::take::take(column, &chosen, None).map_err(unfit))
        .collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(chosen.len()));
    RecordBatch::try_new_with_options(rows.schema(), columns, &options).map_err(unfit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_of_halves_have_every_key_once() {
        let [a, b] = Share::ALL.halves();
        let [c, d] = b.halves();
        let shares = [a, c, d];
        for key in (0_u64..1_000).map(u64::to_le_bytes) {
            assert_eq!(shares.iter().filter(|share| share.has(&key)).count(), 1);
        }
        assert_eq!(shares.iter().filter(|share| share.has_null_keys()).count(), 1);
    }
}
