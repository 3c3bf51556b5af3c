//! Progress of a run that survives its death.
//!
//! Progress becomes true in one place, a [`CommitLog`]: it says for every partition where reading goes on and which
//! checkpoint in the [`CheckpointStore`] holds the state as of there. Everything else is written before and counts only
//! once the log names it: rows, files and state of a commit that never came are written again, or taken back.

mod chain;
mod format;
mod log;
mod store;
mod summary;

pub(crate) use chain::Chain;
pub(crate) use format::{Scope, Section, StateFile};
pub use log::{CommitLog, ObjectCommitLog, Position};
pub use store::CheckpointStore;
pub(crate) use store::put_file;
pub use summary::JobProgress;

use xxhash_rust::xxh3::xxh3_64;

/// Bits of a checkpoint's number that tell writers apart: one that lost its partitions without knowing it overwrites
/// nothing.
pub(crate) const WRITER_BITS: u32 = 16;

/// What the checkpoints of state that is of all partitions are kept under.
pub(crate) const WHOLE: &str = "all";

/// What the checkpoints of a partition's state are kept under.
pub(crate) fn folder(partition: &str) -> String {
    format!("{:016x}", xxh3_64(partition.as_bytes()))
}
