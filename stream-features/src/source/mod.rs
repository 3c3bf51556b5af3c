//! Where events come from.

mod file;
mod parquet;

use std::fmt::Debug;

use async_trait::async_trait;
use larder_core::Result;

pub use file::{FileSource, Framing};
pub use parquet::ParquetEvents;

/// Events of one partition as they came, one after the other.
#[derive(Debug, Clone, Default)]
pub struct RawEvents {
    /// Which of the source's partitions they are of.
    pub partition: usize,
    bytes: Vec<u8>,
    ends: Vec<usize>,
    offsets: Vec<u64>,
}

impl RawEvents {
    /// No events yet.
    pub fn new(partition: usize) -> Self {
        Self { partition, ..Self::default() }
    }

    /// Appends an event with its offset in the partition.
    pub fn push(&mut self, event: &[u8], offset: u64) {
        self.bytes.extend_from_slice(event);
        self.ends.push(self.bytes.len());
        self.offsets.push(offset);
    }

    /// Number of events.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The bytes of an event. Panics when `index` is out of range.
    pub fn event(&self, index: usize) -> &[u8] {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..self.ends[index]]
    }

    /// The offset of an event. Panics when `index` is out of range.
    pub fn offset(&self, index: usize) -> u64 {
        self.offsets[index]
    }

    /// The bytes of all events, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|index| self.event(index))
    }

    /// Forgets the events and keeps the room.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.offsets.clear();
    }
}

/// What a poll found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Polled {
    /// Events, in the buffer that was given.
    Events,
    /// A partition has ended: nothing more will come from it.
    Ended(usize),
    /// Nothing now.
    Nothing,
    /// All partitions have ended.
    Finished,
}

/// A stream of events in partitions, each in the order of its offsets.
///
/// Batch-first: one poll answers events of one partition. An offset names an event of a partition for good, so that a
/// reader may go on behind it.
#[async_trait]
pub trait EventSource: Debug + Send {
    /// Names of the partitions; their positions are their numbers.
    fn partitions(&self) -> &[String];

    /// Puts up to about `most` next events of one partition into `events`, which is empty.
    ///
    /// # Errors
    /// `Unavailable` when the source cannot be read now; nothing is skipped by that.
    async fn poll(&mut self, most: usize, events: &mut RawEvents) -> Result<Polled>;

    /// Goes on behind this offset of a partition.
    ///
    /// # Errors
    /// `NotFound` for an offset that the source does not have.
    async fn seek_after(&mut self, partition: usize, offset: u64) -> Result<()>;
}
