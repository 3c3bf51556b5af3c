//! What stands in Feast's tables, column by column.

use std::time::Duration;

use larder_online_store::{Cell, CqlFlavour, OnlineStore as _, WriteGuard, WriteRowsBuilder};
use scylla::value::CqlTimestamp;

use crate::cluster::{config, new_keyspace, query, run, store, user, users};

/// 2024-01-02T03:04:05.123456 UTC.
const EVENT: i64 = 1_704_164_645_123_456;

type Stored = (String, String, Vec<u8>, CqlTimestamp, Option<CqlTimestamp>);

#[tokio::test]
async fn columns_are_those_of_feast() {
    for (flavour, created) in [
        (CqlFlavour::Cassandra, None),
        (CqlFlavour::ScyllaDb, Some(CqlTimestamp(1_704_164_646_000))),
    ] {
        let keyspace = new_keyspace().await;
        let store = store(config(flavour, &keyspace));
        store.update(&[users()], &[]).await.unwrap();
        let mut rows = WriteRowsBuilder::new(&users());
        rows.begin_row(b"\x0a\xff", EVENT, Some(EVENT + 876_544)).unwrap();
        rows.set(0, b"").unwrap();
        store.write(&users(), &rows.finish(), WriteGuard::EventTime).await.unwrap();
        let stored: Vec<Stored> = query(&format!(
            "SELECT entity_key, feature_name, value, event_ts, created_ts FROM \"{keyspace}\".shop_users"
        ))
        .await;
        let event = CqlTimestamp(EVENT / 1_000);
        assert_eq!(stored, [("0aff".to_owned(), "age".to_owned(), vec![], event, created)]);
    }
}

#[tokio::test]
async fn rows_expire_with_the_ttl_of_the_view_on_scylladb_only() {
    for (flavour, expires) in [(CqlFlavour::Cassandra, false), (CqlFlavour::ScyllaDb, true)] {
        let keyspace = new_keyspace().await;
        let store = store(config(flavour, &keyspace));
        let table = users().with_ttl(Some(Duration::from_hours(2)));
        store.update(std::slice::from_ref(&table), &[]).await.unwrap();
        store.write(&table, &user(7, EVENT), WriteGuard::EventTime).await.unwrap();
        let left: Vec<(Option<i32>,)> =
            query(&format!("SELECT TTL(value) FROM \"{keyspace}\".shop_users")).await;
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].0.is_some_and(|left| (7_100..=7_200).contains(&left)), expires);
    }
}

#[tokio::test]
async fn rows_that_another_program_wrote_are_read() {
    let keyspace = new_keyspace().await;
    let store = store(config(CqlFlavour::Cassandra, &keyspace));
    store.update(&[users()], &[]).await.unwrap();
    let insert = |name: &str, rest: &str| {
        format!(
            "INSERT INTO \"{keyspace}\".shop_users (entity_key, feature_name{rest}",
            rest = rest.replace("NAME", name)
        )
    };
    run(&insert("unknown", ", value, event_ts) VALUES ('6b', 'NAME', 0x78, 9)")).await;
    run(&insert("age", ", event_ts) VALUES ('6b', 'NAME', 8)")).await;
    run(&insert("age", ") VALUES ('6c', 'NAME')")).await;
    let answer = store.read(&users(), &[b"k", b"l"]).await.unwrap();
    assert_eq!((answer.event_timestamp(0), answer.cell(0, 0)), (Some(9_000), Cell::Null));
    assert_eq!((answer.event_timestamp(1), answer.cell(1, 0)), (Some(0), Cell::Null));
}

#[tokio::test]
async fn either_flavour_reads_the_tables_of_the_other() {
    for (one, other) in [
        (CqlFlavour::Cassandra, CqlFlavour::ScyllaDb),
        (CqlFlavour::ScyllaDb, CqlFlavour::Cassandra),
    ] {
        let keyspace = new_keyspace().await;
        let (one, other) = (store(config(one, &keyspace)), store(config(other, &keyspace)));
        one.update(&[users()], &[]).await.unwrap();
        one.write(&users(), &user(7, EVENT), WriteGuard::EventTime).await.unwrap();
        other.write(&users(), &user(8, EVENT), WriteGuard::EventTime).await.unwrap();
        for store in [&one, &other] {
            let answer = store.read(&users(), &[b"k"]).await.unwrap();
            assert_eq!(answer.cell(0, 0), Cell::Value(&[0x20, 8]));
        }
    }
}

#[tokio::test]
async fn the_scylladb_flavour_makes_the_keyspace_that_feast_makes() {
    let keyspace = crate::cluster::new_name();
    let store = store(config(CqlFlavour::ScyllaDb, &keyspace));
    store.update(&[users()], &[]).await.unwrap();
    let made: Vec<(std::collections::HashMap<String, String>,)> = query(&format!(
        "SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = '{keyspace}'"
    ))
    .await;
    assert!(made[0].0["class"].ends_with("NetworkTopologyStrategy"), "{made:?}");
    assert_eq!(made[0].0["datacenter1"], "3");
}
