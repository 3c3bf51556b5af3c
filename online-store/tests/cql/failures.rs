//! Every way in which a cluster refuses or cannot be reached, and what the caller is told.

use std::time::{Duration, Instant};

use larder_core::{Error, ErrorKind};
use larder_online_store::{
    CqlConfig, CqlFlavour, OnlineStore as _, ViewTable, WriteGuard, WriteRowsBuilder,
};

use crate::cluster::{config, config_at, new_keyspace, new_name, store, user, users};

const PASSWORD: &str = "a wrong password";

/// The errors of every kind of call on a store.
async fn failures(config: CqlConfig) -> Vec<Error> {
    let store = store(config);
    vec![
        store.health().await.unwrap_err(),
        store.read(&users(), &[b"k"]).await.unwrap_err(),
        store.write(&users(), &user(1, 0), WriteGuard::EventTime).await.unwrap_err(),
        store.update(&[users()], &[]).await.unwrap_err(),
    ]
}

#[tokio::test]
async fn a_refused_login_is_permission_denied_and_names_no_password() {
    let keyspace = new_keyspace().await;
    let mut wrong = config(CqlFlavour::Cassandra, &keyspace);
    if let Some(credentials) = &mut wrong.credentials {
        PASSWORD.clone_into(&mut credentials.password);
    }
    let mut none = config(CqlFlavour::Cassandra, &keyspace);
    none.credentials = None;
    for config in [wrong, none] {
        for error in failures(config).await {
            assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
            let text = format!("{error} {error:?} {:?}", error.hint());
            assert!(!text.contains(PASSWORD), "{text}");
        }
    }
}

#[tokio::test]
async fn a_node_that_is_down_is_unavailable_at_once() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = config_at(&format!("127.0.0.1:{port}"), CqlFlavour::Cassandra, "ks");
    let start = Instant::now();
    for error in failures(config).await {
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert!(error.message().contains(&port.to_string()), "{error}");
    }
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[tokio::test]
async fn nothing_to_do_needs_no_node() {
    let store = store(CqlConfig::new(CqlFlavour::ScyllaDb, ["no.such.host.invalid"]));
    store.update(&[], &[]).await.unwrap();
    store.teardown(&[]).await.unwrap();
    assert!(store.read(&users(), &[]).await.unwrap().is_empty());
    let none = WriteRowsBuilder::new(&users()).finish();
    store.write(&users(), &none, WriteGuard::EventTime).await.unwrap();
    assert_eq!(store.health().await.unwrap_err().kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_missing_keyspace_is_not_found_with_the_way_to_make_it() {
    for (flavour, hint) in
        [(CqlFlavour::Cassandra, "CREATE KEYSPACE"), (CqlFlavour::ScyllaDb, "fs apply")]
    {
        let store = store(config(flavour, &new_name()));
        let mut errors = vec![
            store.read(&users(), &[b"k"]).await.unwrap_err(),
            store.write(&users(), &user(1, 0), WriteGuard::EventTime).await.unwrap_err(),
        ];
        if flavour == CqlFlavour::Cassandra {
            errors.push(store.update(&[users()], &[]).await.unwrap_err());
        }
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
            assert!(error.hint().is_some_and(|text| text.contains(hint)), "{error:?}");
        }
        // Nothing there, nothing to remove.
        store.teardown(&[users()]).await.unwrap();
    }
}

#[tokio::test]
async fn too_few_replicas_for_the_consistency_level_are_unavailable() {
    // The keyspace that the flavour makes wants two of three nodes for LOCAL_QUORUM; here is one.
    let mut config = config(CqlFlavour::ScyllaDb, &new_name());
    let quorum = store(config.clone());
    quorum.update(&[users()], &[]).await.unwrap();
    let refused = quorum.write(&users(), &user(1, 0), WriteGuard::EventTime).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unavailable, "{refused}");
    assert!(refused.hint().is_some_and(|hint| hint.contains("write_consistency")), "{refused:?}");
    config.write_consistency = "ONE".parse().unwrap();
    config.read_consistency = "LOCAL_ONE".parse().unwrap();
    let one = store(config);
    one.write(&users(), &user(1, 0), WriteGuard::EventTime).await.unwrap();
    assert_eq!(one.read(&users(), &[b"k"]).await.unwrap().event_timestamp(0), Some(0));
}

#[tokio::test]
async fn a_data_center_that_the_cluster_does_not_have_is_invalid() {
    let keyspace = new_keyspace().await;
    let mut config = config(CqlFlavour::Cassandra, &keyspace);
    config.read_dc = Some("nowhere".to_owned());
    let error = store(config.clone()).health().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("datacenter1")), "{error:?}");
    config.read_dc = Some("datacenter1".to_owned());
    store(config).health().await.unwrap();
}

#[tokio::test]
async fn names_that_cql_cannot_hold_are_refused_when_the_table_is_made() {
    let store = store(config(CqlFlavour::Cassandra, &new_keyspace().await));
    for view in ["a b", "größe", "quote\"quote", &"long".repeat(80)] {
        let table = ViewTable::new("shop", view, ["f"]).unwrap();
        let error = store.update(&[table], &[]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    }
}

#[tokio::test]
async fn keys_and_values_that_cql_cannot_hold_are_invalid() {
    let store = store(config(CqlFlavour::Cassandra, &new_keyspace().await));
    store.update(&[users()], &[]).await.unwrap();
    assert_eq!(store.read(&users(), &[b""]).await.unwrap().event_timestamps(), [None]);
    for (key, value) in [(vec![], 1), (vec![b'k'; 40_000], 1), (vec![b'k'], 20 << 20)] {
        let mut rows = WriteRowsBuilder::new(&users());
        rows.begin_row(&key, 0, None).unwrap();
        rows.set(0, &vec![b'v'; value]).unwrap();
        let written = store.write(&users(), &rows.finish(), WriteGuard::EventTime).await;
        assert_eq!(written.unwrap_err().kind(), ErrorKind::Invalid, "{} {value}", key.len());
    }
    // The connection is as good as before.
    store.write(&users(), &user(1, 0), WriteGuard::EventTime).await.unwrap();
}
