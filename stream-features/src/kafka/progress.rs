//! How far a job has come in its topic, for whoever only looks.

use std::sync::Arc;

use larder_core::{Error, Result};
use rdkafka::consumer::Consumer as _;
use tokio::sync::Notify;

use super::KafkaConnection;
use super::commit_log::committed;
use super::consumer::{Consumer, PATIENCE, Role, blocking, consumer, partition_count};
use super::error::failed;
use crate::checkpoint::Position;

/// A topic with what a consumer group committed of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicProgress {
    /// By the numbers of the partitions.
    pub partitions: Vec<PartitionProgress>,
    /// Members of the group now. One that reads all partitions is none: nobody deals them out.
    pub members: usize,
}

/// How far a partition was read for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartitionProgress {
    /// Offset of the oldest message that is there.
    pub first: u64,
    /// Offset behind the newest.
    pub end: u64,
    /// Where reading goes on; `None` before the first commit.
    pub committed: Option<Position>,
}

impl PartitionProgress {
    /// Messages that are there and not committed.
    pub fn lag(&self) -> u64 {
        let next = self.committed.map_or(self.first, |position| position.next_offset);
        self.end.saturating_sub(next.max(self.first))
    }
}

impl TopicProgress {
    /// Looks at a topic and a group. It joins no group, so nobody who reads notices it.
    ///
    /// # Errors
    /// `Unavailable` when no broker answers; `NotFound` when there is no such topic; `PermissionDenied` when this user is
    /// not let in; `Data` for offsets that another program committed.
    pub async fn read(connection: &KafkaConnection, group: &str, topic: &str) -> Result<Self> {
        let consumer = consumer(connection, group, Role::Onlooker, &Arc::new(Notify::new()))?;
        let count = partition_count(&consumer, topic).await?;
        let numbers: Vec<usize> = (0..count).filter_map(|at| usize::try_from(at).ok()).collect();
        let positions = committed(&consumer, topic, &numbers).await?;
        let (asked, name) = (Arc::clone(&consumer), topic.to_owned());
        let ranges = blocking(move || ranges(&asked, &name, count)).await??;
        let (asked, name) = (Arc::clone(&consumer), group.to_owned());
        let members = blocking(move || members(&asked, &name)).await??;
        let partitions = ranges
            .into_iter()
            .zip(positions)
            .map(|((first, end), committed)| PartitionProgress { first, end, committed });
        Ok(Self { partitions: partitions.collect(), members })
    }

    /// Messages that are there and not committed.
    pub fn lag(&self) -> u64 {
        self.partitions.iter().map(PartitionProgress::lag).sum()
    }
}

/// First offset and end of every partition.
fn ranges(consumer: &Consumer, topic: &str, partitions: i32) -> Result<Vec<(u64, u64)>> {
    let range = |partition| {
        let range = consumer.fetch_watermarks(topic, partition, PATIENCE);
        let (first, end) =
            range.map_err(|error| failed(format_args!("topic \"{topic}\""), &error))?;
        Ok((u64::try_from(first).unwrap_or_default(), u64::try_from(end).unwrap_or_default()))
    };
    (0..partitions).map(range).collect()
}

fn members(consumer: &Consumer, group: &str) -> Result<usize> {
    let found = consumer.fetch_group_list(Some(group), PATIENCE);
    let found: std::result::Result<_, Error> =
        found.map_err(|error| failed(format_args!("consumer group \"{group}\""), &error));
    let found = found?;
    let of_name = found.groups().iter().filter(|known| known.name() == group);
    Ok(of_name.map(|known| known.members().len()).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_retention_removed_is_not_behind() {
        let at = |next_offset| Some(Position { next_offset, checkpoint: 1 });
        for (committed, lag) in [(None, 15), (at(0), 15), (at(5), 15), (at(7), 13), (at(20), 0)] {
            let partition = PartitionProgress { first: 5, end: 20, committed };
            assert_eq!(partition.lag(), lag, "{committed:?}");
        }
    }
}
