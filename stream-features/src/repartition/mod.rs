//! Jobs whose key is not what their topic is keyed by, on several instances.
//!
//! Such a job has two stages. The first reads the source, whose partitions instances share, decodes, filters and derives,
//! and forwards to another topic what the state needs of every event, by key. The second keeps the state, by partition
//! of that topic. Each commits what it read together with what it told, so that every event counts once in both.
//!
//! The order of event times over the partitions of the source is lost on the way. So each stage-one reader tells every
//! partition of the second topic, behind the events, how far it has come in each partition of the source ([`Mark`]): the
//! watermark of the second stage is the least of the latest marks. Only whoever reads a partition of the source may say
//! that it is idle; one that nobody reads for a while holds the watermark back.

mod block;
mod forward;

use std::fmt::Debug;

use async_trait::async_trait;
use larder_core::Result;

pub(crate) use block::{Block, Blocks, Entry};
pub(crate) use forward::{Forward, TooLarge};

/// Which part of a job a run does.
#[derive(Debug, Default)]
pub enum Stage {
    /// All of it.
    #[default]
    Whole,
    /// What comes before the state: events go on to this sink by their keys. The job's own sinks get nothing.
    Forward(Box<dyn BlockSink>),
    /// The state, over the blocks of the first stage; events that come too late are looked up here.
    Keyed(Box<dyn SourceEvents>),
}

/// How far the first stage has come in a partition of the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Latest event time, UTC microseconds; `None` before the first event.
    pub(crate) latest: Option<i64>,
    /// Whether the partition was silent for long: it holds nothing back until it is heard of again.
    pub(crate) is_idle: bool,
}

/// Where an event came from: the partition of the source and the offset there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// Number of the partition.
    pub partition: usize,
    /// The offset.
    pub offset: u64,
}

/// Looks events up in the source: the second stage is not given their bytes, and dead letters have to have them.
#[async_trait]
pub trait SourceEvents: Debug + Send {
    /// The bytes of the events at these places, in their order; `None` for one that the source has removed since.
    ///
    /// # Errors
    /// `Unavailable` when the source cannot be read now.
    async fn find(&mut self, places: &[Origin]) -> Result<Vec<Option<Vec<u8>>>>;
}

/// Takes the events of the first stage, by partition of the second, in the order in which they are given.
#[async_trait]
pub trait BlockSink: Debug + Send {
    /// Partitions that keys are dealt out to.
    fn partitions(&self) -> usize;

    /// Appends a block to a partition; it counts with the commit that follows.
    ///
    /// # Errors
    /// As [`Sink::write`](crate::Sink::write), but giving it again is not safe.
    async fn write(&mut self, partition: usize, block: &[u8]) -> Result<()>;
}
