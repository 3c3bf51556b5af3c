//! A group's place among those who read its topic.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use larder_core::Result;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::Notify;

use super::KafkaConnection;
use super::client::Change;
use super::consumer::{Consumer, Role, consumer};
use super::error::failed;

/// Who reads which partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Membership {
    /// The instances of a job share the partitions; the broker deals them out.
    Shared,
    /// One instance reads all of them.
    Whole,
}

/// A client that stands for a consumer group and reads nothing: the broker deals partitions out to it, and knows by it
/// whose offsets may be committed.
pub(super) struct Member {
    consumer: Arc<Consumer>,
    topic: String,
    membership: Membership,
    owned: BTreeSet<i32>,
    /// What was told and not answered.
    open: Option<Change>,
}

impl Member {
    /// Joins a group. Of all partitions, a group that shares them with nobody is told at once.
    ///
    /// # Errors
    /// `Invalid` for properties that cannot be.
    pub(super) fn join(
        connection: &KafkaConnection,
        (group, membership): (&str, Membership),
        (topic, partitions): (&str, i32),
        wake: &Arc<Notify>,
    ) -> Result<Self> {
        let consumer = consumer(connection, group, Role::Member, wake)?;
        match membership {
            Membership::Whole => {
                consumer.context().tell(Change::Assigned((0..partitions).collect()));
            }
            Membership::Shared => consumer
                .subscribe(&[topic])
                .map_err(|error| failed(format_args!("topic \"{topic}\""), &error))?,
        }
        let (topic, owned) = (topic.to_owned(), BTreeSet::new());
        Ok(Self { consumer, topic, membership, owned, open: None })
    }

    pub(super) fn consumer(&self) -> &Arc<Consumer> {
        &self.consumer
    }

    pub(super) fn owns(&self, partition: i32) -> bool {
        self.owned.contains(&partition)
    }

    /// Hears what the group says; answers what is wrong, if anything.
    pub(super) fn hear(&self) -> Option<KafkaError> {
        // Messages that came before a pause took hold are read by the reader.
        let said = || self.consumer.poll(Duration::ZERO).map(KafkaResult::err);
        std::iter::from_fn(said).find_map(|error| error)
    }

    /// The next change of what this member has, once the last one is answered.
    ///
    /// # Errors
    /// What the client answers.
    pub(super) fn next(&mut self) -> Result<Option<Change>> {
        loop {
            self.accept()?;
            let Some(change) = self.consumer.context().next() else { return Ok(None) };
            self.open = Some(change.clone());
            match &change {
                // That there is nothing for this member is known to nobody but the group.
                Change::Assigned(numbers) if numbers.is_empty() => {}
                Change::Assigned(numbers) => {
                    self.owned.extend(numbers);
                    return Ok(Some(change));
                }
                Change::Revoked(_) => return Ok(Some(change)),
            }
        }
    }

    /// Whether something waits to be answered.
    pub(super) fn has_news(&self) -> bool {
        !self.consumer.context().is_empty()
    }

    /// Tells the group that the partitions of the last assignment are taken.
    fn accept(&mut self) -> Result<()> {
        let is_assignment = |open: &mut Change| matches!(open, Change::Assigned(_));
        match self.open.take_if(is_assignment) {
            Some(change) if self.membership == Membership::Shared => self
                .answer(&change)
                .map_err(|error| failed(format_args!("topic \"{}\"", self.topic), &error)),
            _ => Ok(()),
        }
    }

    /// Gives partitions back to the group.
    ///
    /// # Errors
    /// What the client answers.
    pub(super) fn release(&mut self, numbers: &[i32]) -> Result<()> {
        self.open = None;
        self.owned.retain(|owned| !numbers.contains(owned));
        if self.membership == Membership::Whole {
            return Ok(());
        }
        self.answer(&Change::Revoked(numbers.to_vec()))
            .map_err(|error| failed(format_args!("topic \"{}\"", self.topic), &error))
    }

    fn answer(&self, change: &Change) -> KafkaResult<()> {
        let (Change::Assigned(numbers) | Change::Revoked(numbers)) = change;
        let mut partitions = TopicPartitionList::new();
        for number in numbers {
            // What comes from the end on is passed over.
            partitions.add_partition_offset(&self.topic, *number, Offset::End)?;
        }
        match change {
            Change::Assigned(_) => {
                self.consumer.incremental_assign(&partitions)?;
                self.consumer.pause(&partitions)
            }
            Change::Revoked(_) => self.consumer.incremental_unassign(&partitions),
        }
    }

    /// Leaves the group, which must not wait for answers that nobody gives any more.
    pub(super) fn leave(&mut self) {
        self.consumer.context().close();
        let open = self.open.take();
        let open = open.into_iter().chain(std::iter::from_fn(|| self.consumer.context().next()));
        if self.membership == Membership::Whole {
            return;
        }
        for change in open {
            if let Err(error) = self.answer(&change) {
                tracing::warn!(target: "kafka", "{error}");
            }
        }
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member")
            .field("topic", &self.topic)
            .field("membership", &self.membership)
            .field("owned", &self.owned)
            .finish_non_exhaustive()
    }
}
