//! `chaos`: errors and delays by chance, for tests.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use larder_core::{Error, ErrorKind, Result};
use rand::{Rng as _, RngCore};

use crate::{
    GuardScope, OnlineStore, PoolUse, ReadRows, ViewRead, ViewTable, WriteGuard, WriteRows,
    WriteSummary,
};

/// How bad it is; the default does nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChaosConfig {
    /// Share of calls that fail before they reach the store, from 0 to 1.
    pub lost_requests: f64,
    /// Share of calls that fail after the store has done them.
    pub lost_answers: f64,
    /// Kind of the errors.
    pub kind: ErrorKind,
    /// Longest delay of a call.
    pub longest_delay: Duration,
}

impl Default for ChaosConfig {
    fn default() -> Self {
        Self {
            lost_requests: 0.0,
            lost_answers: 0.0,
            kind: ErrorKind::Unavailable,
            longest_delay: Duration::ZERO,
        }
    }
}

/// Loses requests and answers, and delays calls.
#[derive(Clone)]
pub struct ChaosLayer {
    store: Arc<dyn OnlineStore>,
    config: ChaosConfig,
    random: Arc<Mutex<dyn RngCore + Send>>,
}

/// What happens to one call.
struct Fate {
    delay: Duration,
    request_is_lost: bool,
    answer_is_lost: bool,
}

impl ChaosLayer {
    /// The store in such a world, its chances drawn from `random`.
    pub fn new(
        store: Arc<dyn OnlineStore>,
        config: ChaosConfig,
        random: impl RngCore + Send + 'static,
    ) -> Self {
        Self { store, config, random: Arc::new(Mutex::new(random)) }
    }

    fn fate(&self) -> Fate {
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        Fate {
            delay: self.config.longest_delay.mul_f64(random.random::<f64>()),
            request_is_lost: random.random_bool(self.config.lost_requests),
            answer_is_lost: random.random_bool(self.config.lost_answers),
        }
    }

    fn lost(&self) -> Error {
        Error::new(self.config.kind, "lost by chance")
    }

    async fn through<T>(&self, call: impl Future<Output = Result<T>> + Send) -> Result<T> {
        let fate = self.fate();
        if !fate.delay.is_zero() {
            tokio::time::sleep(fate.delay).await;
        }
        if fate.request_is_lost {
            return Err(self.lost());
        }
        let answer = call.await;
        if fate.answer_is_lost { Err(self.lost()) } else { answer }
    }
}

#[async_trait]
impl OnlineStore for ChaosLayer {
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
        self.through(self.store.read(table, keys)).await
    }

    /// Every view has a fate of its own.
    async fn read_views(&self, reads: &[ViewRead<'_>]) -> Vec<Result<ReadRows>> {
        let mut answers = Vec::with_capacity(reads.len());
        for read in reads {
            answers.push(self.read(read.table, read.keys).await);
        }
        answers
    }

    async fn write(
        &self,
        table: &ViewTable,
        rows: &WriteRows,
        guard: WriteGuard,
    ) -> Result<WriteSummary> {
        self.through(self.store.write(table, rows, guard)).await
    }

    async fn update(&self, create: &[ViewTable], delete: &[ViewTable]) -> Result<()> {
        self.through(self.store.update(create, delete)).await
    }

    async fn teardown(&self, tables: &[ViewTable]) -> Result<()> {
        self.through(self.store.teardown(tables)).await
    }

    async fn health(&self) -> Result<()> {
        self.through(self.store.health()).await
    }
}

impl fmt::Debug for ChaosLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChaosLayer")
            .field("store", &self.store)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
