//! Commits as offsets of a consumer group, in the transaction that holds the rows.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use larder_core::{Error, ErrorKind, Result};
use rdkafka::Offset;
use rdkafka::consumer::Consumer as _;
use rdkafka::topic_partition_list::TopicPartitionListElem;
use tokio::sync::Notify;

use super::consumer::{Consumer, PATIENCE, Role, blocking, consumer, list};
use super::error::failed;
use super::purge::Purge;
use super::{KafkaConnection, KafkaProducer, KafkaSource, LetterTopic};
use crate::checkpoint::{CommitLog, Position};

/// Begins the text that is kept with an offset; the number of the checkpoint follows.
const MARK: &str = "larder/1 ";

/// Positions as the committed offsets of a group that a source reads for. A commit ends the transaction that the rows
/// are in; the broker refuses it from members that lost their partitions.
pub struct KafkaCommitLog {
    consumer: Arc<Consumer>,
    producer: KafkaProducer,
    topic: String,
    /// Letters that are tried again.
    tried: Option<LetterTopic>,
    purge: Option<Purge>,
}

impl KafkaCommitLog {
    /// The log of what a group of this source reads, known by its position, committed together with what this producer
    /// sends.
    ///
    /// # Errors
    /// `Internal` when the source has no such group.
    pub fn new(source: &KafkaSource, group: usize, producer: KafkaProducer) -> Result<Self> {
        let member = source.member(group)?;
        let consumer = Arc::clone(member.consumer());
        Ok(Self { consumer, producer, topic: source.topic().to_owned(), tried: None, purge: None })
    }

    /// The log of a group that nobody reads for, committed together with what this producer sends. Brokers refuse
    /// commits to it while the group has members.
    ///
    /// # Errors
    /// `Invalid` for properties that cannot be.
    pub fn open(
        connection: &KafkaConnection,
        (group, topic): (&str, &str),
        producer: KafkaProducer,
    ) -> Result<Self> {
        let consumer = consumer(connection, group, Role::Member, &Arc::new(Notify::new()))?;
        Ok(Self { consumer, producer, topic: topic.to_owned(), tried: None, purge: None })
    }

    pub(super) fn consumer(&self) -> &Arc<Consumer> {
        &self.consumer
    }

    /// The same; its commits say too that these letters are not to be tried again.
    pub fn after(self, letters: LetterTopic) -> Self {
        Self { tried: Some(letters), ..self }
    }

    /// Removes from the topic, now and then, what was committed: for one that nobody else reads. The user needs the
    /// right to delete on it; without, the log says so and the topic grows.
    ///
    /// # Errors
    /// `Invalid` for properties that cannot be.
    pub fn purging(mut self, connection: &KafkaConnection, interval: Duration) -> Result<Self> {
        self.purge = Some(Purge::new(connection, interval)?);
        Ok(self)
    }
}

#[async_trait]
impl CommitLog for KafkaCommitLog {
    async fn committed(&mut self, partitions: &[usize]) -> Result<Vec<Option<Position>>> {
        committed(&self.consumer, &self.topic, partitions).await
    }

    async fn commit(&mut self, positions: &[(usize, Position)]) -> Result<()> {
        let offset = |position: &Position| {
            Offset::Offset(i64::try_from(position.next_offset).unwrap_or(i64::MAX))
        };
        let told = positions.iter().map(|(partition, at)| (number(*partition), offset(at)));
        let offsets = list(&self.topic, told)?;
        for (partition, position) in positions {
            if let Some(mut element) = offsets.find_partition(&self.topic, number(*partition)) {
                element.set_metadata(format!("{MARK}{}", position.checkpoint));
            }
        }
        let group = self.consumer.group_metadata();
        let group = group.ok_or_else(|| Error::internal("the consumer is of no group"))?;
        // A member that left without knowing it would pass for a reader of no group. Asked after the metadata was taken:
        // what was taken before is of the generation that the broker knows.
        if self.consumer.assignment_lost() {
            let message = format!("the partitions of topic \"{}\" were lost", self.topic);
            return Err(Error::new(ErrorKind::Conflict, message));
        }
        let mut all = vec![(offsets, group)];
        all.extend(self.tried.as_ref().map(LetterTopic::tried).transpose()?);
        self.producer.commit(all).await?;
        if let Some(purge) = &mut self.purge {
            let next = |at: &Position| i64::try_from(at.next_offset).unwrap_or_default();
            let read = positions.iter().map(|(partition, at)| (number(*partition), next(at)));
            purge.committed(&self.topic, &read.collect::<Vec<_>>())?;
        }
        Ok(())
    }
}

/// What a consumer's group has committed of these partitions, in their order.
pub(super) async fn committed(
    consumer: &Arc<Consumer>,
    topic: &str,
    partitions: &[usize],
) -> Result<Vec<Option<Position>>> {
    if partitions.is_empty() {
        return Ok(Vec::new());
    }
    let what = format!("offsets of topic \"{topic}\"");
    let asked = partitions.iter().map(|partition| (number(*partition), Offset::Invalid));
    let asked = list(topic, asked)?;
    let consumer = Arc::clone(consumer);
    let found = blocking(move || consumer.committed_offsets(asked, PATIENCE)).await?;
    let found = found.map_err(|error| failed(&what, &error))?;
    let mut positions = Vec::new();
    for partition in partitions {
        let element = found.find_partition(topic, number(*partition));
        positions.push(match element.as_ref().map(TopicPartitionListElem::offset) {
            Some(Offset::Offset(next)) => {
                let text = element.as_ref().map_or("", |element| element.metadata());
                let place = format!("{topic}-{partition}");
                Some(position(next, text).ok_or_else(|| foreign(&place))?)
            }
            _ => None,
        });
    }
    Ok(positions)
}

fn position(next: i64, text: &str) -> Option<Position> {
    let checkpoint = text.strip_prefix(MARK)?.parse().ok()?;
    Some(Position { next_offset: u64::try_from(next).ok()?, checkpoint })
}

fn foreign(place: &str) -> Error {
    Error::data(format!("the committed offset of {place} names no checkpoint"))
        .with_hint("another program uses the consumer group: --reset forgets its offsets")
}

fn number(partition: usize) -> i32 {
    i32::try_from(partition).unwrap_or(i32::MAX)
}

impl fmt::Debug for KafkaCommitLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaCommitLog")
            .field("topic", &self.topic)
            .field("producer", &self.producer)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_without_a_checkpoint_is_not_ours() {
        let expected = Position { next_offset: 7, checkpoint: 3 };
        assert_eq!(position(7, "larder/1 3"), Some(expected));
        for text in ["", "3", "larder/2 3", "larder/1 x"] {
            assert_eq!(position(7, text), None, "{text}");
        }
    }
}
