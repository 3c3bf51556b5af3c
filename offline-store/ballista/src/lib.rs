//! The offline store on a [Ballista](https://datafusion.apache.org/ballista/) cluster.
//!
//! [`BallistaOfflineStore`] implements [`OfflineStore`](larder_offline_store::OfflineStore): it sends point-in-time joins
//! to a scheduler and does everything else itself. The entity rows are partitioned by the hash of their join keys by
//! Ballista's own exchange; [`PartitionJoinExec`] joins one partition with the feature files, on whichever executor takes
//! it, by the engine that joins on one machine; the answers are merged into the order of the entity rows.
//! [`run_scheduler`] and [`run_executor`] are the processes of such a cluster: Ballista's, which know the node.
//!
//! The crate is empty without its feature `ballista`.
#![cfg(feature = "ballista")]

mod answers;
mod codec;
mod executor;
mod failure;
mod job;
mod join;
mod message;
mod plan;
mod reach;
mod scheduler;
mod slices;
mod store;

pub use codec::JoinCodec;
pub use executor::{ExecutorOptions, run_executor};
pub use join::PartitionJoin;
pub use plan::PartitionJoinExec;
pub use scheduler::{SchedulerOptions, run_scheduler};
pub use store::{BallistaOfflineStore, ClusterOptions};
