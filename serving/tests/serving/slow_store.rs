use std::time::Duration;

use async_trait::async_trait;
use larder_core::Result;
use larder_online_store::{
    EmbeddedStore, OnlineStore, ReadRows, ViewTable, WriteGuard, WriteRows, WriteSummary,
};

/// A real store whose reads take their time, as one across a busy network.
#[derive(Debug)]
pub(crate) struct SlowStore {
    pub(crate) store: EmbeddedStore,
    pub(crate) delay: Duration,
}

#[async_trait]
impl OnlineStore for SlowStore {
    fn name(&self) -> &'static str {
        self.store.name()
    }

    async fn read(&self, table: &ViewTable, keys: &[&[u8]]) -> Result<ReadRows> {
        tokio::time::sleep(self.delay).await;
        self.store.read(table, keys).await
    }

    async fn write(
        &self,
        table: &ViewTable,
        rows: &WriteRows,
        guard: WriteGuard,
    ) -> Result<WriteSummary> {
        self.store.write(table, rows, guard).await
    }

    async fn update(&self, create: &[ViewTable], delete: &[ViewTable]) -> Result<()> {
        self.store.update(create, delete).await
    }

    async fn teardown(&self, tables: &[ViewTable]) -> Result<()> {
        self.store.teardown(tables).await
    }

    async fn health(&self) -> Result<()> {
        self.store.health().await
    }
}
