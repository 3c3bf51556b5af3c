//! What clients tell of themselves.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::message::DeliveryResult;
use rdkafka::producer::ProducerContext;
use rdkafka::statistics::Partition;
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientContext, Statistics, TopicPartitionList};

use rdkafka::config::RDKafkaLogLevel as Level;

use super::error::is_refusal;

/// Writes librdkafka's lines to the log of the program, and remembers that a broker does not let this user in: whoever
/// asks it something is told only that there is no answer.
#[derive(Debug, Default)]
pub(super) struct Logged {
    refusal: Mutex<Option<KafkaError>>,
}

impl Logged {
    pub(super) fn refusal(&self) -> Option<KafkaError> {
        self.refusal.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ClientContext for Logged {
    fn log(&self, level: Level, facility: &str, message: &str) {
        match level {
            Level::Emerg | Level::Alert | Level::Critical | Level::Error | Level::Warning => {
                tracing::warn!(target: "kafka", facility, "{message}");
            }
            Level::Notice | Level::Info | Level::Debug => {
                tracing::debug!(target: "kafka", facility, "{message}");
            }
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::warn!(target: "kafka", "{error}: {reason}");
        if is_refusal(&error) {
            *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        }
    }
}

impl ProducerContext for Logged {
    type DeliveryOpaque = ();

    /// A message that was not delivered fails the transaction that it is of.
    fn delivery(&self, _: &DeliveryResult<'_>, (): Self::DeliveryOpaque) {}
}

/// A change of what a consumer is to read, to be answered by whoever reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    Assigned(Vec<i32>),
    Revoked(Vec<i32>),
}

/// Keeps changes of the assignment until they are asked for, and how far behind a consumer is.
#[derive(Debug, Default)]
pub(super) struct Assignments {
    logged: Logged,
    changes: Mutex<VecDeque<Change>>,
    lag: Mutex<BTreeMap<i32, i64>>,
    is_closing: AtomicBool,
}

impl Assignments {
    pub(super) fn refusal(&self) -> Option<KafkaError> {
        self.logged.refusal()
    }

    pub(super) fn next(&self) -> Option<Change> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    pub(super) fn tell(&self, change: Change) {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner).push_back(change);
    }

    /// From now on nobody asks any more: changes are agreed to at once.
    pub(super) fn close(&self) {
        self.is_closing.store(true, Ordering::SeqCst);
    }

    /// Messages that are there and not read, by partition, as of a few seconds ago.
    pub(super) fn lag(&self) -> BTreeMap<i32, i64> {
        self.lag.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn forget_lag(&self, partitions: &[i32]) {
        let mut lag = self.lag.lock().unwrap_or_else(PoisonError::into_inner);
        lag.retain(|partition, _| !partitions.contains(partition));
    }
}

impl ClientContext for Assignments {
    fn log(&self, level: Level, facility: &str, message: &str) {
        self.logged.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.logged.error(error, reason);
    }

    fn stats(&self, statistics: Statistics) {
        let mut lag = self.lag.lock().unwrap_or_else(PoisonError::into_inner);
        for topic in statistics.topics.values() {
            for (number, partition) in &topic.partitions {
                if let Some(behind) =
                    behind(partition).filter(|_| partition.desired && *number >= 0)
                {
                    lag.insert(*number, behind);
                }
            }
        }
    }
}

/// Messages of a partition that are there and were not given out; the client's own count knows only offsets that it
/// committed itself.
fn behind(partition: &Partition) -> Option<i64> {
    let Partition { ls_offset: end, app_offset: given, next_offset: fetched, fetchq_cnt, .. } =
        *partition;
    // Behind what was given out there may be marks of transactions, which are given to nobody.
    let next = match given {
        0.. if fetchq_cnt > 0 => given,
        _ => given.max(fetched.saturating_sub(fetchq_cnt)),
    };
    (end >= 0 && next >= 0).then(|| end.saturating_sub(next).max(0))
}

impl ConsumerContext for Assignments {
    /// The answer may come later: the group waits for it.
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        event: RDKafkaRespErr,
        list: &mut TopicPartitionList,
    ) {
        let is_assignment = event == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        if self.is_closing.load(Ordering::SeqCst) {
            let answer = if is_assignment {
                consumer.incremental_assign(list)
            } else {
                // Partitions that no group dealt out are given up together.
                consumer.incremental_unassign(list).or_else(|_| consumer.unassign())
            };
            return answer.unwrap_or_else(|error| tracing::warn!(target: "kafka", "{error}"));
        }
        let numbers = list.elements().iter().map(TopicPartitionListElem::partition).collect();
        let change =
            if is_assignment { Change::Assigned(numbers) } else { Change::Revoked(numbers) };
        self.tell(change);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_fetched_and_not_given_out_is_behind_and_marks_of_transactions_are_not() {
        // The end, what was given out, what is fetched next, what waits.
        for (end, given, fetched, waiting, expected) in [
            (-1001, -1001, -1001, 0, None),
            (10, -1001, -1001, 0, None),
            (10, -1001, 8, 5, Some(7)),
            (10, 4, 8, 4, Some(6)),
            (10, 8, 10, 0, Some(0)),
            (10, 12, 12, 0, Some(0)),
        ] {
            let partition = Partition {
                ls_offset: end,
                app_offset: given,
                next_offset: fetched,
                fetchq_cnt: waiting,
                ..Partition::default()
            };
            assert_eq!(behind(&partition), expected, "{partition:?}");
        }
    }
}
