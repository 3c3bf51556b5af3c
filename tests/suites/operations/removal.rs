//! Deleting views while Redis is away: nothing changes, and the same command later does all of it.

use larder_tests::{Outcome, RedisServer, Repository};

const HEAD: &str = "\
from datetime import timedelta
from feast import Entity, FeatureView, Field, FileSource, ValueType
from feast.types import Int64

key = Entity(name=\"key\", join_keys=[\"key\"], value_type=ValueType.INT64)
source = FileSource(name=\"rows\", path=\"rows.parquet\", timestamp_field=\"event_timestamp\")
";

fn definitions(views: &[&str]) -> String {
    let view = |name: &&str| {
        format!(
            "{name} = FeatureView(name=\"{name}\", entities=[key], ttl=timedelta(0), \
             schema=[Field(name=\"key\", dtype=Int64), Field(name=\"a\", dtype=Int64)], source=source)\n"
        )
    };
    [HEAD.to_owned()].into_iter().chain(views.iter().map(view)).collect()
}

/// Two applied views with a row each, on a Redis that keeps them.
fn stored() -> (RedisServer, Repository) {
    let server = RedisServer::start(&["--appendonly", "yes", "--appendfsync", "always"]);
    let settings = format!(
        "project: shop\nprovider: local\nregistry: data/registry.db\n\
         entity_key_serialization_version: 3\n\
         online_store: {{type: redis, connection_string: \"{},socket_connect_timeout=0.5\"}}\n",
        server.address()
    );
    let both = definitions(&["one", "other"]);
    let repository = Repository::with(&[("feature_store.yaml", &settings), ("features.py", &both)]);
    repository.fs().ok(&["apply"]);
    let mut add = redis::cmd("HSET");
    add.arg(row_key()).arg("_ts:one").arg("").arg("_ts:other").arg("");
    add.exec(&mut server.connection()).expect("a row can be stored");
    (server, repository)
}

/// Entity key version 3 of `key` = 1, and the project.
fn row_key() -> Vec<u8> {
    let name = [&[1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0][..], b"key"].concat();
    [&name, &[4, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0][..], b"shop"].concat()
}

fn rows(server: &RedisServer) -> Vec<String> {
    let mut fields: Vec<String> = redis::cmd("HKEYS")
        .arg(row_key())
        .query(&mut server.connection())
        .expect("the fields can be listed");
    fields.sort();
    fields
}

#[track_caller]
fn fails_and_succeeds_later(command: &[&str], prepare: impl FnOnce(&Repository)) {
    let (mut server, repository) = stored();
    prepare(&repository);
    let registry = || std::fs::read(repository.file("data/registry.db")).expect("a registry");
    let before = registry();
    server.kill();
    let Outcome { code, stderr, .. } = repository.fs().run(command);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("redis at") && stderr.contains("hint:"), "{stderr}");
    assert!(before == registry(), "the registry was changed");
    server.restart();
    assert_eq!(rows(&server), ["_ts:one", "_ts:other"]);
    repository.fs().ok(command);
    assert_eq!(rows(&server), ["_ts:other"]);
    let views = repository.fs().ok(&["feature-views", "list"]);
    assert!(views.contains("other") && !views.contains("one "), "{views}");
}

#[test]
fn an_apply_that_cannot_remove_rows_changes_nothing_and_may_be_repeated() {
    fails_and_succeeds_later(&["apply"], |repository| {
        repository.write("features.py", definitions(&["other"]));
    });
}

#[test]
fn a_view_whose_rows_cannot_be_removed_stays_and_may_be_deleted_again() {
    fails_and_succeeds_later(&["delete", "one"], |_| {});
}

#[test]
fn a_project_is_deleted_with_its_rows_and_stays_while_they_cannot_be_removed() {
    let (mut server, repository) = stored();
    let mut add = redis::cmd("HSET");
    let neighbour = [row_key().as_slice(), b"2"].concat();
    add.arg(&neighbour).arg("_ts:one").arg("");
    add.exec(&mut server.connection()).expect("a row can be stored");
    let registry = || std::fs::read(repository.file("data/registry.db")).expect("a registry");
    let before = registry();
    server.kill();
    let Outcome { code, stderr, .. } =
        repository.fs().run(&["projects", "delete", "shop", "--yes"]);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("redis at") && stderr.contains("not deleted"), "{stderr}");
    assert!(before == registry(), "the registry was changed");
    server.restart();
    assert_eq!(rows(&server), ["_ts:one", "_ts:other"]);
    repository.fs().ok(&["projects", "delete", "shop", "--yes"]);
    assert_eq!(rows(&server), [""; 0]);
    let others: bool = redis::cmd("EXISTS")
        .arg(&neighbour)
        .query(&mut server.connection())
        .expect("a key can be looked for");
    assert!(others, "rows of the project \"shop2\" stay");
    let unknown = repository.fs().run(&["projects", "delete", "shop", "--yes"]);
    assert_ne!(unknown.code, Some(0), "{}", unknown.stderr);
}
