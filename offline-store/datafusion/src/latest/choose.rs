//! The first pass: which rows are the newest of their keys.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::{Array, ArrayRef, Int64Array};
use datafusion::execution::memory_pool::MemoryConsumer;
use larder_core::{Error, Result};
use larder_offline_store::Instants;
use tokio::runtime::Handle;

use super::positions::{Positions, Run};
use super::shard::{Dealing, NO_TIME, Newest, Room, SHARDS, Shard};
use super::spill::{Segment, SpillFile};
use super::{LatestColumns, Limits};
use crate::failure::from_arrow;
use crate::pit::{EncodedKeys, KeyEncoder, common_key_type, share};
use crate::scan::{Deciding, FeatureScan};

/// Of the memory, the part that keys may hold while they are chosen: the rest is for the reading, and for tables that grow.
const KEYS: (usize, usize) = (3, 4);

/// About as many rows as are decoded at a time.
const BATCH_ROWS: u64 = 8192;

/// A pass over keys and times.
pub(super) struct Choice {
    scan: Arc<FeatureScan>,
    columns: LatestColumns,
    ticks: (i64, i64),
    encoder: KeyEncoder,
    dealing: Dealing,
    room: Room,
    memory: usize,
}

/// What decides, of consecutive rows.
struct Batch<'a> {
    keys: EncodedKeys,
    events: Int64Array,
    created: Option<Int64Array>,
    /// Rows whose positions follow each other, with the position of the first.
    runs: &'a [(Range<usize>, u64)],
}

/// The rows of one batch that count, by shard; kept by a worker from batch to batch.
#[derive(Debug, Default)]
struct Dealt {
    /// Per row its shard; `SHARDS` for one that does not count.
    shards: Vec<usize>,
    /// Rows, those of one shard after those of the one before.
    rows: Vec<u32>,
}

impl Choice {
    pub(super) fn new(
        scan: Arc<FeatureScan>,
        columns: LatestColumns,
        ticks: (i64, i64),
        limits: &Limits,
    ) -> Result<Self> {
        let memory = limits.memory / KEYS.1 * KEYS.0;
        let room = Room { pool: Arc::clone(&limits.pool), disk: Arc::new(SpillFile::default()) };
        let encoder = encoder(&scan, &columns.keys)?;
        let dealing = Dealing::new(room.clone(), memory);
        Ok(Self { scan, columns, ticks, encoder, dealing, room, memory })
    }

    /// Reads keys and times of all rows.
    pub(super) async fn run(self, workers: usize) -> Result<Positions> {
        let (pieces, choice, runtime) = (self.scan.pieces(), Arc::new(self), Handle::current());
        let reader = Arc::clone(&choice);
        let read = move |dealt: &mut Dealt, piece: usize| {
            for batch in reader.scan.deciding(piece, &runtime)? {
                reader.offer(&batch?, dealt)?;
            }
            Ok(())
        };
        share(workers, pieces, Dealt::default, read, |_| Ok(())).await?;
        let choice = Arc::try_unwrap(choice)
            .map_err(|_| Error::internal("a worker still reads after the last piece"))?;
        choice.settle(workers).await
    }

    fn offer(&self, deciding: &Deciding, dealt: &mut Dealt) -> Result<()> {
        let read = self.read(deciding)?;
        let starts = dealt.deal(&read, self.ticks, &self.dealing);
        // Workers begin with different shards, so that they seldom wait for each other.
        let first = read.runs.first().map_or(0, |(_, position)| position / BATCH_ROWS);
        let begin = usize::try_from(first).unwrap_or(0);
        for shard in (0..SHARDS).map(|shard| (begin + shard) % SHARDS) {
            let rows = &dealt.rows[starts[shard]..starts[shard + 1]];
            if !rows.is_empty() {
                self.enter(shard, rows, &read)?;
            }
        }
        Ok(())
    }

    fn read<'a>(&self, Deciding { batch, runs }: &'a Deciding) -> Result<Batch<'a>> {
        let columns: Vec<ArrayRef> =
            self.columns.keys.iter().map(|&key| ArrayRef::clone(batch.column(key))).collect();
        let ticks = |column: usize| Ok(Instants::read(batch.column(column))?.ticks);
        Ok(Batch {
            keys: self.encoder.encode(&columns).map_err(from_arrow)?,
            events: ticks(self.columns.event)?,
            created: self.columns.created.map(ticks).transpose()?,
            runs,
        })
    }

    /// Offers ascending rows of a batch to their shard.
    fn enter(&self, shard: usize, rows: &[u32], read: &Batch<'_>) -> Result<()> {
        let mut into = self.dealing.shard(shard);
        let mut runs = read.runs;
        for row in rows.iter().map(|&row| row as usize) {
            while let [(passed, _), rest @ ..] = runs
                && row >= passed.end
            {
                runs = rest;
            }
            let position = runs.first().map_or(0, |(run, first)| first + (row - run.start) as u64);
            let created = read.created.as_ref().filter(|ticks| ticks.is_valid(row));
            let created = created.map_or(NO_TIME, |ticks| ticks.value(row));
            let newest = Newest { event: read.events.value(row), created, position };
            into.offer(read.keys.bytes(row), newest)?;
        }
        self.dealing.settle(&mut into)
    }

    /// The positions of the rows that won.
    async fn settle(mut self, workers: usize) -> Result<Positions> {
        let shards = self.dealing.take_shards();
        if !shards.iter().any(Shard::is_spilled) {
            return Ok(self.in_memory(shards));
        }
        // What fits is out of the way before the rest is dealt out again.
        let (mut runs, mut spilled) = (Vec::new(), Vec::new());
        for shard in shards {
            if shard.is_spilled() {
                spilled.push(shard.into_spilled(&self.room.disk)?);
            } else {
                runs.extend(Run::of(shard.positions(), &self.room.disk)?);
            }
        }
        let found = Arc::new(Mutex::new(runs));
        let (sink, shards, memory) = (Arc::clone(&found), spilled.len(), self.memory / workers);
        let deal = move |runs: &mut Vec<Run>, shard: usize| {
            again(&self.dealing, &spilled[shard], memory, &self.room, runs)
        };
        let end = move |runs: Vec<Run>| {
            sink.lock().unwrap_or_else(PoisonError::into_inner).extend(runs);
            Ok(())
        };
        share(workers, shards, Vec::new, deal, end).await?;
        let runs = std::mem::take(&mut *found.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(Positions::on_disk(runs, memory))
    }

    fn in_memory(&self, shards: Vec<Shard>) -> Positions {
        let count = shards.iter().map(|shard| shard.positions().len()).sum();
        let mut positions = Vec::with_capacity(count);
        // One table after the other is freed.
        for shard in shards {
            positions.extend(shard.positions());
        }
        positions.sort_unstable();
        let reservation = MemoryConsumer::new("newest rows").register(&self.room.pool);
        // The tables that they come from held more.
        reservation.resize(positions.capacity() * size_of::<u64>());
        Positions::in_memory(positions, reservation)
    }
}

/// Deals what a shard put on disk out again, until every part of it fits in memory.
fn again(
    dealing: &Dealing,
    spilled: &[Segment],
    memory: usize,
    room: &Room,
    runs: &mut Vec<Run>,
) -> Result<()> {
    let mut next = dealing.again(spilled, memory)?;
    let mut rest = Vec::new();
    for shard in next.take_shards() {
        if shard.is_spilled() {
            rest.push(shard.into_spilled(&room.disk)?);
        } else {
            runs.extend(Run::of(shard.positions(), &room.disk)?);
        }
    }
    rest.iter().try_for_each(|spilled| again(&next, spilled, memory, room, runs))
}

fn encoder(scan: &FeatureScan, keys: &[usize]) -> Result<KeyEncoder> {
    let key_type = |&column: &usize| {
        let field = scan.deciding.field(column);
        let data_type = field.data_type();
        common_key_type(data_type, data_type).ok_or_else(|| {
            Error::invalid(format!("join key \"{}\" cannot be {data_type}", field.name()))
        })
    };
    let types = keys.iter().map(key_type).collect::<Result<_>>()?;
    KeyEncoder::new(types).map_err(from_arrow)
}

impl Dealt {
    /// Sorts the rows of a batch by shard and answers where those of each shard start.
    fn deal(
        &mut self,
        Batch { keys, events, .. }: &Batch<'_>,
        (first, last): (i64, i64),
        dealing: &Dealing,
    ) -> [usize; SHARDS + 1] {
        let mut counts = [0_usize; SHARDS + 1];
        self.shards.clear();
        for (row, &event) in events.values().iter().enumerate() {
            let counts_in = events.is_valid(row) && (first..=last).contains(&event);
            let shard = if counts_in { dealing.shard_of(keys.bytes(row)) } else { SHARDS };
            counts[shard] += 1;
            self.shards.push(shard);
        }
        let mut starts = [0; SHARDS + 1];
        for shard in 0..SHARDS {
            starts[shard + 1] = starts[shard] + counts[shard];
        }
        let mut next = starts;
        self.rows.clear();
        self.rows.resize(starts[SHARDS], 0);
        let counted = self.shards.iter().zip(0_u32..).filter(|(shard, _)| **shard < SHARDS);
        for (&shard, row) in counted {
            self.rows[next[shard]] = row;
            next[shard] += 1;
        }
        starts
    }
}
