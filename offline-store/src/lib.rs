//! The seam of the offline plane: where training data and materialization read feature rows from.
//!
//! [`OfflineStore`] is the trait, [`PullRequest`] and [`HistoricalRequest`] are what it is asked, and
//! [`BatchStream`] is what it answers. [`oracle`] holds the meaning of both reads in its plainest form, and the
//! feature `contract` exports the suite that every store must pass. No engine lives here: the one that reads
//! Parquet is `larder-offline-store-datafusion`.

mod batch_stream;
mod column_names;
#[cfg(feature = "contract")]
pub mod contract;
mod instant;
pub mod oracle;
mod partitioning;
mod request;
mod served;
mod store;

pub use batch_stream::BatchStream;
pub use column_names::{mapped_name, source_name};
pub use instant::{Instants, ceil_ticks, floor_ticks, nanos};
pub use partitioning::{MAX_PARTITIONS, Partitioning};
pub use request::{
    EntityRows, HistoricalFeature, HistoricalOptions, HistoricalRequest, HistoricalView, JoinKey,
    PullOptions, PullRequest, SaveMode, SaveRequest,
};
pub use served::Served;
pub use store::{OfflineStore, SourceFile};
