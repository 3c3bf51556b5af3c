//! `deadline`: a call takes no longer than its budget.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use larder_core::{Error, ErrorKind, Result};
use tokio::time::timeout;

use crate::{
    GuardScope, OnlineStore, PoolUse, ReadRows, ViewRead, ViewTable, WriteGuard, WriteRows,
    WriteSummary,
};

/// Budgets; `None` leaves a kind of call alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DeadlineConfig {
    /// For a read, of however many keys and views, and for the question whether the store is well.
    pub read: Option<Duration>,
    /// For a write, of however many rows.
    pub write: Option<Duration>,
}

/// Gives calls that take too long up, with the kind [`Deadline`](ErrorKind::Deadline).
///
/// A write that is given up may still be stored, in whole or in part. Making and removing tables has no budget.
#[derive(Debug, Clone)]
pub struct DeadlineLayer {
    store: Arc<dyn OnlineStore>,
    config: DeadlineConfig,
}

impl DeadlineLayer {
    /// The store under these budgets.
    pub fn new(store: Arc<dyn OnlineStore>, config: DeadlineConfig) -> Self {
        Self { store, config }
    }

    async fn within<T>(
        &self,
        budget: Option<Duration>,
        call: impl Future<Output = T> + Send,
    ) -> Result<T> {
        match budget {
            None => Ok(call.await),
            Some(budget) => timeout(budget, call).await.map_err(|_| self.late(budget)),
        }
    }

    fn late(&self, budget: Duration) -> Error {
        let (name, millis) = (self.store.name(), budget.as_millis());
        let message = format!("the online store {name} did not answer within {millis} ms");
        Error::new(ErrorKind::Deadline, message)
            .with_hint("try again, or raise the budget: online_store.deadline")
    }
}

#[async_trait]
impl OnlineStore for DeadlineLayer {
    fn name(&self) -> &'static str {
        self.store.name()
    }

    fn guard_scope(&self) -> GuardScope {
        self.store.guard_scope()
    }

    fn pool(&self) -> Option<PoolUse> {
        self.store.pool()
    }

    async fn read(&self, table: &ViewTable, keys: &[&[u8]]) -> Result<ReadRows> {
        self.within(self.config.read, self.store.read(table, keys)).await?
    }

    async fn read_views(&self, reads: &[ViewRead<'_>]) -> Vec<Result<ReadRows>> {
        let answers = self.within(self.config.read, self.store.read_views(reads)).await;
        answers.unwrap_or_else(|_| {
            let budget = self.config.read.unwrap_or_default();
            reads.iter().map(|_| Err(self.late(budget))).collect()
        })
    }

    async fn write(
        &self,
        table: &ViewTable,
        rows: &WriteRows,
        guard: WriteGuard,
    ) -> Result<WriteSummary> {
        self.within(self.config.write, self.store.write(table, rows, guard)).await?
    }

    async fn update(&self, create: &[ViewTable], delete: &[ViewTable]) -> Result<()> {
        self.store.update(create, delete).await
    }

    async fn teardown(&self, tables: &[ViewTable]) -> Result<()> {
        self.store.teardown(tables).await
    }

    async fn health(&self) -> Result<()> {
        self.within(self.config.read, self.store.health()).await?
    }
}
