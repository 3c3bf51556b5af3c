//! What the two write times mean beside Feast, and where the guard by event time ends.

use larder_online_store::{
    Cell, CqlFlavour, CqlStore, OnlineStore as _, ViewTable, WriteGuard, WriteRowsBuilder,
    WriteTimestamp,
};

use crate::cluster::{config, new_keyspace, query, run, store, user, users};

const EVENT: i64 = 1_704_164_645_123_456;

async fn made(write_timestamp: WriteTimestamp) -> (String, CqlStore) {
    let keyspace = new_keyspace().await;
    let mut config = config(CqlFlavour::Cassandra, &keyspace);
    config.write_timestamp = write_timestamp;
    let store = store(config);
    store.update(&[users()], &[]).await.unwrap();
    (keyspace, store)
}

async fn age(store: &CqlStore) -> Option<u8> {
    let answer = store.read(&users(), &[b"k"]).await.unwrap();
    answer.cell(0, 0).bytes().map(|value| value[1])
}

/// As Feast writes: with the time of the clock.
async fn write_as_feast(keyspace: &str, age: u8) {
    run(&format!(
        "INSERT INTO \"{keyspace}\".shop_users (feature_name, value, entity_key, event_ts) \
         VALUES ('age', 0x20{age:02x}, '6b', 5)"
    ))
    .await;
}

#[tokio::test]
async fn by_the_clock_feast_and_larder_take_turns() {
    let (keyspace, store) = made(WriteTimestamp::WallClock).await;
    store.write(&users(), &user(1, EVENT), WriteGuard::EventTime).await.unwrap();
    write_as_feast(&keyspace, 2).await;
    assert_eq!(age(&store).await, Some(2));
    store.write(&users(), &user(3, EVENT), WriteGuard::EventTime).await.unwrap();
    assert_eq!(age(&store).await, Some(3));
}

#[tokio::test]
async fn by_event_time_a_row_of_feast_hides_all_of_ours() {
    let (keyspace, store) = made(WriteTimestamp::EventTime).await;
    store.write(&users(), &user(1, EVENT), WriteGuard::EventTime).await.unwrap();
    write_as_feast(&keyspace, 2).await;
    store.write(&users(), &user(3, EVENT + 1), WriteGuard::EventTime).await.unwrap();
    assert_eq!(age(&store).await, Some(2));
}

#[tokio::test]
async fn the_write_time_is_the_event_time_in_microseconds() {
    let (keyspace, store) = made(WriteTimestamp::EventTime).await;
    store.write(&users(), &user(1, EVENT), WriteGuard::EventTime).await.unwrap();
    let written: Vec<(i64,)> =
        query(&format!("SELECT WRITETIME(value) FROM \"{keyspace}\".shop_users")).await;
    assert_eq!(written, [(EVENT,)]);
    // Microseconds decide, though only milliseconds are shown.
    store.write(&users(), &user(2, EVENT - 1), WriteGuard::EventTime).await.unwrap();
    assert_eq!(age(&store).await, Some(1));
    store.write(&users(), &user(3, EVENT + 1), WriteGuard::EventTime).await.unwrap();
    assert_eq!(age(&store).await, Some(3));
}

#[tokio::test]
async fn of_equal_event_times_the_larger_value_stays_feature_by_feature() {
    let (_, store) = made(WriteTimestamp::EventTime).await;
    let table = ViewTable::new("shop", "pairs", ["a", "b"]).unwrap();
    store.update(std::slice::from_ref(&table), &[]).await.unwrap();
    for pair in [[1, 2], [2, 1]] {
        let mut rows = WriteRowsBuilder::new(&table);
        rows.begin_row(b"k", EVENT, None).unwrap();
        for (feature, value) in pair.into_iter().enumerate() {
            rows.set(feature, &[0x20, value]).unwrap();
        }
        store.write(&table, &rows.finish(), WriteGuard::EventTime).await.unwrap();
    }
    let answer = store.read(&table, &[b"k"]).await.unwrap();
    let both = [answer.cell(0, 0), answer.cell(0, 1)];
    assert_eq!(both, [Cell::Value(&[0x20, 2]), Cell::Value(&[0x20, 2])]);
}
