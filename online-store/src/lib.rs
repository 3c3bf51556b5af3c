//! The online store: the newest row of every entity key, per view, for serving.
//!
//! [`OnlineStore`] is the seam: object-safe, batched, one call per request. Keys arrive as serialized
//! entity keys and values as encoded `feast.types.Value` messages; both leave as the same bytes. This crate knows
//! no registry, no protocol server and, apart from the text column of SQLite, no value type.
//!
//! ```no_run
//! # async fn run() -> larder_core::Result<()> {
//! use larder_online_store::{
//!     EmbeddedConfig, EmbeddedStore, OnlineStore, ViewTable, WriteGuard, WriteRowsBuilder,
//! };
//!
//! let store = EmbeddedStore::open(&EmbeddedConfig::new("data/online"))?;
//! let table = ViewTable::new("shop", "driver_stats", ["trips_today"])?;
//! store.update(&[table.clone()], &[]).await?;
//!
//! let mut rows = WriteRowsBuilder::new(&table);
//! rows.begin_row(b"driver 1", 1_767_225_600_000_000, None)?;
//! rows.set(0, &[0x20, 0x07])?; // Value { int64_val: 7 }
//! store.write(&table, &rows.finish(), WriteGuard::EventTime).await?;
//!
//! let answer = store.read(&table, &[b"driver 1"]).await?;
//! assert_eq!(answer.cell(0, 0).bytes(), Some(&[0x20, 0x07][..]));
//! # Ok(())
//! # }
//! ```

mod backend;
#[cfg(feature = "contract")]
pub mod contract;
mod guard;
mod layer;
mod pool;
mod rows;
mod store;
mod view_schema;
mod view_table;

pub use backend::cql::{
    CqlConfig, CqlConsistency, CqlCredentials, CqlFlavour, CqlStore, WriteTimestamp,
};
pub use backend::embedded::{EmbeddedConfig, EmbeddedStore};
pub use backend::redis::{
    LayoutMigration, MigratedRows, RedisConfig, RedisCredentials, RedisGuard, RedisLayout,
    RedisNode, RedisStore, RedisTls, RedisTopology,
};
pub use backend::remote::{RemoteConfig, RemoteStore, RemoteToken};
pub use backend::sqlite::{SqliteConfig, SqliteStore};
pub use guard::{GuardScope, RowTimes, WriteGuard, WriteSummary};
pub use layer::{
    CacheConfig, CacheLayer, CacheUse, DeadlineConfig, DeadlineLayer, MetricsLayer, Operation,
    RetryConfig, RetryLayer, StoreCall, StoreObserver,
};
#[cfg(feature = "contract")]
pub use layer::{ChaosConfig, ChaosLayer};
pub use pool::PoolUse;
pub use rows::{Cell, MAX_KEY_BYTES, MAX_VALUE_BYTES, ReadRows, WriteRows, WriteRowsBuilder};
pub use store::{OnlineStore, ViewRead};
pub use view_schema::ViewSchema;
pub use view_table::{FeatureColumn, ViewTable};
