//! `metrics`: an observer is told of every call.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use larder_core::{Error, ErrorKind, Result};

use super::observer::{Operation, StoreCall, StoreObserver};
use crate::{
    GuardScope, OnlineStore, PoolUse, ReadRows, ViewRead, ViewTable, WriteGuard, WriteRows,
    WriteSummary,
};

/// Measures every call and changes none.
#[derive(Debug, Clone)]
pub struct MetricsLayer {
    store: Arc<dyn OnlineStore>,
    observer: Arc<dyn StoreObserver>,
}

impl MetricsLayer {
    /// The store, observed.
    pub fn new(store: Arc<dyn OnlineStore>, observer: Arc<dyn StoreObserver>) -> Self {
        Self { store, observer }
    }

    fn begin(&self, operation: Operation, items: usize) -> Begun<'_> {
        Begun { layer: self, operation, items, start: Instant::now(), has_ended: false }
    }
}

/// A call that has not ended; when it is dropped, its caller gave it up.
struct Begun<'a> {
    layer: &'a MetricsLayer,
    operation: Operation,
    items: usize,
    start: Instant,
    has_ended: bool,
}

impl Begun<'_> {
    fn end<T>(self, result: Result<T>, effective: impl FnOnce(&T) -> usize) -> Result<T> {
        match &result {
            Ok(answer) => self.tell(effective(answer), None),
            Err(error) => self.tell(0, Some(error.kind())),
        }
        result
    }

    fn tell(mut self, effective: usize, error: Option<ErrorKind>) {
        self.has_ended = true;
        self.observe(effective, error);
    }

    fn observe(&self, effective: usize, error: Option<ErrorKind>) {
        let Self { layer, operation, items, .. } = *self;
        let (store, elapsed) = (layer.store.name(), self.start.elapsed());
        layer.observer.observe(&StoreCall { store, operation, items, effective, elapsed, error });
    }
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        if !self.has_ended {
            self.observe(0, Some(ErrorKind::Deadline));
        }
    }
}

fn found(rows: &ReadRows) -> usize {
    rows.event_timestamps().iter().flatten().count()
}

#[async_trait]
impl OnlineStore for MetricsLayer {
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
        let begun = self.begin(Operation::Read, keys.len());
        begun.end(self.store.read(table, keys).await, found)
    }

    async fn read_views(&self, reads: &[ViewRead<'_>]) -> Vec<Result<ReadRows>> {
        let begun = self.begin(Operation::Read, reads.iter().map(|read| read.keys.len()).sum());
        let answers = self.store.read_views(reads).await;
        let effective = answers.iter().flatten().map(found).sum();
        let error = answers.iter().find_map(|answer| answer.as_ref().err());
        begun.tell(effective, error.map(Error::kind));
        answers
    }

    async fn write(
        &self,
        table: &ViewTable,
        rows: &WriteRows,
        guard: WriteGuard,
    ) -> Result<WriteSummary> {
        let begun = self.begin(Operation::Write, rows.len());
        begun.end(self.store.write(table, rows, guard).await, |summary| summary.written)
    }

    async fn update(&self, create: &[ViewTable], delete: &[ViewTable]) -> Result<()> {
        let tables = create.len() + delete.len();
        let begun = self.begin(Operation::Update, tables);
        begun.end(self.store.update(create, delete).await, |()| tables)
    }

    async fn teardown(&self, tables: &[ViewTable]) -> Result<()> {
        let begun = self.begin(Operation::Teardown, tables.len());
        begun.end(self.store.teardown(tables).await, |()| tables.len())
    }

    async fn health(&self) -> Result<()> {
        let begun = self.begin(Operation::Health, 0);
        begun.end(self.store.health().await, |()| 0)
    }
}
