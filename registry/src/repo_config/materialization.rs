//! The `materialization` section: Feast's keys, and Larder's in `larder.yaml`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use larder_core::Result;

use super::reader::Reader;
use super::{ByteSize, Period};

/// Often enough that a run that is cut off does little again, and too seldom to be seen in its speed.
const CHECKPOINT_INTERVAL: Period = Period(Duration::from_millis(500));

/// How views are materialized.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaterializationConfig {
    /// Whether only the latest row per key is pulled from the offline store.
    pub pull_latest_features: bool,
    /// Rows per online write; `None` leaves it to the materializer.
    pub online_write_batch_size: Option<u32>,
    /// How far before the end of the last run an incremental one reads, for rows that came late.
    pub overlap: Period,
    /// What choosing and reading the rows of a view may take; `None` leaves it to the offline store.
    pub memory_limit: Option<ByteSize>,
    /// How often a run writes down how far it has come; 0 is after every write.
    pub checkpoint_interval: Period,
    /// Folder for the records of runs that are under way; `None` for one beside the registry.
    pub state: Option<PathBuf>,
}

impl MaterializationConfig {
    /// The keys of the section.
    pub(super) const KEYS: &[&str] = &[
        "pull_latest_features",
        "online_write_batch_size",
        "overlap",
        "memory_limit",
        "checkpoint_interval",
        "state",
    ];

    pub(super) fn read(section: &Reader<'_>, repo_path: &Path) -> Result<Self> {
        let config = Self {
            pull_latest_features: section.boolean("pull_latest_features", false)?,
            online_write_batch_size: section.optional_number("online_write_batch_size")?,
            overlap: section.period("overlap", Period::default())?,
            memory_limit: section.optional_size("memory_limit")?,
            checkpoint_interval: section.period("checkpoint_interval", CHECKPOINT_INTERVAL)?,
            state: section.optional_text("state")?.map(|state| repo_path.join(state)),
        };
        if config.online_write_batch_size == Some(0) {
            return Err(section.error("online_write_batch_size", "must be greater than 0"));
        }
        if config.memory_limit == Some(ByteSize(0)) {
            return Err(section.error("memory_limit", "must be greater than 0"));
        }
        if config.state.as_deref() == Some(repo_path) {
            return Err(section.error("state", "must name a folder"));
        }
        Ok(config)
    }
}
