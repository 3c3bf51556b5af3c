//! `cache`: rows in memory, with a bound on how old they may be.
//!
//! `views` knows which selections of a view are cached and how often the view was written, `row` is what is kept,
//! `flights` lets concurrent requests for a key share one read, `lookup` answers one request.

mod flights;
mod lookup;
mod row;
mod views;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use larder_core::{Error, Result};
use moka::sync::Cache;

use self::flights::Flights;
use self::lookup::Lookup;
use self::row::CachedRow;
use self::views::{CacheKey, Views};
use super::observer::StoreObserver;
use crate::{
    GuardScope, OnlineStore, PoolUse, ReadRows, ViewRead, ViewTable, WriteGuard, WriteRows,
    WriteSummary,
};

/// How much is kept and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheConfig {
    /// Most bytes of rows and keys, about.
    pub max_bytes: u64,
    /// Most rows.
    pub max_entries: u64,
    /// How long a row is shown after it was read, whoever changed it meanwhile.
    pub ttl: Duration,
}

/// Keeps rows in memory, also the absence of rows; what stands in the cache is not asked for again.
///
/// A row that was changed through this layer (or a clone of it) is read anew at once. Of changes by anybody else a
/// request may see nothing for [`CacheConfig::ttl`]. Requests for a key that is being read wait for that read, and share
/// its failure. Rows are kept per selection of features. Clones share the cache.
#[derive(Clone)]
pub struct CacheLayer(Arc<Shared>);

struct Shared {
    store: Arc<dyn OnlineStore>,
    config: CacheConfig,
    rows: Cache<CacheKey, Arc<CachedRow>>,
    views: Views,
    flights: Flights,
    observer: Option<Arc<dyn StoreObserver>>,
}

impl CacheLayer {
    /// The store with a cache before it.
    pub fn new(store: Arc<dyn OnlineStore>, config: CacheConfig) -> Self {
        Self::observed(store, config, None)
    }

    /// The same, and somebody is told what is found in it.
    pub fn observed(
        store: Arc<dyn OnlineStore>,
        config: CacheConfig,
        observer: Option<Arc<dyn StoreObserver>>,
    ) -> Self {
        // One limit for both: a row weighs at least its share of the bytes.
        let share = config.max_bytes / config.max_entries.max(1);
        let rows = Cache::builder()
            .max_capacity(config.max_bytes)
            .weigher(move |key: &CacheKey, row: &Arc<CachedRow>| {
                let bytes = (key.bytes() + row.bytes()) as u64;
                u32::try_from(bytes.max(share)).unwrap_or(u32::MAX)
            })
            .time_to_live(config.ttl)
            .build();
        let (views, flights) = (Views::default(), Flights::default());
        Self(Arc::new(Shared { store, config, rows, views, flights, observer }))
    }

    /// Rows in the cache, about.
    pub fn entries(&self) -> u64 {
        self.0.rows.run_pending_tasks();
        self.0.rows.entry_count()
    }
}

impl Shared {
    /// Forgets rows of these keys, and keeps reads that began before from bringing them back.
    fn forget_keys(&self, table: &ViewTable, rows: &WriteRows) {
        self.views.changed(table, |selections| {
            for row in 0..rows.len() {
                for &selection in selections {
                    let key = CacheKey::new(selection, rows.key(row));
                    self.rows.invalidate(&key);
                    self.flights.detach(&key);
                }
            }
        });
    }

    fn forget_tables<'t>(&self, tables: impl IntoIterator<Item = &'t ViewTable>) {
        tables.into_iter().for_each(|table| self.views.removed(table));
    }
}

/// Forgets what a write touched when the write ends, also when its caller gives it up.
struct Forgetting<'a> {
    shared: &'a Shared,
    table: &'a ViewTable,
    rows: &'a WriteRows,
}

impl Drop for Forgetting<'_> {
    fn drop(&mut self) {
        self.shared.forget_keys(self.table, self.rows);
    }
}

#[async_trait]
impl OnlineStore for CacheLayer {
    fn name(&self) -> &'static str {
        self.0.store.name()
    }

    fn guard_scope(&self) -> GuardScope {
        self.0.store.guard_scope()
    }

    fn pool(&self) -> Option<PoolUse> {
        self.0.store.pool()
    }

    async fn read(&self, table: &ViewTable, keys: &[&[u8]]) -> Result<ReadRows> {
        let mut answers = Lookup::new(&self.0).answer(&[ViewRead { table, keys }]).await;
        answers.pop().unwrap_or_else(|| Err(Error::internal("a read has no answer")))
    }

    async fn read_views(&self, reads: &[ViewRead<'_>]) -> Vec<Result<ReadRows>> {
        Lookup::new(&self.0).answer(reads).await
    }

    async fn write(
        &self,
        table: &ViewTable,
        rows: &WriteRows,
        guard: WriteGuard,
    ) -> Result<WriteSummary> {
        let _forgetting = Forgetting { shared: &self.0, table, rows };
        self.0.store.write(table, rows, guard).await
    }

    async fn update(&self, create: &[ViewTable], delete: &[ViewTable]) -> Result<()> {
        let updated = self.0.store.update(create, delete).await;
        self.0.forget_tables(create.iter().chain(delete));
        updated
    }

    async fn teardown(&self, tables: &[ViewTable]) -> Result<()> {
        let removed = self.0.store.teardown(tables).await;
        self.0.forget_tables(tables);
        removed
    }

    async fn health(&self) -> Result<()> {
        self.0.store.health().await
    }
}

impl fmt::Debug for CacheLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheLayer")
            .field("store", &self.0.store)
            .field("config", &self.0.config)
            .finish_non_exhaustive()
    }
}
