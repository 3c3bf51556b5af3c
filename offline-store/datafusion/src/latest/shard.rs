//! Keys with their newest rows, dealt out by hash.

use std::hash::BuildHasher as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool, MemoryReservation};
use hashbrown::DefaultHashBuilder;
use larder_core::{Error, Result};

use super::spill::{Segment, SpillFile};
use crate::pit::KeyTable;

/// Shards of one dealing.
pub(super) const SHARDS: usize = 1 << SHARD_BITS;
const SHARD_BITS: u32 = 5;
/// Bits of the hash that the first dealing looks at; tables of keys look at the lowest and the seven highest.
const FIRST_BITS: u32 = 52;
/// Dealings one after the other, the last of which holds what there is: 32^3 times the memory was enough before it.
const DEALINGS: u32 = 4;

/// A row by what decides: greatest event time, then created time, then position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Newest {
    pub(super) event: i64,
    /// [`NO_TIME`] for null, which loses to every other.
    pub(super) created: i64,
    pub(super) position: u64,
}

/// Stands for a created time that is null.
pub(super) const NO_TIME: i64 = i64::MIN;

/// Where the memory and the disk of a read come from.
#[derive(Debug, Clone)]
pub(super) struct Room {
    pub(super) pool: Arc<dyn MemoryPool>,
    pub(super) disk: Arc<SpillFile>,
}

/// Shards that together hold every key.
#[derive(Debug)]
pub(super) struct Dealing {
    hasher: DefaultHashBuilder,
    number: u32,
    room: Room,
    shards: Vec<Mutex<Shard>>,
}

/// Keys of one range of hashes.
#[derive(Debug)]
pub(super) struct Shard {
    keys: KeyTable,
    /// By number of the key.
    newest: Vec<Newest>,
    reservation: MemoryReservation,
    /// Bytes it may hold.
    quota: usize,
    /// What went to disk.
    spilled: Vec<Segment>,
}

impl Dealing {
    /// The first dealing, with this much memory.
    pub(super) fn new(room: Room, memory: usize) -> Self {
        Self::numbered(0, DefaultHashBuilder::default(), room, memory)
    }

    fn numbered(number: u32, hasher: DefaultHashBuilder, room: Room, memory: usize) -> Self {
        let quota = if number + 1 == DEALINGS { usize::MAX } else { memory / SHARDS };
        let shard = || Mutex::new(Shard::new(quota, &room.pool));
        let shards = std::iter::repeat_with(shard).take(SHARDS).collect();
        Self { hasher, number, room, shards }
    }

    /// The shard of a key.
    pub(super) fn shard_of(&self, key: &[u8]) -> usize {
        let hash = self.hasher.hash_one(key) >> (FIRST_BITS - SHARD_BITS * self.number);
        usize::try_from(hash).unwrap_or(0) % SHARDS
    }

    /// A shard for the one who offers rows to it.
    pub(super) fn shard(&self, number: usize) -> MutexGuard<'_, Shard> {
        self.shards[number].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a shard on disk when it has outgrown its memory.
    pub(super) fn settle(&self, shard: &mut Shard) -> Result<()> {
        if shard.fits() { Ok(()) } else { shard.spill(&self.room.disk) }
    }

    /// Deals what a shard of this dealing put on disk out again, with this much memory.
    pub(super) fn again(&self, spilled: &[Segment], memory: usize) -> Result<Self> {
        let next = Self::numbered(self.number + 1, self.hasher.clone(), self.room.clone(), memory);
        for segment in spilled {
            segment.each_key(|key, newest| {
                let mut shard = next.shard(next.shard_of(key));
                shard.offer(key, newest)?;
                next.settle(&mut shard)
            })?;
        }
        Ok(next)
    }

    /// Ends the dealing: all its shards.
    pub(super) fn take_shards(&mut self) -> Vec<Shard> {
        let shards = std::mem::take(&mut self.shards).into_iter();
        shards.map(|shard| shard.into_inner().unwrap_or_else(PoisonError::into_inner)).collect()
    }
}

impl Shard {
    fn new(quota: usize, pool: &Arc<dyn MemoryPool>) -> Self {
        Self {
            keys: KeyTable::default(),
            newest: Vec::new(),
            reservation: MemoryConsumer::new("latest rows").register(pool),
            quota,
            spilled: Vec::new(),
        }
    }

    /// Enters a row of a key.
    pub(super) fn offer(&mut self, key: &[u8], row: Newest) -> Result<()> {
        let number = self.keys.insert(key).ok_or_else(|| {
            Error::invalid("the source has more distinct join keys than one read takes")
                .with_hint("read a shorter interval")
        })?;
        match self.newest.get_mut(number as usize) {
            Some(best) => *best = row.max(*best),
            None => self.newest.push(row),
        }
        Ok(())
    }

    fn fits(&self) -> bool {
        if self.quota == usize::MAX {
            // There is no smaller part: the memory is taken even where the pool has none.
            self.reservation.resize(self.memory());
            return true;
        }
        let memory = self.memory();
        memory <= self.quota && self.reservation.try_resize(memory).is_ok()
    }

    fn memory(&self) -> usize {
        self.keys.memory() + self.newest.capacity() * size_of::<Newest>()
    }

    fn spill(&mut self, disk: &SpillFile) -> Result<()> {
        let numbered = (0_u32..).zip(&self.newest);
        let entries = numbered.map(|(number, newest)| (self.keys.key(number), *newest));
        self.spilled.push(disk.keys(entries)?);
        self.keys = KeyTable::default();
        self.newest = Vec::new();
        self.reservation.free();
        Ok(())
    }

    /// Whether something went to disk.
    pub(super) fn is_spilled(&self) -> bool {
        !self.spilled.is_empty()
    }

    /// The positions of the newest rows, in no order, of a shard that never went to disk.
    pub(super) fn positions(&self) -> impl ExactSizeIterator<Item = u64> {
        self.newest.iter().map(|newest| newest.position)
    }

    /// All of what a shard knows that went to disk before.
    pub(super) fn into_spilled(mut self, disk: &SpillFile) -> Result<Vec<Segment>> {
        if !self.newest.is_empty() {
            self.spill(disk)?;
        }
        Ok(self.spilled)
    }
}
