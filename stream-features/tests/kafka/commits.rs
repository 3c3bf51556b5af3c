//! Rows and offsets that become true together.

use std::time::{Duration, Instant};

use larder_core::ErrorKind;
use larder_stream_features::{
    Beginning, CommitLog as _, EventSource as _, KafkaCommitLog, KafkaProducer, KafkaSource,
    Membership, Polled, Position, RawEvents, Readers, TopicAdmin,
};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};

use crate::broker::{Events, connection, poll, read, topic, unique, variable};

/// A reader with its log, under names that a restart has again.
struct Instance {
    source: KafkaSource,
    producer: KafkaProducer,
    log: KafkaCommitLog,
}

async fn instance(topic: &str, group: &str) -> Instance {
    let connection = connection();
    let source =
        KafkaSource::open(&connection, topic, &[(group, Membership::Whole)], Beginning::Earliest)
            .await
            .expect("the broker answers");
    let producer = KafkaProducer::open(&connection, group).await.expect("the broker answers");
    let log = KafkaCommitLog::new(&source, 0, producer.clone()).expect("a group");
    Instance { source, producer, log }
}

fn at(next_offset: u64, checkpoint: u64) -> Position {
    Position { next_offset, checkpoint }
}

/// Values of a topic that are committed.
async fn values(topic: &str, count: usize) -> Vec<String> {
    let group = unique("reader");
    let membership = Membership::Whole;
    let mut source =
        KafkaSource::open(&connection(), topic, &[(&group, membership)], Beginning::Earliest)
            .await
            .expect("the broker answers");
    let found = read(&mut source, |_| None, count).await;
    let more = source.poll(9, &mut RawEvents::default()).await.expect("the broker answers");
    assert_eq!(more, Polled::Nothing);
    found.into_iter().map(|(_, _, text)| text).collect()
}

#[tokio::test]
async fn rows_are_seen_with_their_offsets_or_not_at_all() {
    let (events, output, group) = (topic("in", 2).await, topic("out", 1).await, unique("job"));
    Events::new().put(&events, 0, &["a", "b"]);
    let Instance { producer, mut log, source } = instance(&events, &group).await;
    assert_eq!(log.committed(&[0, 1]).await.expect("the broker answers"), [None, None]);
    producer.send(&output, b"k", b"1").await.expect("the broker answers");
    log.commit(&[(0, at(1, 65_536))]).await.expect("the broker answers");
    log.commit(&[(0, at(2, 65_537)), (1, at(0, 65_537))]).await.expect("the broker answers");
    // Told, and never committed: the program dies.
    producer.send(&output, b"k", b"2").await.expect("the broker answers");
    tokio::time::sleep(Duration::from_millis(200)).await;
    drop((producer, log, source));

    let Instance { producer, mut log, source: _source } = instance(&events, &group).await;
    let expected = [Some(at(2, 65_537)), Some(at(0, 65_537))];
    assert_eq!(log.committed(&[0, 1]).await.expect("the broker answers"), expected);
    producer.send(&output, b"k", b"3").await.expect("the broker answers");
    log.commit(&[(0, at(2, 65_538))]).await.expect("the broker answers");
    assert_eq!(values(&output, 2).await, ["1", "3"]);
}

#[tokio::test]
async fn an_instance_that_was_taken_over_from_cannot_commit() {
    let (events, output, group) = (topic("in", 1).await, topic("out", 1).await, unique("job"));
    let mut first = instance(&events, &group).await;
    first.producer.send(&output, b"k", b"first").await.expect("the broker answers");
    let mut second = instance(&events, &group).await;
    second.producer.send(&output, b"k", b"second").await.expect("the broker answers");
    second.log.commit(&[(0, at(1, 1))]).await.expect("the broker answers");
    let error = first.log.commit(&[(0, at(2, 2))]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
    let error = first.producer.send(&output, b"k", b"again").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
    assert_eq!(second.log.committed(&[0]).await.expect("the broker answers"), [Some(at(1, 1))]);
    assert_eq!(values(&output, 1).await, ["second"]);
}

#[tokio::test]
async fn a_member_that_lost_its_partitions_cannot_commit() {
    let (events, output, group) = (topic("in", 1).await, topic("out", 1).await, unique("job"));
    Events::new().put(&events, 0, &["a"]);
    let mut connection = connection();
    // The shortest time after which a reader that does not read is given up.
    connection.set("max.poll.interval.ms", "3000").expect("a property");
    let member = async |name: &str| {
        let source = KafkaSource::open(
            &connection,
            &events,
            &[(&group, Membership::Shared)],
            Beginning::Earliest,
        )
        .await
        .expect("the broker answers");
        let producer = KafkaProducer::open(&connection, &format!("{group}-{name}"))
            .await
            .expect("the broker answers");
        let log = KafkaCommitLog::new(&source, 0, producer.clone()).expect("a group");
        Instance { source, producer, log }
    };
    let mut first = member("1").await;
    assert_eq!(read(&mut first.source, |_| None, 1).await.len(), 1);
    first.producer.send(&output, b"k", b"first").await.expect("the broker answers");
    // It stands still until the group gives it up.
    let mut second = member("2").await;
    assert_eq!(
        poll(&mut second.source, &mut RawEvents::default()).await,
        Polled::Assigned(Readers::One(0), vec![0])
    );
    let error = first.log.commit(&[(0, at(1, 1))]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert_eq!(second.log.committed(&[0]).await.expect("the broker answers"), [None]);
}

#[tokio::test]
async fn what_was_committed_is_removed_from_a_topic_that_nobody_else_reads() {
    let (between, group) = (topic("between", 2).await, unique("job"));
    Events::new().put(&between, 0, &["a", "b", "c"]);
    Events::new().put(&between, 1, &["d"]);
    let Instance { source, producer, .. } = instance(&between, &group).await;
    let log = KafkaCommitLog::new(&source, 0, producer).expect("a group");
    let mut log = log.purging(&connection(), Duration::ZERO).expect("a client");
    log.commit(&[(0, at(2, 1))]).await.expect("the broker answers");
    first_is(&between, 0, 2).await;
    first_is(&between, 1, 0).await;
    let admin = TopicAdmin::new(&connection()).expect("a client");
    admin.empty(&between).await.expect("the broker answers");
    first_is(&between, 0, 3).await;
    first_is(&between, 1, 1).await;
    admin.empty("no-such-topic").await.expect("nothing is there");
}

/// Waits until this is the first offset that a partition has.
async fn first_is(topic: &str, partition: i32, offset: i64) {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", variable("FS_TEST_KAFKA"));
    let consumer: BaseConsumer = config.create().expect("a consumer");
    let deadline = Instant::now() + Duration::from_mins(2);
    loop {
        let found = consumer.fetch_watermarks(topic, partition, Duration::from_mins(1));
        let (first, _) = found.expect("the broker answers");
        if first == offset {
            return;
        }
        assert!(Instant::now() < deadline, "{first} is the first of partition {partition}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
