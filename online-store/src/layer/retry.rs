//! `retry`: what may succeed when it is tried again is tried again.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use larder_core::{Error, Result};
use rand::{Rng as _, RngCore};
use tokio::time::{Instant, sleep};

use crate::{
    GuardScope, OnlineStore, PoolUse, ReadRows, ViewRead, ViewTable, WriteGuard, WriteRows,
    WriteSummary,
};

/// How often and how patiently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryConfig {
    /// Attempts in all; 1 never tries again.
    pub attempts: u32,
    /// Longest pause before the second attempt; it doubles from attempt to attempt.
    pub first_pause: Duration,
    /// Longest pause before any attempt.
    pub longest_pause: Duration,
    /// Time from the call's beginning after which no attempt starts; `None` for no limit.
    pub budget: Option<Duration>,
}

impl Default for RetryConfig {
    /// Three attempts, at most 50 ms and then at most 100 ms apart.
    fn default() -> Self {
        Self {
            attempts: 3,
            first_pause: Duration::from_millis(50),
            longest_pause: Duration::from_secs(1),
            budget: None,
        }
    }
}

/// Repeats calls that fail with a retryable kind ([`is_retryable`](larder_core::ErrorKind::is_retryable)).
///
/// Every call of the trait may be repeated: reads change nothing, and writing the same rows again is safe. Pauses are
/// random between nothing and a bound that doubles, so that callers which failed together do not come back together.
#[derive(Clone)]
pub struct RetryLayer {
    store: Arc<dyn OnlineStore>,
    config: RetryConfig,
    random: Arc<Mutex<dyn RngCore + Send>>,
}

impl RetryLayer {
    /// The store with retries, their pauses drawn from `random`.
    pub fn new(
        store: Arc<dyn OnlineStore>,
        config: RetryConfig,
        random: impl RngCore + Send + 'static,
    ) -> Self {
        Self { store, config, random: Arc::new(Mutex::new(random)) }
    }

    fn begin(&self) -> Attempts<'_> {
        Attempts { layer: self, made: 1, start: Instant::now() }
    }
}

/// The attempts of one call.
struct Attempts<'a> {
    layer: &'a RetryLayer,
    made: u32,
    start: Instant,
}

impl Attempts<'_> {
    /// Waits before the next attempt, if there is one for a call that failed so.
    async fn another(&mut self, error: &Error) -> bool {
        let config = &self.layer.config;
        if !error.kind().is_retryable() || self.made >= config.attempts {
            return false;
        }
        let pause = self.pause();
        let ends = self.start.elapsed() + pause;
        if config.budget.is_some_and(|budget| ends >= budget) {
            return false;
        }
        self.made += 1;
        let (store, attempt) = (self.layer.store.name(), self.made);
        tracing::debug!(store, attempt, %error, "trying again");
        sleep(pause).await;
        true
    }

    fn pause(&self) -> Duration {
        let config = &self.layer.config;
        let doubled = 2_u32.saturating_pow(self.made - 1);
        let bound = config.first_pause.saturating_mul(doubled).min(config.longest_pause);
        let mut random = self.layer.random.lock().unwrap_or_else(PoisonError::into_inner);
        bound.mul_f64(random.random::<f64>())
    }
}

#[async_trait]
impl OnlineStore for RetryLayer {
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
        let mut attempts = self.begin();
        loop {
            match self.store.read(table, keys).await {
                Err(error) if attempts.another(&error).await => {}
                done => return done,
            }
        }
    }

    /// Only the views that failed are read again.
    async fn read_views(&self, reads: &[ViewRead<'_>]) -> Vec<Result<ReadRows>> {
        let mut attempts = self.begin();
        let mut answers = self.store.read_views(reads).await;
        loop {
            let retryable = |answer: &&Result<ReadRows>| {
                answer.as_ref().is_err_and(|error| error.kind().is_retryable())
            };
            let Some(Err(first)) = answers.iter().find(retryable) else { return answers };
            if !attempts.another(first).await {
                return answers;
            }
            let failed: Vec<usize> =
                (0..answers.len()).filter(|&at| retryable(&&answers[at])).collect();
            let again: Vec<ViewRead<'_>> = failed.iter().map(|&at| reads[at]).collect();
            for (at, answer) in failed.into_iter().zip(self.store.read_views(&again).await) {
                answers[at] = answer;
            }
        }
    }

    async fn write(
        &self,
        table: &ViewTable,
        rows: &WriteRows,
        guard: WriteGuard,
    ) -> Result<WriteSummary> {
        let mut attempts = self.begin();
        loop {
            match self.store.write(table, rows, guard).await {
                Err(error) if attempts.another(&error).await => {}
                done => return done,
            }
        }
    }

    async fn update(&self, create: &[ViewTable], delete: &[ViewTable]) -> Result<()> {
        let mut attempts = self.begin();
        loop {
            match self.store.update(create, delete).await {
                Err(error) if attempts.another(&error).await => {}
                done => return done,
            }
        }
    }

    async fn teardown(&self, tables: &[ViewTable]) -> Result<()> {
        let mut attempts = self.begin();
        loop {
            match self.store.teardown(tables).await {
                Err(error) if attempts.another(&error).await => {}
                done => return done,
            }
        }
    }

    /// Not repeated: the question is whether the store answers now.
    async fn health(&self) -> Result<()> {
        self.store.health().await
    }
}

impl fmt::Debug for RetryLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryLayer")
            .field("store", &self.store)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
