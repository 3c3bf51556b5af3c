//! Topics as sources.

use std::collections::BTreeSet;
use std::time::Duration;

use larder_core::{ErrorKind, Timestamp};
use larder_stream_features::{
    Beginning, EventSource as _, KafkaConnection, KafkaSource, Membership, Polled, RawEvents,
    Readers, Standing,
};

use crate::broker::{Events, connection, poll, read, topic, unique, variable};

async fn open(topic: &str, membership: Membership, beginning: Beginning) -> KafkaSource {
    let group = unique("group");
    KafkaSource::open(&connection(), topic, &[(&group, membership)], beginning)
        .await
        .expect("the broker answers")
}

#[tokio::test]
async fn partitions_are_read_from_their_offsets_on_and_values_that_are_deletions_are_no_events() {
    let topic = topic("offsets", 2).await;
    let events = Events::new();
    events.put(&topic, 0, &["a", "b", "c"]);
    events.delete(&topic, 0);
    events.put(&topic, 0, &["f"]);
    events.put(&topic, 1, &["d", "e"]);
    for membership in [Membership::Whole, Membership::Shared] {
        let mut source = open(&topic, membership, Beginning::Earliest).await;
        assert_eq!(source.partitions(), [format!("{topic}-0"), format!("{topic}-1")]);
        let found = read(&mut source, |partition| (partition == 0).then_some(1), 5).await;
        let expected = [(0, 1, "b"), (0, 2, "c"), (0, 4, "f"), (1, 0, "d"), (1, 1, "e")];
        let expected = expected.map(|(partition, at, text)| (partition, at, text.to_owned()));
        assert_eq!(found, expected, "{membership:?}");
    }
}

#[tokio::test]
async fn a_job_without_a_commit_begins_where_it_is_told_to() {
    let topic = topic("beginning", 1).await;
    let events = Events::new();
    events.put(&topic, 0, &["old"]);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let now =
        i64::try_from(std::time::UNIX_EPOCH.elapsed().expect("a clock after 1970").as_micros())
            .expect("a clock after 1970");
    let between = Timestamp::from_micros(now);
    let mut latest = open(&topic, Membership::Whole, Beginning::Latest).await;
    let Polled::Assigned(_, partitions) = poll(&mut latest, &mut RawEvents::default()).await else {
        panic!("a source begins with its partitions");
    };
    latest.start(partitions[0], None).await.expect("the broker answers");
    assert_eq!(
        latest.poll(9, &mut RawEvents::default()).await.expect("the broker answers"),
        Polled::Nothing
    );
    events.put(&topic, 0, &["new"]);
    assert_eq!(read(&mut latest, |_| None, 1).await, [(0, 1, "new".to_owned())]);
    let mut at = open(&topic, Membership::Whole, Beginning::At(between)).await;
    assert_eq!(read(&mut at, |_| None, 1).await, [(0, 1, "new".to_owned())]);
    let mut earliest = open(&topic, Membership::Whole, Beginning::Earliest).await;
    assert_eq!(read(&mut earliest, |_| None, 2).await.len(), 2);
}

#[tokio::test]
async fn members_share_the_partitions_and_give_them_back() {
    let topic = topic("shared", 4).await;
    let events = Events::new();
    (0..4).for_each(|partition| events.put(&topic, partition, &["x"]));
    let group = unique("group");
    let connection = connection();
    let groups = [(group.as_str(), Membership::Shared)];
    let member = || KafkaSource::open(&connection, &topic, &groups, Beginning::Earliest);
    let mut first = member().await.expect("the broker answers");
    assert_eq!(read(&mut first, |_| None, 4).await.len(), 4);
    let mut second = member().await.expect("the broker answers");
    let (mut of_first, mut of_second) = (BTreeSet::from([0, 1, 2, 3]), BTreeSet::new());
    let mut raw = RawEvents::default();
    while of_second.len() < 2 {
        match first.poll(9, &mut raw).await.expect("the broker answers") {
            Polled::Revoked(readers, partitions) => {
                first.release(readers, &partitions).await.expect("the broker answers");
                of_first.retain(|partition| !partitions.contains(partition));
            }
            Polled::Assigned(_, partitions) => assert_eq!(partitions, [0_usize; 0]),
            _ => {}
        }
        if let Polled::Assigned(_, partitions) =
            second.poll(9, &mut raw).await.expect("the broker answers")
        {
            for partition in &partitions {
                assert!(!of_first.contains(partition), "{partition} has two readers");
                second.start(*partition, Some(1)).await.expect("the broker answers");
            }
            of_second.extend(partitions);
        }
        raw.clear();
    }
    assert_eq!((of_first.len(), of_second.len()), (2, 2));
    drop(second);
    while of_first.len() < 4 {
        if let Polled::Assigned(_, partitions) =
            first.poll(9, &mut raw).await.expect("the broker answers")
        {
            for partition in &partitions {
                first.start(*partition, Some(1)).await.expect("the broker answers");
            }
            of_first.extend(partitions);
        }
        raw.clear();
    }
    events.put(&topic, 3, &["y"]);
    assert_eq!(read(&mut first, |_| Some(1), 1).await, [(3, 1, "y".to_owned())]);
}

#[tokio::test]
async fn groups_that_share_a_reading_begin_where_each_of_them_is() {
    let topic = topic("together", 2).await;
    let events = Events::new();
    let texts: Vec<String> = (0..2_000).map(|number| number.to_string()).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    (0..2).for_each(|partition| events.put(&topic, partition, &texts));
    let (whole, shared) = (unique("group"), unique("group"));
    let groups = [(whole.as_str(), Membership::Whole), (shared.as_str(), Membership::Shared)];
    let mut source = KafkaSource::open(&connection(), &topic, &groups, Beginning::Earliest)
        .await
        .expect("the broker answers");
    let mut raw = RawEvents::default();
    assert_eq!(poll(&mut source, &mut raw).await, Polled::Assigned(Readers::One(0), vec![0, 1]));
    for partition in [0, 1] {
        assert_eq!(source.beginning(partition).await.expect("the broker answers"), Some(0));
        source.start(partition, Some(1_000)).await.expect("the broker answers");
    }
    // The other group is dealt its partitions while the first reads; it goes back to where it is.
    let (mut next, mut is_back) = ([1_000, 1_000], false);
    while !is_back || next != [2_000, 2_000] {
        match poll(&mut source, &mut raw).await {
            Polled::Assigned(readers, partitions) => {
                assert_eq!((readers, partitions.as_slice()), (Readers::One(1), [0, 1].as_slice()));
                for partition in partitions {
                    source.start(partition, Some(5)).await.expect("the broker answers");
                    next[partition] = 5;
                }
                is_back = true;
            }
            Polled::Events => {
                let offsets: Vec<u64> = (0..raw.len()).map(|index| raw.offset(index)).collect();
                let first = next[raw.partition];
                let expected: Vec<u64> = (first..first + raw.len() as u64).collect();
                assert_eq!(offsets, expected);
                next[raw.partition] = raw.next_offset;
            }
            other => panic!("{other:?}"),
        }
    }
    // What one group gives away is read on for the other.
    source.release(Readers::One(0), &[0, 1]).await.expect("the broker answers");
    events.put(&topic, 0, &["more"]);
    assert_eq!(read(&mut source, |_| None, 1).await, [(0, 2_000, "more".to_owned())]);

    let names = [whole.as_str(), shared.as_str()];
    for (beginning, behind) in [(Beginning::Earliest, 4_001), (Beginning::Latest, 0)] {
        let standing =
            Standing::new(&connection(), &topic, &names, beginning).expect("two clients");
        let found = standing.behind().await.expect("the broker answers");
        assert_eq!(found, [behind, behind], "{beginning:?}");
    }
}

#[tokio::test]
async fn an_offset_that_the_topic_does_not_have_is_an_error() {
    let topic = topic("gone", 1).await;
    Events::new().put(&topic, 0, &["a"]);
    let mut source = open(&topic, Membership::Whole, Beginning::Earliest).await;
    let mut raw = RawEvents::default();
    assert_eq!(poll(&mut source, &mut raw).await, Polled::Assigned(Readers::One(0), vec![0]));
    source.start(0, Some(99)).await.expect("the broker answers");
    let error = loop {
        match source.poll(9, &mut raw).await {
            Ok(polled) => assert_eq!(polled, Polled::Nothing),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert!(error.hint().is_some());
}

#[tokio::test]
async fn what_keeps_a_job_from_reading_is_told_apart() {
    let topic = topic("refused", 1).await;
    let open = async |connection: &KafkaConnection, topic: &str| {
        let group = unique("group");
        KafkaSource::open(connection, topic, &[(&group, Membership::Whole)], Beginning::Earliest)
            .await
            .map(drop)
            .map_err(|error| error.kind())
    };
    assert_eq!(open(&connection(), "no-such-topic").await, Err(ErrorKind::NotFound));
    let nobody = KafkaConnection::new("127.0.0.1:9");
    assert_eq!(open(&nobody, &topic).await, Err(ErrorKind::Unavailable));
    let login = |password: &str| {
        let mut connection = KafkaConnection::new(&variable("FS_TEST_KAFKA_SASL"));
        for (name, value) in [
            ("security.protocol", "sasl_plaintext"),
            ("sasl.mechanism", "PLAIN"),
            ("sasl.username", "larder"),
            ("sasl.password", password),
        ] {
            connection.set(name, value).expect("a property");
        }
        connection
    };
    assert_eq!(open(&login("larder-secret"), &topic).await, Ok(()));
    assert_eq!(open(&login("wrong"), &topic).await, Err(ErrorKind::PermissionDenied));
    let mut unknown = connection();
    unknown.set("no.such.property", "x").expect("a property");
    assert_eq!(open(&unknown, &topic).await, Err(ErrorKind::Invalid));
}
