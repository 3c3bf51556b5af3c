//! Who is told what happens in a run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use larder_core::Error;
use larder_serving::{StreamCommit, StreamCounts, StreamMetrics};
use larder_stream_features::{Committed, RunObserver, Taken};

use crate::report;

/// An observer that is told by this one, and metrics if they are served.
pub(super) fn measured(
    told: impl RunObserver + 'static,
    metrics: Option<&Arc<StreamMetrics>>,
) -> Arc<dyn RunObserver> {
    match metrics {
        None => Arc::new(told),
        Some(metrics) => Arc::new(Measured { told, metrics: Arc::clone(metrics) }),
    }
}

/// Counts, and passes on what it is told.
#[derive(Debug)]
struct Measured<O> {
    told: O,
    metrics: Arc<StreamMetrics>,
}

impl<O: RunObserver> RunObserver for Measured<O> {
    fn held_back(&self, job: &str, error: &Error, pause: Duration) {
        self.metrics.held_back(job);
        self.told.held_back(job, error, pause);
    }

    fn went_on(&self, job: &str) {
        self.metrics.went_on(job);
        self.told.went_on(job);
    }

    fn took(&self, job: &str, taken: &Taken) {
        let Taken { events, filtered, null_keys, late, rows, watermark, .. } = *taken;
        let counts = StreamCounts { events, filtered, null_keys, late, rows, watermark };
        self.metrics.took(job, &counts);
        for (fault, count) in taken.faults().filter(|(_, count)| *count > 0) {
            self.metrics.dead_letters(job, fault.as_str(), count);
        }
    }

    fn committed(&self, job: &str, commit: &Committed) {
        let Committed { took, written, size, keys } = *commit;
        self.metrics.committed(job, &StreamCommit { took, written, size, keys });
    }

    fn gave_up(&self, job: &str, uncommitted: u64, error: &Error) {
        self.told.gave_up(job, uncommitted, error);
    }
}

/// Warns once when a job has to wait, and says when it goes on.
#[derive(Debug, Default)]
pub(super) struct HeldBack(AtomicBool);

impl RunObserver for HeldBack {
    fn held_back(&self, job: &str, error: &Error, _: Duration) {
        if !self.0.swap(true, Ordering::Relaxed) {
            report::warning(format_args!("job \"{job}\" waits, nothing is lost: {error}"));
        }
    }

    fn went_on(&self, job: &str) {
        self.0.store(false, Ordering::Relaxed);
        report::note(format_args!("job \"{job}\" goes on"));
    }

    fn gave_up(&self, job: &str, uncommitted: u64, error: &Error) {
        warn(job, uncommitted, error);
    }
}

/// Tells what happens in the log.
#[derive(Debug)]
pub(super) struct Logged;

impl RunObserver for Logged {
    fn held_back(&self, job: &str, error: &Error, pause: Duration) {
        tracing::warn!(job, pause_ms = pause.as_millis(), "is held back: {error}");
    }

    fn went_on(&self, job: &str) {
        tracing::info!(job, "goes on");
    }

    fn gave_up(&self, job: &str, uncommitted: u64, error: &Error) {
        warn(job, uncommitted, error);
    }
}

fn warn(job: &str, uncommitted: u64, error: &Error) {
    report::warning(format_args!(
        "job \"{job}\" ended without a last commit, the next run reads {uncommitted} events again: {error}"
    ));
}
