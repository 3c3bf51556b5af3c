//! The client that reads a topic, and what it asks brokers.

use std::sync::Arc;
use std::time::Duration;

use larder_core::{Error, ErrorKind, Result};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use tokio::sync::Notify;
use tokio::task::spawn_blocking;

use super::KafkaConnection;
use super::client::Assignments;
use super::error::{failed, is_refusal};

pub(super) type Consumer = BaseConsumer<Assignments>;

/// How long brokers may take to answer a question.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// How often a topic is looked for, once a second.
const TRIES: u32 = 4;

/// Events of a client that are looked through for why nothing was answered: a handshake that fails says much.
const MOST_SAID: u32 = 10_000;

/// Unless properties say otherwise: what is read ahead, in kilobytes and messages, and the pause once so much is; for how
/// many bytes a broker waits, and how long; how long the group waits for a member that is silent; how often lag is looked
/// at.
///
/// The client's own pause of a second prolongs itself: at 50 000 events a second that second's events are more than may be
/// read ahead, so another pause follows, and every event waits for half a second. Answers that are a few milliseconds'
/// events long cost the broker and every job much per event: at the same rate 12 CPU seconds per million events where
/// waiting for 30 milliseconds made it 8.
const DEFAULTS: [(&str, &str); 7] = [
    ("queued.max.messages.kbytes", "16384"),
    ("queued.min.messages", "20000"),
    ("fetch.queue.backoff.ms", "5"),
    ("fetch.min.bytes", "1000000"),
    ("fetch.wait.max.ms", "30"),
    ("session.timeout.ms", "10000"),
    ("statistics.interval.ms", "5000"),
];

/// What a client reads nothing with that only stands for a group.
const SILENT: [(&str, &str); 3] = [
    ("queued.max.messages.kbytes", "1"),
    ("queued.min.messages", "1"),
    ("statistics.interval.ms", "0"),
];

/// What a client is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// It reads events.
    Reader,
    /// It stands for a group: takes part in its assignments, and knows its offsets.
    Member,
    /// It only looks at offsets, those of transactions that are open too: it never waits for one that was left behind.
    Onlooker,
}

/// A client that reads nothing yet; `wake` is told when there is something to poll.
pub(super) fn consumer(
    connection: &KafkaConnection,
    group: &str,
    role: Role,
    wake: &Arc<Notify>,
) -> Result<Arc<Consumer>> {
    let mut config = configuration(connection, group);
    if role == Role::Onlooker {
        config.set("isolation.level", "read_uncommitted");
    }
    if role != Role::Reader {
        for (name, value) in SILENT {
            config.set(name, value);
        }
    }
    let mut consumer: Consumer = config
        .create_with_context(Assignments::default())
        .map_err(|error| failed("no Kafka consumer can be made", &error))?;
    let wake = Arc::clone(wake);
    consumer.set_nonempty_callback(move || wake.notify_one());
    Ok(Arc::new(consumer))
}

/// The same, for whoever reads partitions of its own choice to their ends.
pub(super) fn reader(connection: &KafkaConnection, group: &str) -> Result<Arc<Consumer>> {
    made(configuration(connection, group).set("enable.partition.eof", "true"))
}

/// The same, for whoever takes single events: next to nothing is read ahead.
pub(super) fn searcher(connection: &KafkaConnection, group: &str) -> Result<Arc<Consumer>> {
    let mut config = configuration(connection, group);
    for (name, value) in SILENT {
        config.set(name, value);
    }
    made(config.set("enable.partition.eof", "true"))
}

fn made(config: &ClientConfig) -> Result<Arc<Consumer>> {
    let made = config.create_with_context(Assignments::default());
    made.map(Arc::new).map_err(|error| failed("no Kafka consumer can be made", &error))
}

fn configuration(connection: &KafkaConnection, group: &str) -> ClientConfig {
    let mut config = connection.client();
    for (name, value) in DEFAULTS {
        if connection.property(name).is_none() {
            config.set(name, value);
        }
    }
    config
        .set("group.id", group)
        .set("isolation.level", "read_committed")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "error")
        .set("partition.assignment.strategy", "cooperative-sticky");
    config
}

/// How many partitions a topic has. A broker that has just started, or has just made the topic, may not know it yet.
pub(super) async fn partition_count_in_time(consumer: &Arc<Consumer>, topic: &str) -> Result<i32> {
    for _ in 1..TRIES {
        match partition_count(consumer, topic).await {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            counted => return counted,
        }
    }
    partition_count(consumer, topic).await
}

/// How many partitions a topic has.
pub(super) async fn partition_count(consumer: &Arc<Consumer>, topic: &str) -> Result<i32> {
    let what = format!("topic \"{topic}\"");
    let (asked, name) = (Arc::clone(consumer), topic.to_owned());
    let metadata = blocking(move || asked.fetch_metadata(Some(&name), PATIENCE)).await?;
    let metadata = metadata.map_err(|error| failed(&what, &refusal(consumer).unwrap_or(error)))?;
    let found = metadata.topics().iter().find(|found| found.name() == topic);
    if let Some(error) = found.and_then(rdkafka::metadata::MetadataTopic::error) {
        return Err(super::error::coded(&what, error.into()));
    }
    let count = found.map_or(0, |found| found.partitions().len());
    match i32::try_from(count) {
        Ok(count) if count > 0 => Ok(count),
        _ => Err(Error::new(ErrorKind::Unavailable, format!("{what} has no partitions yet"))),
    }
}

/// Why nothing was answered, if a broker said so.
fn refusal(consumer: &Consumer) -> Option<KafkaError> {
    // What is said in between, lines of the log for instance, is answered with nothing.
    let said = (0..MOST_SAID).filter_map(|_| consumer.poll(Duration::ZERO));
    let refusal = said.filter_map(std::result::Result::err).find(is_refusal);
    refusal.or_else(|| consumer.context().refusal())
}

/// Runs what waits for a broker beside the loop.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T> {
    spawn_blocking(work)
        .await
        .map_err(|error| Error::internal("a call to Kafka broke off").with_source(error))
}

/// Partitions of a topic with an offset each.
pub(super) fn list(
    topic: &str,
    partitions: impl IntoIterator<Item = (i32, Offset)>,
) -> Result<TopicPartitionList> {
    let mut list = TopicPartitionList::new();
    for (partition, offset) in partitions {
        list.add_partition_offset(topic, partition, offset)
            .map_err(|error| failed(format_args!("topic \"{topic}\""), &error))?;
    }
    Ok(list)
}
