//! Options of the online stores and of what stands around them.
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::time::Duration;

use larder_core::{ErrorKind, Result};
use larder_registry::repo_config::{
    ByteSize, CacheSettings, CassandraStore, CassandraWriteTimestamp, FixedEnvironment,
    LoadOptions, OnlineStoreConfig, OnlineStoreLayers, RepoConfig,
};

/// The configuration of a repository whose online store is written so in either file.
fn load(feature_store: &str, larder: &str) -> Result<RepoConfig> {
    let folder = tempfile::tempdir().unwrap();
    let base = "project: shop\nregistry: data/registry.db\nonline_store: ";
    std::fs::write(folder.path().join("feature_store.yaml"), format!("{base}{feature_store}\n"))
        .unwrap();
    std::fs::write(folder.path().join("larder.yaml"), larder).unwrap();
    let options = LoadOptions { repo_path: folder.path().to_owned(), ..LoadOptions::default() };
    RepoConfig::load(&options, &FixedEnvironment::default())
}

fn cassandra(feature_store: &str, larder: &str) -> CassandraStore {
    let config = load(feature_store, larder).unwrap();
    let OnlineStoreConfig::Cassandra(store) = config.online_store.unwrap() else { panic!() };
    store
}

#[test]
fn cassandra_and_scylladb_have_the_defaults_of_feast() {
    let store = cassandra("{type: cassandra, hosts: [a]}", "");
    assert_eq!((store.port, store.keyspace.as_str()), (9042, "feast_keyspace"));
    assert_eq!((store.read_consistency, store.write_consistency), ("LOCAL_ONE", "LOCAL_ONE"));
    assert_eq!((store.read_dc, store.request_timeout), (None, None));
    let store = cassandra("{type: scylladb, hosts: [a, b], local_dc: dc2}", "");
    assert_eq!((store.read_consistency, store.write_consistency), ("LOCAL_QUORUM", "LOCAL_QUORUM"));
    assert_eq!((store.hosts.len(), store.read_dc.as_deref()), (2, Some("dc2")));
    assert_eq!(store.write_timestamp, CassandraWriteTimestamp::WallClock);
}

#[test]
fn larder_yaml_sets_what_only_larder_knows() {
    let larder = "online_store: {write_timestamp: event_time, read_consistency: ONE}";
    let store = cassandra("{type: cassandra, hosts: [a]}", larder);
    assert_eq!(store.write_timestamp, CassandraWriteTimestamp::EventTime);
    assert_eq!((store.read_consistency, store.write_consistency), ("ONE", "LOCAL_ONE"));
    let refused = load("{type: cassandra, hosts: [a], write_timestamp: event_time}", "");
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Invalid);
}

#[test]
fn data_centers_are_routed_between_as_in_feast() {
    let centers =
        "datacenters: [{name: dc1, hosts: [a], replication_factor: 3}, {name: dc2, hosts: [b, c]}]";
    let route = |rest: &str| {
        let store = cassandra(&format!("{{type: cassandra, {centers}{rest}}}"), "");
        assert_eq!(store.hosts, ["a", "b", "c"]);
        (store.read_dc.unwrap(), store.write_dc.unwrap())
    };
    let both = |read: &str, write: &str| (read.to_owned(), write.to_owned());
    assert_eq!(route(""), both("dc1", "dc1"));
    assert_eq!(route(", routing: {read_dc: dc2}"), both("dc2", "dc1"));
    let balanced =
        ", load_balancing: {load_balancing_policy: DCAwareRoundRobinPolicy, local_dc: dc2}";
    assert_eq!(route(balanced), both("dc2", "dc2"));
    let only_local = "{type: cassandra, hosts: [a], load_balancing: {load_balancing_policy: X}}";
    assert_eq!(cassandra(only_local, "").read_dc.as_deref(), Some("datacenter1"));
}

#[test]
fn contradictions_are_refused_with_their_place() {
    for section in [
        "{type: scylladb}",
        "{type: cassandra, hosts: [a], username: u}",
        "{type: cassandra, hosts: [a], password: p}",
        "{type: cassandra, hosts: [a], request_timeout: 0}",
        "{type: cassandra, hosts: [a], read_concurrency: 0}",
        "{type: cassandra, hosts: [a], datacenters: [{name: dc1, hosts: [b]}]}",
        "{type: cassandra, datacenters: []}",
        "{type: cassandra, datacenters: [{name: dc1}]}",
        "{type: cassandra, datacenters: [{name: dc1, hosts: [b]}], routing: {write_dc: dc9}}",
    ] {
        let error = load(section, "").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{section}");
        assert!(error.location().is_some(), "{section}: {error}");
    }
    for larder in ["read_consistency: quorum", "write_timestamp: now"] {
        let error = load("{type: cassandra, hosts: [a]}", &format!("online_store: {{{larder}}}"));
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Invalid, "{larder}");
    }
}

#[test]
fn a_password_is_not_shown() {
    let config =
        load("{type: cassandra, hosts: [a], username: u, password: opensesame}", "").unwrap();
    assert!(!format!("{config:?}").contains("opensesame"));
}

#[test]
fn layers_are_off_until_they_are_set() {
    let layers = |larder: &str| load("{type: sqlite}", larder).unwrap().online_store_layers;
    assert_eq!(layers(""), OnlineStoreLayers::default());
    let larder = "online_store: {cache: {ttl_ms: 500, max_bytes: 1MiB}, deadline: {read_ms: 50}, retry: {attempts: 5}, log_calls: true}";
    let layers = layers(larder);
    let ttl = Duration::from_millis(500);
    let cache = CacheSettings { max_bytes: ByteSize(1 << 20), max_entries: 1_000_000, ttl };
    assert_eq!(layers.cache, Some(cache));
    let deadlines = (layers.read_deadline, layers.write_deadline);
    assert_eq!(deadlines, (Some(Duration::from_millis(50)), None));
    let retry = layers.retry.unwrap();
    assert_eq!((retry.attempts, retry.first_pause), (5, Duration::from_millis(50)));
    assert!(layers.log_calls);
}

#[test]
fn layers_that_make_no_sense_are_refused() {
    for (feature_store, larder) in [
        ("{type: sqlite}", "cache: {}"),
        ("{type: sqlite}", "cache: {ttl_ms: 0}"),
        ("{type: sqlite}", "cache: {ttl_ms: 1, max_bytes: 0}"),
        ("{type: sqlite}", "cache: {ttl_ms: 1, ttl: 1}"),
        ("{type: sqlite}", "deadline: {read_ms: 0}"),
        ("{type: sqlite}", "deadline: {reads_ms: 1}"),
        ("{type: sqlite}", "retry: {attempts: 0}"),
        // Feast would refuse its file.
        ("{type: sqlite, cache: {ttl_ms: 1}}", "log_calls: true"),
    ] {
        let error = load(feature_store, &format!("online_store: {{{larder}}}")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{larder}");
    }
}
