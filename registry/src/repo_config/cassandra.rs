//! The `online_store` section of the types `cassandra` and `scylladb`.

use larder_core::Result;

use super::online_store_types::{CassandraStore, CassandraWriteTimestamp};
use super::reader::Reader;
use crate::yaml::Value;

/// Names of the levels as CQL writes them.
const CONSISTENCY: [(&str, &str); 8] = [
    ("ONE", "ONE"),
    ("TWO", "TWO"),
    ("THREE", "THREE"),
    ("QUORUM", "QUORUM"),
    ("ALL", "ALL"),
    ("LOCAL_ONE", "LOCAL_ONE"),
    ("LOCAL_QUORUM", "LOCAL_QUORUM"),
    ("EACH_QUORUM", "EACH_QUORUM"),
];

/// One entry of `datacenters`; replication is for people to read, in Feast too.
struct DataCenter {
    name: String,
    hosts: Vec<String>,
}

/// Contact points and the data centers that reads and writes prefer.
struct Places {
    hosts: Vec<String>,
    read_dc: Option<String>,
    write_dc: Option<String>,
}

pub(super) fn read(section: &Reader<'_>, scylla: bool) -> Result<CassandraStore> {
    let Places { hosts, read_dc, write_dc } =
        if scylla { scylla_places(section)? } else { places(section)? };
    let secure_bundle_path =
        if scylla { None } else { section.optional_text("secure_bundle_path")? };
    let consistency = if scylla { "LOCAL_QUORUM" } else { "LOCAL_ONE" };
    let store = CassandraStore {
        scylla,
        hosts,
        secure_bundle_path,
        port: section.number("port", 9042)?,
        keyspace: section.text("keyspace", "feast_keyspace")?,
        username: section.optional_text("username")?,
        password: section.secret("password")?,
        read_dc,
        write_dc,
        read_consistency: section.choice("read_consistency", consistency, &CONSISTENCY)?,
        write_consistency: section.choice("write_consistency", consistency, &CONSISTENCY)?,
        request_timeout: section.optional_float("request_timeout")?,
        read_concurrency: section.number("read_concurrency", 100)?,
        write_concurrency: section.number("write_concurrency", 100)?,
        write_timestamp: section.choice(
            "write_timestamp",
            "wall_clock",
            &[
                ("wall_clock", CassandraWriteTimestamp::WallClock),
                ("event_time", CassandraWriteTimestamp::EventTime),
            ],
        )?,
    };
    check(section, &store)?;
    Ok(store)
}

fn check(section: &Reader<'_>, store: &CassandraStore) -> Result<()> {
    if store.username.is_some() != store.password.is_some() {
        let given = if store.username.is_some() { "username" } else { "password" };
        return Err(section.error(given, "is given alone: a login is username and password"));
    }
    if store.request_timeout.is_some_and(|seconds| !(seconds > 0.0 && seconds < 86_400.0)) {
        return Err(section.error("request_timeout", "must be a number of seconds above 0"));
    }
    for (key, value) in [
        ("read_concurrency", store.read_concurrency),
        ("write_concurrency", store.write_concurrency),
    ] {
        if value == 0 {
            return Err(section.error(key, "must be greater than 0"));
        }
    }
    Ok(())
}

fn scylla_places(section: &Reader<'_>) -> Result<Places> {
    let hosts = section.texts("hosts")?.ok_or_else(|| section.error("hosts", "is missing"))?;
    let local_dc = section.optional_text("local_dc")?;
    Ok(Places { hosts, read_dc: local_dc.clone(), write_dc: local_dc })
}

/// Feast 0.67: either `hosts`, with one preferred data center, or `datacenters`, with routing between them.
fn places(section: &Reader<'_>) -> Result<Places> {
    let hosts = section.texts("hosts")?;
    let local_dc = local_dc(section)?;
    let Some(centers) = section.optional("datacenters", data_centers, |centers| names(centers))?
    else {
        let hosts = hosts.unwrap_or_default();
        return Ok(Places { hosts, read_dc: local_dc.clone(), write_dc: local_dc });
    };
    if hosts.is_some() {
        return Err(section.error("datacenters", "and hosts exclude each other"));
    }
    let Some(first) = centers.first() else {
        return Err(section.error("datacenters", "is empty"));
    };
    let default = local_dc.unwrap_or_else(|| first.name.clone());
    let routing = section.child("routing")?;
    let read_dc = routing.optional_text("read_dc")?.unwrap_or_else(|| default.clone());
    let write_dc = routing.optional_text("write_dc")?.unwrap_or(default);
    for wanted in [&read_dc, &write_dc] {
        if !centers.iter().any(|center| center.name == *wanted) {
            let known = names(&centers);
            let message = format!("has no entry \"{wanted}\", to which requests go, only {known}");
            return Err(section.error("datacenters", message));
        }
    }
    Ok(Places {
        hosts: centers.into_iter().flat_map(|center| center.hosts).collect(),
        read_dc: Some(read_dc),
        write_dc: Some(write_dc),
    })
}

/// `load_balancing.local_dc`; a section without it means `datacenter1`, as in Feast.
fn local_dc(section: &Reader<'_>) -> Result<Option<String>> {
    let balancing = section.child("load_balancing")?;
    if balancing.section().is_none() {
        return Ok(None);
    }
    balancing.text("local_dc", "datacenter1").map(Some)
}

fn data_centers(value: &Value<'_>) -> Result<Vec<DataCenter>> {
    let entries = value.list()?;
    entries
        .iter()
        .map(|entry| {
            let section = entry.section()?;
            let name = section.require("name")?.text()?;
            let hosts = section.require("hosts")?.texts()?;
            section.allow(&["replication_factor", "replication_strategy"]);
            section.finish()?;
            Ok(DataCenter { name, hosts })
        })
        .collect()
}

fn names(centers: &[DataCenter]) -> String {
    centers.iter().map(|center| center.name.as_str()).collect::<Vec<_>>().join(",")
}
