//! Removes what was read for good from a topic that nobody else reads.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use larder_core::Result;
use rdkafka::Offset;
use rdkafka::admin::AdminClient;
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::TopicPartitionListElem;
use tokio::task::JoinHandle;

use super::KafkaConnection;
use super::client::Logged;
use super::consumer::list;
use super::error::failed;
use super::topic_admin::options;

/// Asks the cluster now and then to remove what stands before the commits of a reader. That it does not is no fault of
/// the reader's: the log says so, and the next time has more to remove.
pub(super) struct Purge {
    client: Arc<AdminClient<Logged>>,
    interval: Duration,
    last: Instant,
    asking: Option<JoinHandle<()>>,
}

impl Purge {
    pub(super) fn new(connection: &KafkaConnection, interval: Duration) -> Result<Self> {
        let client = connection
            .client()
            .create_with_context(Logged::default())
            .map_err(|error| failed("no Kafka client can be made", &error))?;
        Ok(Self { client: Arc::new(client), interval, last: Instant::now(), asking: None })
    }

    /// These offsets of a topic are committed: reading never goes back before them.
    pub(super) fn committed(&mut self, topic: &str, offsets: &[(i32, i64)]) -> Result<()> {
        let is_busy = self.asking.as_ref().is_some_and(|asking| !asking.is_finished());
        if is_busy || self.last.elapsed() < self.interval {
            return Ok(());
        }
        self.last = Instant::now();
        let offsets = offsets.iter().map(|(partition, next)| (*partition, Offset::Offset(*next)));
        let (offsets, client) = (list(topic, offsets)?, Arc::clone(&self.client));
        let topic = topic.to_owned();
        self.asking = Some(tokio::spawn(async move {
            let removed = client.delete_records(&offsets, &options(false)).await;
            let error = match &removed {
                Ok(removed) => removed.elements().iter().find_map(refusal),
                Err(error) => Some(error.clone()),
            };
            if let Some(error) = error {
                tracing::warn!(target: "kafka", topic, "what was read cannot be removed: {error}");
            }
        }));
        Ok(())
    }
}

impl Drop for Purge {
    /// What is not removed now is removed with what follows.
    fn drop(&mut self) {
        if let Some(asking) = &self.asking {
            asking.abort();
        }
    }
}

fn refusal(element: &TopicPartitionListElem<'_>) -> Option<KafkaError> {
    element.error().err()
}

impl fmt::Debug for Purge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Purge").field("interval", &self.interval).finish_non_exhaustive()
    }
}
