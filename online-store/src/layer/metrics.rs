//! `metrics`: an observer is told of every call.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use larder_core::{ErrorKind, Result};

use crate::{
    GuardScope, OnlineStore, ReadRows, ViewRead, ViewTable, WriteGuard, WriteRows, WriteSummary,
};

/// What was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// `read` or `read_views`.
    Read,
    /// `write`.
    Write,
    /// `update`.
    Update,
    /// `teardown`.
    Teardown,
    /// `health`.
    Health,
}

impl Operation {
    /// The operation's name in logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Update => "update",
            Self::Teardown => "teardown",
            Self::Health => "health",
        }
    }
}

/// One call that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreCall {
    /// The store's name.
    pub store: &'static str,
    /// What was called.
    pub operation: Operation,
    /// Keys asked for, rows given, or tables made and removed.
    pub items: usize,
    /// Of these: keys that have a row, rows that were stored, tables. 0 for a call that failed.
    pub effective: usize,
    /// How long it took.
    pub elapsed: Duration,
    /// Why it failed; for several views, why the first that failed did.
    pub error: Option<ErrorKind>,
}

/// Who is told of calls. Called on the path of every request: it must not block.
pub trait StoreObserver: Debug + Send + Sync {
    /// One call ended. Calls that their caller gave up are not told.
    fn observe(&self, call: &StoreCall);
}

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

    fn tell<T>(
        &self,
        operation: Operation,
        items: usize,
        start: Instant,
        result: Result<T>,
        effective: impl FnOnce(&T) -> usize,
    ) -> Result<T> {
        let (effective, error) = match &result {
            Ok(answer) => (effective(answer), None),
            Err(error) => (0, Some(error.kind())),
        };
        self.observe(operation, items, start, effective, error);
        result
    }

    fn observe(
        &self,
        operation: Operation,
        items: usize,
        start: Instant,
        effective: usize,
        error: Option<ErrorKind>,
    ) {
        let (store, elapsed) = (self.store.name(), start.elapsed());
        self.observer.observe(&StoreCall { store, operation, items, effective, elapsed, error });
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

    async fn read(&self, table: &ViewTable, keys: &[&[u8]]) -> Result<ReadRows> {
        let start = Instant::now();
        let read = self.store.read(table, keys).await;
        self.tell(Operation::Read, keys.len(), start, read, found)
    }

    async fn read_views(&self, reads: &[ViewRead<'_>]) -> Vec<Result<ReadRows>> {
        let start = Instant::now();
        let answers = self.store.read_views(reads).await;
        let items = reads.iter().map(|read| read.keys.len()).sum();
        let effective = answers.iter().flatten().map(found).sum();
        let error = answers.iter().find_map(|answer| answer.as_ref().err());
        let error = error.map(larder_core::Error::kind);
        self.observe(Operation::Read, items, start, effective, error);
        answers
    }

    async fn write(
        &self,
        table: &ViewTable,
        rows: &WriteRows,
        guard: WriteGuard,
    ) -> Result<WriteSummary> {
        let start = Instant::now();
        let written = self.store.write(table, rows, guard).await;
        let stored = |summary: &WriteSummary| summary.written;
        self.tell(Operation::Write, rows.len(), start, written, stored)
    }

    async fn update(&self, create: &[ViewTable], delete: &[ViewTable]) -> Result<()> {
        let start = Instant::now();
        let tables = create.len() + delete.len();
        let updated = self.store.update(create, delete).await;
        self.tell(Operation::Update, tables, start, updated, |()| tables)
    }

    async fn teardown(&self, tables: &[ViewTable]) -> Result<()> {
        let start = Instant::now();
        let removed = self.store.teardown(tables).await;
        self.tell(Operation::Teardown, tables.len(), start, removed, |()| tables.len())
    }

    async fn health(&self) -> Result<()> {
        let start = Instant::now();
        let well = self.store.health().await;
        self.tell(Operation::Health, 0, start, well, |()| 0)
    }
}
