//! Topics of a repository on a cluster.

use std::time::{Duration, Instant};

use larder_core::ErrorKind;
use larder_stream_features::{TopicAdmin, Topics};

use crate::broker::{connection, unique};

fn topics(text: &str) -> Topics {
    let folder = tempfile::tempdir().expect("a writable folder");
    std::fs::create_dir(folder.path().join("streams")).expect("a writable folder");
    std::fs::write(folder.path().join("streams/topics.yaml"), text).expect("a writable folder");
    Topics::load(folder.path()).expect("topics")
}

#[tokio::test]
async fn a_topic_is_made_as_it_is_wanted_and_what_is_otherwise_is_found() {
    let name = unique("made");
    let admin = TopicAdmin::new(&connection()).expect("a client");
    let wanted = topics(&format!(
        "topics: {{{name}: {{partitions: 2, retention: 7d, cleanup: compact, config: {{segment.ms: '60000'}}}}}}"
    ));
    let (_, spec) = wanted.iter().next().expect("a topic");
    admin.create(&name, spec, 1, true).await.expect("the broker answers");
    assert!(
        admin.existing(&[&name]).await.expect("the broker answers").is_empty(),
        "asking makes nothing"
    );
    admin.create(&name, spec, 1, false).await.expect("the broker answers");
    admin.create(&name, spec, 1, false).await.expect("the broker answers");
    let found = admin.existing(&[&name, "no-such-topic"]).await.expect("the broker answers");
    assert_eq!(found.len(), 1);
    assert_eq!(spec.differences(&found[&name], 1), []);

    let more =
        topics(&format!("topics: {{{name}: {{partitions: 3, retention: 1d, cleanup: compact}}}}"));
    let (_, more) = more.iter().next().expect("a topic");
    let settings = |found: &larder_stream_features::TopicState| {
        let differences = more.differences(found, 1);
        differences.into_iter().map(|one| one.setting).collect::<Vec<_>>()
    };
    assert_eq!(settings(&found[&name]), ["partitions", "retention.ms"]);
    admin.grow(&name, 3, false).await.expect("the broker answers");
    // A broker tells of new partitions a moment after it made them.
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let found = admin.existing(&[&name]).await.expect("the broker answers");
        if settings(&found[&name]) == ["retention.ms"] {
            break;
        }
        assert!(Instant::now() < deadline, "{found:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn more_copies_than_brokers_are_refused_with_a_hint() {
    let name = unique("copies");
    let admin = TopicAdmin::new(&connection()).expect("a client");
    let wanted = topics(&format!("topics: {{{name}: {{partitions: 1}}}}"));
    let (_, spec) = wanted.iter().next().expect("a topic");
    for is_dry in [true, false] {
        let error = admin.create(&name, spec, 3, is_dry).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(error.hint().is_some());
    }
}
