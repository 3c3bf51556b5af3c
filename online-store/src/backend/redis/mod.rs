//! `redis`: Feast's layout, or the packed one, on a single Redis, behind sentinels or in a cluster.
//!
//! Layers, from the outside: `read`, `write`, `remove` and `migrate` (what is asked), `scan` (all keys of a project), `client` (turns), `cluster` (which
//! node has what), `endpoint` (one server: pipelines, time limits), `slots`, `lease` and `slot` (connections, made again
//! when they are lost), `dial` and `log_in` (connecting), `look_up` (one that asks nothing else), `transaction` and
//! `script` (reading and writing at one moment), `schemas` (of packed rows); `layout`, `row`, `hmget` and `reply` (bytes).

mod client;
mod cluster;
mod config;
mod connection_string;
mod dial;
mod endpoint;
mod error;
mod hmget;
mod layout;
mod lease;
mod log_in;
mod look_up;
mod migrate;
mod read;
mod remove;
mod reply;
mod row;
mod scan;
mod schemas;
mod script;
mod slot;
mod slots;
mod transaction;
mod write;

use std::sync::Arc;

use async_trait::async_trait;
use larder_core::{Error, Result};

use self::client::Client;
pub use self::config::{
    RedisConfig, RedisCredentials, RedisGuard, RedisLayout, RedisNode, RedisTls, RedisTopology,
};
pub use self::migrate::{LayoutMigration, MigratedRows};
use self::schemas::Schemas;
use crate::{
    GuardScope, OnlineStore, PoolUse, ReadRows, ViewRead, ViewTable, WriteGuard, WriteRows,
    WriteSummary,
};

/// The Redis online store: Feast's hashes, which Feast may read and write at the same time.
///
/// The event-time guard holds between processes that use it: rows are compared and written at one moment, by a
/// transaction or a script inside Redis. Feast's layout
/// keeps no created timestamps, so at equal event times they count within one write only; across writes the later one
/// wins. Feast's own writes compare first and write later. Rows of one read come from one moment per key, not from one
/// snapshot. There are no tables to make: `update` only removes. Clones share connections.
#[derive(Debug, Clone)]
pub struct RedisStore(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    client: Client,
    config: RedisConfig,
    schemas: Schemas,
}

impl RedisStore {
    /// A store on the Redis of `config`. Nothing is connected to before the first call.
    ///
    /// # Errors
    /// `Invalid` for settings that cannot be used, such as a certificate that cannot be read.
    pub fn open(config: &RedisConfig) -> Result<Self> {
        let (client, config) = (Client::new(config)?, config.clone());
        Ok(Self(Arc::new(Shared { client, config, schemas: Schemas::default() })))
    }
}

#[async_trait]
impl OnlineStore for RedisStore {
    fn name(&self) -> &'static str {
        "redis"
    }

    fn guard_scope(&self) -> GuardScope {
        if self.0.config.guard == RedisGuard::Off { GuardScope::Call } else { GuardScope::Row }
    }

    fn pool(&self) -> Option<PoolUse> {
        Some(self.0.client.pool())
    }

    async fn read(&self, table: &ViewTable, keys: &[&[u8]]) -> Result<ReadRows> {
        let mut answers = self.read_views(&[ViewRead { table, keys }]).await;
        answers.pop().unwrap_or_else(|| Err(Error::internal("a view was not read")))
    }

    async fn read_views(&self, reads: &[ViewRead<'_>]) -> Vec<Result<ReadRows>> {
        let Shared { client, config, schemas } = &*self.0;
        read::read_views(client, schemas, config.layout, reads).await
    }

    async fn write(
        &self,
        table: &ViewTable,
        rows: &WriteRows,
        guard: WriteGuard,
    ) -> Result<WriteSummary> {
        rows.check(table)?;
        let Shared { client, config, schemas } = &*self.0;
        write::write((client, schemas), config, table, rows, guard).await
    }

    /// Makes nothing, and looks for rows to remove unless Feast's `full_scan_for_deletion` is off.
    async fn update(&self, _create: &[ViewTable], delete: &[ViewTable]) -> Result<()> {
        if !self.0.config.remove_rows {
            return Ok(());
        }
        remove::remove(&self.0.client, &self.0.schemas, delete).await
    }

    async fn teardown(&self, tables: &[ViewTable]) -> Result<()> {
        remove::remove(&self.0.client, &self.0.schemas, tables).await
    }

    async fn health(&self) -> Result<()> {
        self.0.client.primaries().await.map(drop).map_err(|fault| self.0.client.error(&fault))
    }
}
