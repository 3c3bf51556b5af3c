//! `remote`: another feature server, Feast's or Larder's, over HTTP as Feast's own client speaks to it.
//!
//! `read` and `write` (what is asked), `client` (requests, connections, time limits), `tls`, `layout` (documents).

mod client;
mod config;
mod error;
mod layout;
mod read;
mod tls;
mod write;

use std::sync::Arc;

use async_trait::async_trait;
use larder_core::{Error, Result};

use self::client::Client;
pub use self::config::{RemoteConfig, RemoteToken};
use crate::{
    GuardScope, OnlineStore, PoolUse, ReadRows, ViewRead, ViewTable, WriteGuard, WriteRows,
    WriteSummary,
};

/// The remote online store. Clones share connections.
///
/// The server has the definitions and the rows; its registry must know the views, and its guard decides which of two
/// written rows stays. What the protocol cannot say:
///
/// - making and removing tables: [`update`](OnlineStore::update) and [`teardown`](OnlineStore::teardown) do nothing, as
///   in Feast, `apply` where the server is;
/// - rows that leave features out: writing one is refused as `Unsupported`;
/// - what the guard kept out: every row that was sent counts as written;
/// - absent rows of a server whose store cannot tell them (Feast on Redis): a row of nulls from 1970 is taken for none.
///
/// Tables made by [`ViewTable::of_view`] are read with the types of their features; for others types are inferred from
/// JSON, as Feast does.
#[derive(Debug, Clone)]
pub struct RemoteStore(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    client: Client,
    rows_per_request: usize,
}

impl RemoteStore {
    /// A store on the server of `config`. Nothing is connected to before the first call.
    ///
    /// # Errors
    /// `Invalid` for a URL or a certificate that cannot be used.
    pub fn open(config: &RemoteConfig) -> Result<Self> {
        let client = Client::new(config)?;
        Ok(Self(Arc::new(Shared { client, rows_per_request: config.rows_per_request })))
    }
}

#[async_trait]
impl OnlineStore for RemoteStore {
    fn name(&self) -> &'static str {
        "remote"
    }

    fn guard_scope(&self) -> GuardScope {
        GuardScope::Call
    }

    fn pool(&self) -> Option<PoolUse> {
        Some(self.0.client.pool())
    }

    async fn read(&self, table: &ViewTable, keys: &[&[u8]]) -> Result<ReadRows> {
        let mut answers = self.read_views(&[ViewRead { table, keys }]).await;
        answers.pop().unwrap_or_else(|| Err(Error::internal("a view was not read")))
    }

    async fn read_views(&self, reads: &[ViewRead<'_>]) -> Vec<Result<ReadRows>> {
        read::read_views(&self.0.client, self.0.rows_per_request, reads).await
    }

    async fn write(
        &self,
        table: &ViewTable,
        rows: &WriteRows,
        guard: WriteGuard,
    ) -> Result<WriteSummary> {
        rows.check(table)?;
        write::write(&self.0.client, self.0.rows_per_request, table, rows, guard).await
    }

    /// Does nothing: the definitions are the server's.
    async fn update(&self, _create: &[ViewTable], _delete: &[ViewTable]) -> Result<()> {
        Ok(())
    }

    /// Does nothing: the rows are the server's.
    async fn teardown(&self, _tables: &[ViewTable]) -> Result<()> {
        Ok(())
    }

    async fn health(&self) -> Result<()> {
        let answer = self.0.client.get("/health").await;
        answer.map(drop).map_err(|fault| self.0.client.error(&fault))
    }
}
