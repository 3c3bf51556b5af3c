//! What the offline server does.

use larder_core::{ErrorKind, Result};
use prometheus::{IntCounterVec, Registry};

use super::{Metrics, definitions as d};

/// Commands and rows of the offline server.
#[derive(Debug)]
pub(super) struct OfflineMetrics {
    commands: IntCounterVec,
    rows: IntCounterVec,
}

/// Which way rows went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    In,
    Out,
}

impl OfflineMetrics {
    pub(super) fn new(registry: &Registry) -> Result<Self> {
        Ok(Self {
            commands: d::OFFLINE_COMMANDS.counters(registry)?,
            rows: d::OFFLINE_ROWS.counters(registry)?,
        })
    }
}

impl Metrics {
    /// Counts a command; of a read the error of its beginning.
    pub(crate) fn offline_command(&self, api: &'static str, kind: Option<ErrorKind>) {
        let kind = kind.map_or("", ErrorKind::as_str);
        self.offline.commands.with_label_values(&[api, kind]).inc();
    }

    /// Counts rows.
    pub(crate) fn offline_rows(&self, api: &'static str, direction: Direction, rows: u64) {
        let direction = match direction {
            Direction::In => "in",
            Direction::Out => "out",
        };
        self.offline.rows.with_label_values(&[api, direction]).inc_by(rows);
    }
}
