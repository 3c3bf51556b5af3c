//! Where events come from.

mod file;
mod letters;
mod parquet;

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use larder_core::Result;

use crate::container::Header;
pub use file::{FileSource, Framing, unread_bytes};
pub use letters::LetterSource;
pub use parquet::ParquetEvents;

/// Events of one partition as they came, one after the other.
#[derive(Debug, Clone, Default)]
pub struct RawEvents {
    /// Which of the source's partitions they are of.
    pub partition: usize,
    /// The offset at which reading goes on behind the last of them.
    pub next_offset: u64,
    bytes: Vec<u8>,
    ends: Vec<usize>,
    offsets: Vec<u64>,
    /// Of the Avro container that the events are of.
    container: Option<Arc<Header>>,
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

    /// Bytes of all events.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes of an event. Panics when `index` is out of range.
    pub fn event(&self, index: usize) -> &[u8] {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..self.ends[index]]
    }

    /// The header of the Avro container that the events are of, which has their schema.
    pub(crate) fn container(&self) -> Option<&Header> {
        self.container.as_deref()
    }

    /// Says which container the events are of.
    pub(crate) fn set_container(&mut self, header: Arc<Header>) {
        self.container = Some(header);
    }

    /// An event with all that it needs to be read: that of a container is one again. Panics when `index` is out of range.
    pub(crate) fn whole_event(&self, index: usize) -> Vec<u8> {
        let event = self.event(index);
        self.container.as_ref().map_or_else(|| event.to_vec(), |header| header.around(event))
    }

    /// The offset of an event. Panics when `index` is out of range.
    pub fn offset(&self, index: usize) -> u64 {
        self.offsets[index]
    }

    /// How many events, which are the first ones, stand before this offset.
    pub(crate) fn before(&self, offset: u64) -> usize {
        self.offsets.partition_point(|at| *at < offset)
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
        self.container = None;
    }
}

/// Which of the groups that read through a source are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// All of them.
    All,
    /// The one at this position.
    One(usize),
}

/// What a poll found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Polled {
    /// These partitions are theirs from now on. Nothing is polled of them before each was [started](EventSource::start).
    Assigned(Readers, Vec<usize>),
    /// These partitions go from them to another program, which waits until they are [released](EventSource::release).
    Revoked(Readers, Vec<usize>),
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
/// reader may go on behind it. Several groups may read through one source; each skips what it knows.
#[async_trait]
pub trait EventSource: Debug + Send {
    /// Names of all partitions, whoever reads them; their positions are their numbers. A name means the same partition
    /// in every run: progress and watermarks are kept under it.
    fn partitions(&self) -> &[String];

    /// Puts up to about `most` next events of one partition into `events`, which is empty, with its partition and
    /// `next_offset`. Waits for a tenth of a second at most, so that commits and the end of the program need not wait.
    ///
    /// The first poll answers [`Polled::Assigned`].
    ///
    /// # Errors
    /// `Unavailable` when the source cannot be read now; nothing is skipped by that.
    async fn poll(&mut self, most: usize, events: &mut RawEvents) -> Result<Polled>;

    /// The offset at which a group begins in this partition that has no position; `None` where it is the first there is.
    ///
    /// # Errors
    /// `Unavailable` when the source cannot be asked now.
    async fn beginning(&mut self, _partition: usize) -> Result<Option<u64>> {
        Ok(None)
    }

    /// Begins an assigned partition at this offset, or where the source is configured to begin; one that is read already
    /// is read from there. Partitions that are read in turn are read in the order in which they were started.
    ///
    /// # Errors
    /// `NotFound` for an offset that the source does not have any more.
    async fn start(&mut self, partition: usize, next_offset: Option<u64>) -> Result<()>;

    /// Gives revoked partitions away: everything about them is committed, or given up. Those that no other group has are
    /// not read any more.
    ///
    /// # Errors
    /// `Unavailable` when the source does not answer.
    async fn release(&mut self, readers: Readers, partitions: &[usize]) -> Result<()>;
}
