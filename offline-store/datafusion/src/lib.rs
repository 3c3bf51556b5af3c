//! The offline engine: reads Parquet files with DataFusion.
//!
//! [`DataFusionOfflineStore`] implements [`OfflineStore`](larder_offline_store::OfflineStore) over single files, folders,
//! hive-partitioned folders and globs. The point-in-time join is an execution plan of its own ([`PitJoinExec`]) that
//! holds the entity rows and passes over the feature rows once.

mod all;
mod engine;
mod entity;
mod explain;
mod failure;
mod historical;
mod in_order;
mod latest;
mod pit;
mod pull;
mod scan;
mod source;
mod write;

pub use engine::{DataFusionOfflineStore, EngineOptions};
pub use historical::OpenRetrieval;
pub use pit::PitJoinExec;
