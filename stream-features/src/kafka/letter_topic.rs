//! The dead letters of a job in a topic, for whoever wants to see them or to try them again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use larder_core::{Error, ErrorKind, Result};
use rdkafka::consumer::{Consumer as _, ConsumerGroupMetadata};
use rdkafka::error::KafkaError;
use rdkafka::message::BorrowedMessage;
use rdkafka::{Message as _, Offset, TopicPartitionList};
use serde::Deserialize;

use super::KafkaConnection;
use super::consumer::{Consumer, PATIENCE, blocking, list, partition_count, reader};
use super::error::failed;
use crate::dead_letter::DeadLetter;

/// The letters that were not tried again since: a consumer group of their own says how far that was.
pub struct LetterTopic {
    consumer: Arc<Consumer>,
    topic: String,
    /// Those of the job, in the order of partitions and offsets.
    letters: Vec<DeadLetter>,
    /// By partition, where whoever tries these again goes on.
    ends: Vec<i64>,
}

#[derive(Deserialize)]
struct Message {
    job: String,
    #[serde(flatten)]
    letter: DeadLetter,
}

impl LetterTopic {
    /// Reads the committed letters of a job. `group` is the consumer group of those that were tried again.
    ///
    /// # Errors
    /// `Unavailable` when no broker answers; `NotFound` when there is no such topic; `PermissionDenied` when this user is
    /// not let in.
    pub async fn read(
        connection: &KafkaConnection,
        (group, topic): (&str, &str),
        job: &str,
    ) -> Result<Self> {
        let consumer = reader(connection, group)?;
        let count = partition_count(&consumer, topic).await?;
        let (asked, name, job) = (Arc::clone(&consumer), topic.to_owned(), job.to_owned());
        let read = blocking(move || read(&asked, (&name, count), &job)).await?;
        let (letters, ends) =
            read.map_err(|error| error.context(format_args!("dead letters in topic \"{topic}\"")))?;
        Ok(Self { consumer, topic: topic.to_owned(), letters, ends })
    }

    /// The letters.
    pub fn letters(&self) -> &[DeadLetter] {
        &self.letters
    }

    /// The offsets that say that none of them is to be tried again.
    pub(super) fn tried(&self) -> Result<(TopicPartitionList, ConsumerGroupMetadata)> {
        let ends = (0..).zip(self.ends.iter().map(|end| Offset::Offset(*end)));
        let group = self.consumer.group_metadata();
        let group = group.ok_or_else(|| Error::internal("the consumer is of no group"))?;
        Ok((list(&self.topic, ends)?, group))
    }
}

/// Reads from where the group is to the end, without waiting for what comes.
fn read(
    consumer: &Consumer,
    (topic, partitions): (&str, i32),
    job: &str,
) -> Result<(Vec<DeadLetter>, Vec<i64>)> {
    let asked = list(topic, (0..partitions).map(|number| (number, Offset::Invalid)))?;
    let committed = consumer.committed_offsets(asked, PATIENCE);
    let committed = committed.map_err(|error| failed("offsets", &error))?;
    let mut next = Vec::new();
    for number in 0..partitions {
        let first = consumer.fetch_watermarks(topic, number, PATIENCE);
        let (first, _) = first.map_err(|error| failed("offsets", &error))?;
        let known = committed.find_partition(topic, number).map(|element| element.offset());
        next.push(match known {
            Some(Offset::Offset(known)) => known.max(first),
            _ => first,
        });
    }
    let starts = (0..).zip(next.iter().map(|offset| Offset::Offset(*offset)));
    consumer.assign(&list(topic, starts)?).map_err(|error| failed("partitions", &error))?;
    let (mut found, mut open) = (Vec::new(), next.len());
    let mut heard = Instant::now();
    while open > 0 {
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => {
                if let Some(end) = index(message.partition()).and_then(|at| next.get_mut(at)) {
                    *end = message.offset() + 1;
                }
                let place = (message.partition(), message.offset());
                found.extend(letter(&message, job).map(|letter| (place, letter)));
            }
            Some(Err(KafkaError::PartitionEOF(_))) => open -= 1,
            Some(Err(error)) => {
                let error = failed("cannot be read", &error);
                if error.kind() != ErrorKind::Unavailable {
                    return Err(error);
                }
            }
            None if heard.elapsed() > PATIENCE => {
                return Err(Error::new(ErrorKind::Unavailable, "no broker answers"));
            }
            None => continue,
        }
        heard = Instant::now();
    }
    found.sort_by_key(|(place, _)| *place);
    Ok((found.into_iter().map(|(_, letter)| letter).collect(), next))
}

/// The letter in a message, if it is one of the job's.
fn letter(message: &BorrowedMessage<'_>, job: &str) -> Option<DeadLetter> {
    match serde_json::from_slice::<Message>(message.payload()?) {
        Ok(read) if read.job == job => Some(read.letter),
        Ok(_) => None,
        Err(error) => {
            let (topic, number) = (message.topic(), message.partition());
            tracing::warn!("{topic}-{number} at {}: no dead letter: {error}", message.offset());
            None
        }
    }
}

fn index(partition: i32) -> Option<usize> {
    usize::try_from(partition).ok()
}

impl std::fmt::Debug for LetterTopic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LetterTopic")
            .field("topic", &self.topic)
            .field("letters", &self.letters.len())
            .finish_non_exhaustive()
    }
}
