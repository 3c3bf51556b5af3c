//! How far groups are behind in a topic that they may read together.

use std::fmt;
use std::sync::Arc;

use larder_core::Result;
use rdkafka::Offset;
use rdkafka::consumer::Consumer as _;
use tokio::sync::Notify;

use super::beginning::first_offset;
use super::consumer::{
    Consumer, PATIENCE, Role, blocking, consumer, list, partition_count_in_time,
};
use super::error::failed;
use super::{Beginning, KafkaConnection};

/// Compares the committed offsets of groups with the ends of a topic. It takes part in no group.
pub struct Standing {
    consumers: Vec<Arc<Consumer>>,
    topic: String,
    beginning: Beginning,
}

impl Standing {
    /// The standing of these groups; one without a commit stands at the beginning.
    ///
    /// # Errors
    /// `Invalid` for properties that cannot be.
    pub fn new(
        connection: &KafkaConnection,
        topic: &str,
        groups: &[&str],
        beginning: Beginning,
    ) -> Result<Self> {
        let wake = Arc::new(Notify::new());
        let consumers =
            groups.iter().map(|group| consumer(connection, group, Role::Onlooker, &wake));
        Ok(Self {
            consumers: consumers.collect::<Result<_>>()?,
            topic: topic.to_owned(),
            beginning,
        })
    }

    /// How many messages of the topic each group has not committed, in the order of the groups.
    ///
    /// # Errors
    /// As [`KafkaSource::open`](super::KafkaSource::open).
    pub async fn behind(&self) -> Result<Vec<u64>> {
        let Some(first) = self.consumers.first() else { return Ok(Vec::new()) };
        let count = partition_count_in_time(first, &self.topic).await?;
        let mut behind = vec![0; self.consumers.len()];
        let mut committed = Vec::new();
        for consumer in &self.consumers {
            committed.push(self.committed(consumer, count).await?);
        }
        for partition in 0..count {
            let end = first_offset(first, &self.topic, partition, Beginning::Latest).await?;
            let mut beginning = None;
            for (behind, committed) in behind.iter_mut().zip(&committed) {
                let next =
                    match (committed[usize::try_from(partition).unwrap_or_default()], beginning) {
                        (Some(next), _) | (None, Some(next)) => next,
                        (None, None) => {
                            let (topic, at) = (&self.topic, self.beginning);
                            *beginning.insert(first_offset(first, topic, partition, at).await?)
                        }
                    };
                *behind += end.saturating_sub(next);
            }
        }
        Ok(behind)
    }

    /// The committed offsets of a group by partition.
    async fn committed(&self, consumer: &Arc<Consumer>, count: i32) -> Result<Vec<Option<u64>>> {
        let asked = list(&self.topic, (0..count).map(|partition| (partition, Offset::Invalid)))?;
        let asking = Arc::clone(consumer);
        let found = blocking(move || asking.committed_offsets(asked, PATIENCE)).await?;
        let found = found
            .map_err(|error| failed(format_args!("offsets of topic \"{}\"", self.topic), &error))?;
        let offset = |partition| match found.find_partition(&self.topic, partition)?.offset() {
            Offset::Offset(next) => u64::try_from(next).ok(),
            _ => None,
        };
        Ok((0..count).map(offset).collect())
    }
}

impl fmt::Debug for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Standing")
            .field("topic", &self.topic)
            .field("groups", &self.consumers.len())
            .field("beginning", &self.beginning)
            .finish()
    }
}
