//! Cassandra as fast as its driver inserts: one prepared statement, so many at once.

use std::time::{Duration, Instant};

use anyhow::Result;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use larder_core::Value;
use larder_proto::wire::entity_key::{EntityKeyVersion, encode};
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use scylla::value::CqlTimestamp;
use tokio::runtime::{Builder, Runtime};

use crate::generated::{FEATURES, VIEWS};

/// A session and a table in the form of Feast's.
pub(crate) struct RawCassandra {
    runtime: Runtime,
    session: Session,
    table: String,
}

/// An encoded `Value` of a double.
const DOUBLE: [u8; 9] = [0x29, 0x9a, 0x99, 0x99, 0x99, 0x99, 0x99, 0xb9, 0x3f];

impl RawCassandra {
    /// Connects and makes the table.
    pub(crate) fn open(address: &str, project: &str) -> Result<Self> {
        let runtime = Builder::new_multi_thread().enable_all().build()?;
        // The test node has Cassandra's first user.
        let builder = SessionBuilder::new().known_node(address).user("cassandra", "cassandra");
        let session = runtime.block_on(builder.build())?;
        let table = format!("feast_keyspace.{project}_raw");
        let create = format!(
            "CREATE TABLE IF NOT EXISTS {table} (entity_key text, feature_name text, value blob, \
             event_ts timestamp, created_ts timestamp, PRIMARY KEY ((entity_key), feature_name))"
        );
        runtime.block_on(session.query_unpaged(create, ()))?;
        Ok(Self { runtime, session, table })
    }

    /// Inserts every feature of every view of so many keys; how long it took.
    pub(crate) fn insert(&self, keys: u32, at_once: usize) -> Result<Duration> {
        let names: Vec<String> = (0..VIEWS)
            .flat_map(|view| (0..FEATURES).map(move |feature| format!("v{view}_f{feature}")))
            .collect();
        let keys = (0..keys).map(key_text).collect::<Result<Vec<_>>>()?;
        self.runtime.block_on(async {
            let insert = format!(
                "INSERT INTO {} (feature_name, value, entity_key, event_ts) VALUES (?, ?, ?, ?)",
                self.table
            );
            let insert = &self.session.prepare(insert).await?;
            let rows = keys.iter().flat_map(|key| names.iter().map(move |name| (name, key)));
            let start = Instant::now();
            stream::iter(rows)
                .map(|(name, key)| {
                    self.session.execute_unpaged(insert, (name, &DOUBLE[..], key, CqlTimestamp(0)))
                })
                .buffer_unordered(at_once)
                .try_for_each(|_| async { Ok(()) })
                .await?;
            Ok(start.elapsed())
        })
    }

    /// Removes the table.
    pub(crate) fn drop_table(&self) -> Result<()> {
        self.runtime
            .block_on(self.session.query_unpaged(format!("DROP TABLE {}", self.table), ()))?;
        Ok(())
    }
}

fn key_text(key: u32) -> Result<String> {
    Ok(hex::encode(encode(EntityKeyVersion::V3, &["key"], &[Value::Int64(key.into())])?))
}
