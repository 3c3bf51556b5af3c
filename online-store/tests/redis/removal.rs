//! Removing views and projects: what goes, and above all what stays.

use larder_online_store::{
    OnlineStore, RedisConfig, RedisTopology, ViewTable, WriteGuard, WriteRowsBuilder,
};
use larder_tests::RedisServer;

use crate::servers::{config, entity_key, open};

const GLOBS: [&str; 5] = ["shop", "s*p", "sh?p", "[shop]", "sh\\op"];

fn table(project: &str, view: &str) -> ViewTable {
    ViewTable::new(project, view, ["a", "b"]).unwrap()
}

async fn write(store: &impl OnlineStore, table: &ViewTable) {
    let mut rows = WriteRowsBuilder::new(table);
    for key in 0..20_u8 {
        rows.begin_row(&entity_key(&[b'*', key]), 5, None).unwrap();
        rows.set(0, &[0x20, key]).unwrap();
        rows.set(1, &[]).unwrap();
    }
    store.write(table, &rows.finish(), WriteGuard::EventTime).await.unwrap();
}

fn keys(server: &RedisServer) -> usize {
    redis::cmd("DBSIZE").query(&mut server.connection()).unwrap()
}

#[tokio::test]
async fn names_that_are_patterns_match_themselves_only() {
    let server = RedisServer::start(&[]);
    let store = open(&config(RedisTopology::Single, &server.address()));
    for project in GLOBS {
        write(&store, &table(project, "users")).await;
    }
    for (gone, project) in GLOBS.iter().enumerate() {
        assert_eq!(keys(&server), 20 * (GLOBS.len() - gone));
        store.teardown(&[table(project, "users")]).await.unwrap();
    }
    assert_eq!(keys(&server), 0);
}

#[tokio::test]
async fn a_removed_view_leaves_the_fields_of_others_and_nothing_of_its_own() {
    let server = RedisServer::start(&[]);
    let store = open(&config(RedisTopology::Single, &server.address()));
    let (one, other) = (table("shop", "one"), table("shop", "other"));
    write(&store, &one).await;
    write(&store, &other).await;
    store.update(&[], std::slice::from_ref(&one)).await.unwrap();
    let key = [entity_key(&[b'*', 3]).as_slice(), b"shop"].concat();
    let fields: usize = redis::cmd("HLEN").arg(&key).query(&mut server.connection()).unwrap();
    assert_eq!((keys(&server), fields), (20, 3));
    store.update(&[], &[other]).await.unwrap();
    assert_eq!(keys(&server), 0);
}

#[tokio::test]
async fn without_full_scan_an_apply_removes_nothing_and_a_teardown_does() {
    let server = RedisServer::start(&[]);
    let config = config(RedisTopology::Single, &server.address());
    let store = open(&RedisConfig { remove_rows: false, ..config });
    let users = table("shop", "users");
    write(&store, &users).await;
    store.update(&[], std::slice::from_ref(&users)).await.unwrap();
    assert_eq!(keys(&server), 20);
    store.teardown(&[users]).await.unwrap();
    assert_eq!(keys(&server), 0);
}

#[tokio::test]
async fn nothing_to_remove_needs_no_redis() {
    let store = open(&config(RedisTopology::Single, "127.0.0.1:1"));
    store.update(&[table("shop", "users")], &[]).await.unwrap();
    assert!(store.update(&[], &[table("shop", "users")]).await.is_err());
}
