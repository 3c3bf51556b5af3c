//! A real store whose calls wait for something first, as one across a busy network.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::{BoxFuture, FutureExt as _};
use larder_core::Result;
use larder_online_store::{OnlineStore, ReadRows, ViewTable, WriteGuard, WriteRows, WriteSummary};

use crate::fixture::Around;

/// What a call for a table waits for.
type Wait = Box<dyn Fn(&ViewTable) -> BoxFuture<'static, ()> + Send + Sync>;

struct WaitingStore {
    store: Arc<dyn OnlineStore>,
    read: Wait,
    write: Wait,
}

/// Every read takes so much longer.
pub(crate) fn slow_reads(delay: Duration) -> Around {
    around(Box::new(move |_| tokio::time::sleep(delay).boxed()), at_once())
}

/// Reads of this view take longer than any test; others come at once.
pub(crate) fn one_view_late(view: &'static str) -> Around {
    let wait = move |table: &ViewTable| {
        let is_late = table.to_string().contains(view);
        let delay = if is_late { Duration::from_hours(1) } else { Duration::ZERO };
        tokio::time::sleep(delay).boxed()
    };
    around(Box::new(wait), at_once())
}

/// Writes wait for what `wait` gives.
pub(crate) fn held_writes(
    wait: impl Fn() -> BoxFuture<'static, ()> + Send + Sync + 'static,
) -> Around {
    around(at_once(), Box::new(move |_| wait()))
}

fn at_once() -> Wait {
    Box::new(|_| std::future::ready(()).boxed())
}

fn around(read: Wait, write: Wait) -> Around {
    Box::new(move |store| Arc::new(WaitingStore { store, read, write }))
}

impl fmt::Debug for WaitingStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitingStore").field("store", &self.store).finish_non_exhaustive()
    }
}

#[async_trait]
impl OnlineStore for WaitingStore {
    fn name(&self) -> &'static str {
        self.store.name()
    }

    async fn read(&self, table: &ViewTable, keys: &[&[u8]]) -> Result<ReadRows> {
        (self.read)(table).await;
        self.store.read(table, keys).await
    }

    async fn write(
        &self,
        table: &ViewTable,
        rows: &WriteRows,
        guard: WriteGuard,
    ) -> Result<WriteSummary> {
        (self.write)(table).await;
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
