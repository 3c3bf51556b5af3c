//! The broker that the tests share, and topics of a test's own on it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use larder_stream_features::{
    EventSource as _, KafkaConnection, KafkaSource, Polled, RawEvents, TopicAdmin, Topics,
};
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);

pub(crate) fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: run `cargo xtask test`, or `cargo xtask services up` and set what it prints")
    })
}

pub(crate) fn connection() -> KafkaConnection {
    let mut connection = KafkaConnection::new(&variable("FS_TEST_KAFKA"));
    // What is told every few seconds elsewhere, so that no test waits long for it.
    connection.set("session.timeout.ms", "3000").expect("a property");
    connection.set("heartbeat.interval.ms", "300").expect("a property");
    connection
}

/// A name that no other test has, now or earlier.
pub(crate) fn unique(what: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let now = std::time::UNIX_EPOCH.elapsed().expect("a clock after 1970").as_micros();
    format!("sf-{what}-{now}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Makes a topic of so many partitions.
pub(crate) async fn topic(what: &str, partitions: i32) -> String {
    let name = unique(what);
    let folder = tempfile::tempdir().expect("a writable folder");
    let text = format!("topics: {{{name}: {{partitions: {partitions}, retention: 1h}}}}");
    std::fs::create_dir(folder.path().join("streams")).expect("a writable folder");
    std::fs::write(folder.path().join("streams/topics.yaml"), text).expect("a writable folder");
    let topics = Topics::load(folder.path()).expect("topics");
    let admin = TopicAdmin::new(&connection()).expect("a client");
    for (name, spec) in topics.iter() {
        admin.create(name, spec, 1, false).await.expect("the broker answers");
    }
    name
}

/// A producer without transactions.
pub(crate) struct Events(BaseProducer);

impl Events {
    pub(crate) fn new() -> Self {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", variable("FS_TEST_KAFKA")).set("linger.ms", "0");
        Self(config.create().expect("the broker answers"))
    }

    /// Puts events into a partition.
    pub(crate) fn put(&self, topic: &str, partition: i32, events: &[&str]) {
        for event in events {
            let record = BaseRecord::<(), str>::to(topic).partition(partition).payload(*event);
            self.0.send(record).map_err(|(error, _)| error).expect("the broker answers");
        }
        self.0.flush(PATIENCE).expect("the broker answers");
    }
}

impl Events {
    /// Puts a message without a value into a partition.
    pub(crate) fn delete(&self, topic: &str, partition: i32) {
        let record = BaseRecord::<str, str>::to(topic).partition(partition).key("gone");
        self.0.send(record).map_err(|(error, _)| error).expect("the broker answers");
        self.0.flush(PATIENCE).expect("the broker answers");
    }
}

/// An event with its partition and offset.
pub(crate) type Found = (usize, u64, String);

/// Polls until something else than nothing comes.
pub(crate) async fn poll(source: &mut KafkaSource, events: &mut RawEvents) -> Polled {
    let deadline = Instant::now() + PATIENCE;
    loop {
        events.clear();
        match source.poll(1_000, events).await.expect("the broker answers") {
            Polled::Nothing => assert!(Instant::now() < deadline, "nothing came"),
            polled => return polled,
        }
    }
}

/// Begins all partitions that are assigned at these offsets and reads so many events, in the order of partitions.
pub(crate) async fn read(
    source: &mut KafkaSource,
    next: impl Fn(usize) -> Option<u64>,
    count: usize,
) -> Vec<Found> {
    let (mut found, mut events) = (Vec::new(), RawEvents::default());
    while found.len() < count {
        match poll(source, &mut events).await {
            Polled::Assigned(_, partitions) => {
                for partition in partitions {
                    source.start(partition, next(partition)).await.expect("the broker answers");
                }
            }
            Polled::Events => found.extend((0..events.len()).map(|index| {
                let text = String::from_utf8(events.event(index).to_vec()).expect("UTF-8");
                (events.partition, events.offset(index), text)
            })),
            other => panic!("{other:?}"),
        }
    }
    found.sort();
    found
}
