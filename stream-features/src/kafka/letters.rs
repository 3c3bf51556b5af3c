//! Dead letters as messages of a topic.

use larder_core::{Error, Result};
use serde::Serialize;

use super::KafkaProducer;
use crate::dead_letter::DeadLetter;

/// A message per letter, in the transaction that commits the offset of the event: the letter as JSON with the name of the
/// job, under the name of the event's partition.
#[derive(Debug)]
pub struct TopicLetters {
    producer: KafkaProducer,
    topic: String,
    job: String,
    waiting: Vec<DeadLetter>,
}

#[derive(Serialize)]
struct Message<'a> {
    job: &'a str,
    #[serde(flatten)]
    letter: &'a DeadLetter,
}

impl TopicLetters {
    /// Letters of this job for a topic.
    pub fn new(producer: KafkaProducer, topic: &str, job: &str) -> Self {
        Self { producer, topic: topic.to_owned(), job: job.to_owned(), waiting: Vec::new() }
    }

    /// Keeps a letter for the next delivery.
    pub(crate) fn push(&mut self, letter: &DeadLetter) {
        self.waiting.push(letter.clone());
    }

    /// Sends what was kept.
    pub(crate) async fn deliver(&mut self) -> Result<()> {
        for letter in self.waiting.drain(..) {
            let value = serde_json::to_vec(&Message { job: &self.job, letter: &letter })
                .map_err(|error| Error::internal("a dead letter as JSON").with_source(error))?;
            self.producer.send(&self.topic, letter.partition.as_bytes(), &value).await?;
        }
        Ok(())
    }
}
