//! Kafka: the shared broker, and brokers of a test's own.

mod node;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::{ClientConfig, Message as _, Offset, TopicPartitionList};

pub use node::KafkaNode;

/// How long a broker may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// A cluster that runs.
#[derive(Debug, Clone)]
pub struct Kafka {
    address: String,
}

impl Kafka {
    /// The broker that all tests share: their topics have names of their own.
    ///
    /// # Panics
    /// When `FS_TEST_KAFKA` is not set: a suite with Kafka never passes without it.
    pub fn shared() -> Self {
        Self { address: node::variable("FS_TEST_KAFKA") }
    }

    /// `127.0.0.1:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// A name that no other test has, now or earlier; it is good as the name of a project and of a topic.
    ///
    /// # Panics
    /// When the clock stands before 1970.
    pub fn unique(what: &str) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let now = std::time::UNIX_EPOCH.elapsed().expect("a clock after 1970").as_micros();
        format!("{what}_{now}_{}", NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// Puts messages with their partitions into a topic; waits until all of them are there.
    ///
    /// # Panics
    /// When the broker does not take one.
    pub fn produce<'a>(&self, topic: &str, messages: impl IntoIterator<Item = (i32, &'a str)>) {
        let mut config = self.config();
        config.set("enable.idempotence", "true").set("linger.ms", "20");
        let producer: BaseProducer = config.create().expect("a producer");
        for (partition, value) in messages {
            let mut record = BaseRecord::<(), str>::to(topic).partition(partition).payload(value);
            while let Err((error, again)) = producer.send(record) {
                let full = KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull);
                assert_eq!(error, full);
                producer.poll(Duration::from_millis(20));
                record = again;
            }
        }
        producer.flush(PATIENCE).expect("the broker takes messages");
    }

    /// All committed messages of a topic, keys and values, in the order of partitions and offsets. What a producer that
    /// died left open is waited for.
    ///
    /// # Panics
    /// When the broker does not answer, or a transaction stays open.
    pub fn committed(&self, topic: &str) -> Vec<(String, String)> {
        let mut config = self.config();
        config
            .set("group.id", "reader-of-tests")
            .set("enable.auto.commit", "false")
            .set("isolation.level", "read_committed")
            .set("enable.partition.eof", "true");
        let consumer: BaseConsumer = config.create().expect("a consumer");
        let partitions = self.partitions(topic);
        let mut list = TopicPartitionList::new();
        for partition in 0..partitions {
            list.add_partition_offset(topic, partition, Offset::Beginning).expect("an offset");
        }
        self.wait_for_transactions(&consumer, topic, partitions);
        consumer.assign(&list).expect("partitions");
        let (mut found, mut ended) = (Vec::new(), 0);
        while ended < partitions {
            match consumer.poll(PATIENCE).expect("the broker answers") {
                Ok(message) => {
                    let text = |bytes: Option<&[u8]>| {
                        String::from_utf8(bytes.unwrap_or_default().to_vec()).expect("UTF-8")
                    };
                    let pair = (text(message.key()), text(message.payload()));
                    found.push(((message.partition(), message.offset()), pair));
                }
                Err(KafkaError::PartitionEOF(_)) => ended += 1,
                Err(error) => panic!("{error}"),
            }
        }
        found.sort_unstable();
        found.into_iter().map(|(_, pair)| pair).collect()
    }

    /// Waits until a reader of committed messages may read to the end: an open transaction holds it back.
    fn wait_for_transactions(&self, committed: &BaseConsumer, topic: &str, partitions: i32) {
        let mut config = self.config();
        let all: BaseConsumer =
            config.set("isolation.level", "read_uncommitted").create().expect("a consumer");
        let deadline = Instant::now() + PATIENCE;
        for partition in 0..partitions {
            let end = |consumer: &BaseConsumer| end_of(consumer, topic, partition);
            while end(committed) < end(&all) {
                assert!(Instant::now() < deadline, "a transaction of {topic} stays open");
                sleep(Duration::from_millis(100));
            }
        }
    }

    /// How many messages of a topic a group has not committed.
    ///
    /// # Panics
    /// When the broker does not answer.
    pub fn behind(&self, group: &str, topic: &str) -> u64 {
        let mut config = self.config();
        config.set("group.id", group).set("enable.auto.commit", "false");
        let consumer: BaseConsumer = config.create().expect("a consumer");
        let partitions = self.partitions(topic);
        let mut list = TopicPartitionList::new();
        list.add_partition_range(topic, 0, partitions - 1);
        // A node that has just begun does not know at once who keeps the offsets.
        let asked = Instant::now();
        let committed = loop {
            match consumer.committed_offsets(list.clone(), PATIENCE) {
                Ok(committed) => break committed,
                Err(error) => assert!(asked.elapsed() < PATIENCE, "offsets: {error}"),
            }
            sleep(Duration::from_millis(200));
        };
        let committed: HashMap<(String, i32), Offset> = committed.to_topic_map();
        let mut behind = 0;
        for partition in 0..partitions {
            let end = end_of(&consumer, topic, partition);
            let next = match committed.get(&(topic.to_owned(), partition)) {
                Some(Offset::Offset(next)) => *next,
                _ => 0,
            };
            behind += u64::try_from(end - next).unwrap_or_default();
        }
        behind
    }

    /// A member of a group, which has partitions of a topic until it is dropped.
    ///
    /// # Panics
    /// When the broker does not let it in.
    pub fn member(&self, group: &str, topic: &str) -> impl Drop + use<> {
        let mut config = self.config();
        config
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            .set("partition.assignment.strategy", "cooperative-sticky");
        let member: BaseConsumer = config.create().expect("a consumer");
        member.subscribe(&[topic]).expect("a topic");
        let deadline = Instant::now() + PATIENCE;
        while member.assignment().expect("an assignment").count() == 0 {
            assert!(Instant::now() < deadline, "the group has no partitions for it");
            // What there is to read is of no interest.
            drop(member.poll(Duration::from_millis(100)));
        }
        member
    }

    fn partitions(&self, topic: &str) -> i32 {
        let consumer: BaseConsumer = self.config().create().expect("a consumer");
        let metadata = consumer.fetch_metadata(Some(topic), PATIENCE).expect("metadata");
        let found = metadata.topics().first().map_or(0, |topic| topic.partitions().len());
        i32::try_from(found).expect("a number of partitions")
    }

    fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.address);
        config
    }
}

/// The offset behind the last message of a partition. A broker that is busy may not know for a moment who leads it, and
/// may take all the time of an answer to say so.
fn end_of(consumer: &BaseConsumer, topic: &str, partition: i32) -> i64 {
    let deadline = Instant::now() + 3 * PATIENCE;
    loop {
        match consumer.fetch_watermarks(topic, partition, PATIENCE) {
            Ok((_, end)) => return end,
            Err(error) => assert!(Instant::now() < deadline, "the end of a partition: {error}"),
        }
        sleep(Duration::from_millis(200));
    }
}
