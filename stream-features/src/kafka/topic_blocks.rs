//! What the first stage of a job tells the second, as messages of a topic.

use async_trait::async_trait;
use larder_core::{Error, Result};

use super::consumer::partition_count_in_time;
use super::{KafkaCommitLog, KafkaProducer};
use crate::repartition::BlockSink;

/// A message per block, in the transaction that commits the offsets of the events.
#[derive(Debug)]
pub struct TopicBlocks {
    producer: KafkaProducer,
    topic: String,
    partitions: i32,
}

impl TopicBlocks {
    /// Blocks of a job whose keys are dealt out to so many partitions of a topic. The client of the log, with which they
    /// become true, asks for them.
    ///
    /// # Errors
    /// `NotFound` when there is no such topic; `Invalid` when it has another number of partitions; as
    /// [`KafkaSource::open`].
    pub async fn open(
        log: &KafkaCommitLog,
        producer: KafkaProducer,
        topic: &str,
        partitions: i32,
    ) -> Result<Self> {
        let found = partition_count_in_time(log.consumer(), topic).await?;
        if found != partitions {
            let message = format!("topic \"{topic}\" has {found} partitions, not {partitions}");
            return Err(Error::invalid(message).with_hint(
                "keys that move to other partitions leave their state behind: write repartition as the topic is, or \
                 delete the topic and begin anew with fs stream topics apply and --reset",
            ));
        }
        Ok(Self { producer, topic: topic.to_owned(), partitions })
    }
}

#[async_trait]
impl BlockSink for TopicBlocks {
    fn partitions(&self) -> usize {
        usize::try_from(self.partitions).unwrap_or_default()
    }

    async fn write(&mut self, partition: usize, block: &[u8]) -> Result<()> {
        let partition = i32::try_from(partition).unwrap_or(i32::MAX);
        self.producer.send_to(&self.topic, partition, block).await
    }
}
