//! Records of the `log` crate, which Ballista writes, as events.

use log::{Level, LevelFilter, Log, Metadata, Record};

struct Records;

/// Turns records into events of the target `ballista` from now on: `RUST_LOG=ballista=info` shows more of them.
pub(super) fn forward() {
    // Fails where a logger has been set, which nobody else does.
    if log::set_logger(&Records).is_ok() {
        log::set_max_level(LevelFilter::Info);
    }
}

impl Log for Records {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("ballista")
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let message = record.args();
        match record.level() {
            Level::Error => tracing::error!(target: "ballista", "{message}"),
            Level::Warn => tracing::warn!(target: "ballista", "{message}"),
            Level::Info => tracing::info!(target: "ballista", "{message}"),
            Level::Debug | Level::Trace => {}
        }
    }

    fn flush(&self) {}
}
