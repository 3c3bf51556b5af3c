//! Where a job begins to read that has committed nothing yet.

use std::sync::Arc;

use larder_core::{Result, Timestamp};
use rdkafka::Offset;
use rdkafka::consumer::Consumer as _;
use rdkafka::topic_partition_list::TopicPartitionListElem;

use super::consumer::{Consumer, PATIENCE, blocking, list};
use super::error::failed;

/// The first event of a partition without a committed position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Beginning {
    /// The oldest that the topic has.
    #[default]
    Earliest,
    /// The first that comes from now on.
    Latest,
    /// The first that the broker has from this time on, by the times of messages.
    At(Timestamp),
}

/// The offset of the first event of a partition by a beginning, as of now.
///
/// # Errors
/// `Unavailable` when the broker does not answer.
pub(super) async fn first_offset(
    consumer: &Arc<Consumer>,
    topic: &str,
    partition: i32,
    beginning: Beginning,
) -> Result<u64> {
    let failed = |error| failed(format_args!("topic \"{topic}\" cannot be read"), &error);
    if let Beginning::At(time) = beginning {
        let millis = time.micros().div_euclid(1_000).max(0);
        let asked = list(topic, [(partition, Offset::Offset(millis))])?;
        let asking = Arc::clone(consumer);
        let found = blocking(move || asking.offsets_for_times(asked, PATIENCE)).await?;
        let found = found.map_err(failed)?;
        if let Some(Offset::Offset(first)) =
            found.elements().first().map(TopicPartitionListElem::offset)
        {
            return Ok(u64::try_from(first).unwrap_or_default());
        }
    }
    let (asking, name) = (Arc::clone(consumer), topic.to_owned());
    let ends = blocking(move || asking.fetch_watermarks(&name, partition, PATIENCE)).await?;
    let (oldest, next) = ends.map_err(failed)?;
    let first = if beginning == Beginning::Earliest { oldest } else { next };
    Ok(u64::try_from(first).unwrap_or_default())
}
