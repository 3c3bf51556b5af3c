//! The SQLite store: the contract, and Feast's layout.
#![expect(clippy::unwrap_used, reason = "a failing step fails the test")]

use std::path::Path;
use std::sync::Arc;

use larder_core::ErrorKind;
use larder_online_store::{
    Cell, OnlineStore, SqliteConfig, SqliteStore, ViewTable, WriteGuard, WriteRowsBuilder,
    contract, online_store_contract,
};
use rusqlite::Connection;
use serde_json::Value as Json;
use tempfile::TempDir;

fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(&SqliteConfig::new(path)).unwrap()
}

fn make() -> (TempDir, Arc<dyn OnlineStore>) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("data/online.db"));
    (folder, Arc::new(store))
}

online_store_contract!(make());

#[tokio::test]
async fn views_may_have_any_name() {
    let (_folder, store) = make();
    contract::views_may_have_any_name(&contract::Store::new(store)).await;
}

#[tokio::test]
async fn a_table_never_made_is_not_found() {
    let (_folder, store) = make();
    contract::a_table_never_made_is_not_found(&contract::Store::new(store)).await;
}

#[tokio::test]
async fn a_view_that_fails_does_not_fail_the_others() {
    let (_folder, store) = make();
    contract::a_view_that_fails_does_not_fail_the_others(&contract::Store::new(store)).await;
}

/// What real Feast 0.67 left in its file.
fn golden() -> Json {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/online/misc.json");
    let text = std::fs::read_to_string(path).unwrap();
    serde_json::from_str::<Json>(&text).unwrap()["sqlite"].take()
}

fn schema(connection: &Connection) -> Vec<String> {
    let mut statement = connection
        .prepare("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")
        .unwrap();
    statement.query_map((), |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[tokio::test]
async fn the_schema_is_that_of_feast_to_the_letter() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("online.db");
    let tables =
        ["global_stats", "product_features", "user_behavior_features", "user_product_affinity"]
            .map(|view| ViewTable::new("shop", view, ["f"]).unwrap());
    open(&path).update(&tables, &[]).await.unwrap();
    let golden = golden();
    let expected: Vec<&str> =
        golden["schema"].as_array().unwrap().iter().map(|sql| sql.as_str().unwrap()).collect();
    assert_eq!(schema(&Connection::open(&path).unwrap()), expected);
}

#[tokio::test]
async fn rows_are_those_of_feast() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("online.db");
    let golden = golden();
    let expected = golden["rows"].as_array().unwrap();
    let features = [
        "last_seen",
        "clicks_7d",
        "is_prime",
        "avg_cart_value",
        "recent_scores",
        "favorite_category",
    ];
    let table = ViewTable::new("shop", "user_behavior_features", features).unwrap();
    let mut rows = WriteRowsBuilder::new(&table);
    for row in expected.chunk_by(|one, other| one[0] == other[0]) {
        let key = hex::decode(row[0][0].as_str().unwrap()).unwrap();
        let micros = |column: usize| row[0][column].as_i64().unwrap() * 1_000_000;
        rows.begin_row(&key, micros(5) + 999_999, Some(micros(6))).unwrap();
        for cell in row {
            let feature = table.feature(cell[1].as_str().unwrap()).unwrap();
            rows.set(feature, &hex::decode(cell[2].as_str().unwrap()).unwrap()).unwrap();
        }
    }
    let store = open(&path);
    store.update(std::slice::from_ref(&table), &[]).await.unwrap();
    store.write(&table, &rows.finish(), WriteGuard::EventTime).await.unwrap();
    assert_eq!(dump(&Connection::open(&path).unwrap(), "shop_user_behavior_features"), *expected);
}

/// Rows of a table as the golden file has them.
fn dump(connection: &Connection, table: &str) -> Vec<Json> {
    let sql = format!(
        "SELECT lower(hex(entity_key)), feature_name, lower(hex(value)), value_text, vector_value, event_ts, \
         created_ts, typeof(event_ts), typeof(created_ts) FROM {table} ORDER BY entity_key, feature_name"
    );
    let mut statement = connection.prepare(&sql).unwrap();
    let mut found = statement.query(()).unwrap();
    let mut rows = Vec::new();
    while let Some(row) = found.next().unwrap() {
        let text = |column| row.get::<_, Option<String>>(column).unwrap();
        let number = |column| row.get::<_, Option<i64>>(column).unwrap();
        rows.push(serde_json::json!([
            text(0),
            text(1),
            text(2),
            text(3),
            text(4),
            number(5),
            number(6),
            text(7),
            text(8)
        ]));
    }
    rows
}

fn users() -> ViewTable {
    ViewTable::new("shop", "users", ["age"]).unwrap()
}

async fn write_age(store: &SqliteStore, seconds: i64) {
    let mut rows = WriteRowsBuilder::new(&users());
    rows.begin_row(b"k", seconds * 1_000_000, None).unwrap();
    rows.set(0, &[0x20, 7]).unwrap();
    store.write(&users(), &rows.finish(), WriteGuard::EventTime).await.unwrap();
}

#[tokio::test]
async fn tables_of_older_versions_of_feast_get_the_text_column() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("online.db");
    let old = "CREATE TABLE shop_users (entity_key BLOB, feature_name TEXT, value BLOB, vector_value BLOB, \
               event_ts timestamp, created_ts timestamp, PRIMARY KEY(entity_key, feature_name))";
    Connection::open(&path).unwrap().execute(old, ()).unwrap();
    let store = open(&path);
    for _ in 0..2 {
        store.update(&[users()], &[]).await.unwrap();
    }
    write_age(&store, 5).await;
    let text: String = Connection::open(&path)
        .unwrap()
        .query_row("SELECT value_text FROM shop_users", (), |row| row.get(0))
        .unwrap();
    assert_eq!(text, "7");
}

#[tokio::test]
async fn the_numeric_column_is_kept_when_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("online.db");
    open(&path).update(&[users()], &[]).await.unwrap();
    let config = SqliteConfig { value_num: true, ..SqliteConfig::new(&path) };
    let store = SqliteStore::open(&config).unwrap();
    store.update(&[users()], &[]).await.unwrap();
    write_age(&store, 5).await;
    let number: f64 = Connection::open(&path)
        .unwrap()
        .query_row("SELECT value_num FROM shop_users", (), |row| row.get(0))
        .unwrap();
    assert_eq!(number.to_bits(), 7_f64.to_bits());
}

#[tokio::test]
async fn a_file_that_replaces_the_old_one_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("online.db");
    let store = open(&path);
    store.update(&[users()], &[]).await.unwrap();
    write_age(&store, 5).await;
    assert_eq!(store.read(&users(), &[b"k"]).await.unwrap().event_timestamp(0), Some(5_000_000));
    // As Feast's teardown does, and then its apply.
    std::fs::remove_file(&path).unwrap();
    let gone = store.read(&users(), &[b"k"]).await.unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::NotFound);
    open(&path).update(&[users()], &[]).await.unwrap();
    assert_eq!(store.read(&users(), &[b"k"]).await.unwrap().event_timestamp(0), None);
    write_age(&store, 3).await;
    assert_eq!(store.read(&users(), &[b"k"]).await.unwrap().event_timestamp(0), Some(3_000_000));
}

#[tokio::test]
async fn rows_that_another_program_wrote_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("online.db");
    let store = open(&path);
    store.update(&[users()], &[]).await.unwrap();
    let other = Connection::open(&path).unwrap();
    let insert = "INSERT INTO shop_users (entity_key, feature_name, value, event_ts) VALUES (x'6b', ?1, ?2, ?3)";
    other.execute(insert, ("unknown", b"x", 9)).unwrap();
    other.execute(insert, ("age", rusqlite::types::Null, 8)).unwrap();
    let answer = store.read(&users(), &[b"k"]).await.unwrap();
    assert_eq!((answer.event_timestamp(0), answer.cell(0, 0)), (Some(9_000_000), Cell::Null));
    other.execute("UPDATE shop_users SET event_ts = '2024-01-01 00:00:00'", ()).unwrap();
    let odd = store.read(&users(), &[b"k"]).await.unwrap_err();
    assert_eq!(odd.kind(), ErrorKind::Data);
}

#[tokio::test]
async fn a_writer_that_holds_the_file_makes_others_wait_and_readers_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("online.db");
    let store = open(&path);
    store.update(&[users()], &[]).await.unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE; DELETE FROM shop_users").unwrap();
    assert_eq!(store.read(&users(), &[b"k"]).await.unwrap().event_timestamp(0), None);
    let waiting = {
        let store = store.clone();
        tokio::spawn(async move { write_age(&store, 5).await })
    };
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    assert!(!waiting.is_finished());
    other.execute_batch("COMMIT").unwrap();
    waiting.await.unwrap();
    assert_eq!(store.read(&users(), &[b"k"]).await.unwrap().event_timestamp(0), Some(5_000_000));
}

#[tokio::test]
async fn with_a_rollback_journal_readers_wait_for_the_writer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("online.db");
    let config = SqliteConfig {
        write_ahead_log: false,
        busy_timeout: std::time::Duration::from_millis(200),
        ..SqliteConfig::new(&path)
    };
    let store = SqliteStore::open(&config).unwrap();
    store.update(&[users()], &[]).await.unwrap();
    write_age(&store, 5).await;
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let refused = store.read(&users(), &[b"k"]).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unavailable);
    let waiting = {
        let store = store.clone();
        tokio::spawn(async move { store.read(&users(), &[b"k"]).await })
    };
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    other.execute_batch("COMMIT").unwrap();
    assert_eq!(waiting.await.unwrap().unwrap().event_timestamp(0), Some(5_000_000));
}

#[tokio::test]
async fn files_that_are_no_database_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("online.db");
    std::fs::write(&path, vec![b'x'; 5000]).unwrap();
    let store = open(&path);
    assert_eq!(store.read(&users(), &[b"k"]).await.unwrap_err().kind(), ErrorKind::Data);
    assert_eq!(store.health().await.unwrap_err().kind(), ErrorKind::Data);
    let folder_path = SqliteConfig::new(folder.path());
    assert_eq!(SqliteStore::open(&folder_path).unwrap_err().kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn health_without_a_file_says_what_to_do() {
    let (_folder, store) = make();
    let error = store.health().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.hint().is_some_and(|hint| hint.contains("fs apply")));
}
