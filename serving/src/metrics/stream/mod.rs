//! What stream jobs do, on a page of their own.

mod definitions;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use larder_core::{Clock, Result, Timestamp};
use larder_online_store::{StoreCall, StoreObserver};
use prometheus::{GaugeVec, HistogramVec, IntCounterVec, Registry};
use tokio::sync::watch;

use self::definitions as d;
pub use self::definitions::STREAM_METRICS;
use super::scrape::{self, Page};
use super::store::StoreCalls;
use crate::{Listeners, ServerConfig};

/// The metrics of the stream jobs of one program. Labels are the jobs that it runs, and the faults of dead letters.
#[derive(Debug)]
pub struct StreamMetrics {
    registry: Registry,
    clock: Arc<dyn Clock>,
    lag: GaugeVec,
    delay: GaugeVec,
    watermarks: Mutex<BTreeMap<String, Timestamp>>,
    events: IntCounterVec,
    filtered: IntCounterVec,
    null_keys: IntCounterVec,
    late: IntCounterVec,
    dead_letters: IntCounterVec,
    rows: IntCounterVec,
    commits: HistogramVec,
    written: IntCounterVec,
    size: GaugeVec,
    keys: GaugeVec,
    hold_backs: IntCounterVec,
    is_held_back: GaugeVec,
    restarts: IntCounterVec,
    calls: StoreCalls,
}

/// What became of some events of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StreamCounts {
    /// Decoded.
    pub events: u64,
    /// Left out by the filter.
    pub filtered: u64,
    /// With a null in the key.
    pub null_keys: u64,
    /// Behind the watermark, and counted.
    pub late: u64,
    /// Rows that were told.
    pub rows: u64,
    /// How far event time has come.
    pub watermark: Option<Timestamp>,
}

/// A commit of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamCommit {
    /// How long it took.
    pub took: Duration,
    /// Bytes of state that it wrote.
    pub written: u64,
    /// Bytes of state that a start would read.
    pub size: u64,
    /// Keys that state is kept of.
    pub keys: u64,
}

impl StreamMetrics {
    /// Metrics of these jobs, whose dead letters have these faults; all count from zero, those of the process included.
    ///
    /// # Errors
    /// `Internal` when two metrics share a name.
    pub fn new(jobs: &[&str], faults: &[&str], clock: Arc<dyn Clock>) -> Result<Self> {
        let registry = Registry::new();
        let metrics = Self {
            lag: d::LAG.gauges(&registry)?,
            delay: d::WATERMARK_DELAY.gauges(&registry)?,
            watermarks: Mutex::default(),
            events: d::EVENTS.counters(&registry)?,
            filtered: d::FILTERED.counters(&registry)?,
            null_keys: d::NULL_KEYS.counters(&registry)?,
            late: d::LATE.counters(&registry)?,
            dead_letters: d::DEAD_LETTERS.counters(&registry)?,
            rows: d::ROWS.counters(&registry)?,
            commits: d::COMMITS.histograms(&registry)?,
            written: d::WRITTEN.counters(&registry)?,
            size: d::SIZE.gauges(&registry)?,
            keys: d::KEYS.gauges(&registry)?,
            hold_backs: d::HOLD_BACKS.counters(&registry)?,
            is_held_back: d::IS_HELD_BACK.gauges(&registry)?,
            restarts: d::RESTARTS.counters(&registry)?,
            calls: StoreCalls::new(&registry)?,
            registry,
            clock,
        };
        scrape::register_process(&metrics.registry)?;
        for job in jobs {
            metrics.begin(job, faults);
        }
        Ok(metrics)
    }

    fn begin(&self, job: &str, faults: &[&str]) {
        let counters = [&self.events, &self.filtered, &self.null_keys, &self.late, &self.rows];
        let counters =
            counters.into_iter().chain([&self.written, &self.hold_backs, &self.restarts]);
        for counter in counters {
            counter.with_label_values(&[job]);
        }
        for gauge in [&self.size, &self.keys, &self.is_held_back] {
            gauge.with_label_values(&[job]);
        }
        for fault in faults {
            self.dead_letters.with_label_values(&[job, fault]);
        }
        self.commits.with_label_values(&[job]);
    }

    /// Counts events and rows.
    pub fn took(&self, job: &str, counts: &StreamCounts) {
        let StreamCounts { events, filtered, null_keys, late, rows, watermark } = *counts;
        for (counter, count) in [
            (&self.events, events),
            (&self.filtered, filtered),
            (&self.null_keys, null_keys),
            (&self.late, late),
            (&self.rows, rows),
        ] {
            if count > 0 {
                counter.with_label_values(&[job]).inc_by(count);
            }
        }
        if let Some(watermark) = watermark {
            let mut watermarks = self.watermarks.lock().unwrap_or_else(PoisonError::into_inner);
            watermarks.insert(job.to_owned(), watermark);
        }
    }

    /// Counts dead letters of one of the faults.
    pub fn dead_letters(&self, job: &str, fault: &str, count: u64) {
        self.dead_letters.with_label_values(&[job, fault]).inc_by(count);
    }

    /// Counts a commit.
    pub fn committed(&self, job: &str, commit: &StreamCommit) {
        self.commits.with_label_values(&[job]).observe(commit.took.as_secs_f64());
        self.written.with_label_values(&[job]).inc_by(commit.written);
        self.size.with_label_values(&[job]).set(commit.size as f64);
        self.keys.with_label_values(&[job]).set(commit.keys as f64);
    }

    /// Counts an attempt that a store refused: the job waits.
    pub fn held_back(&self, job: &str) {
        self.hold_backs.with_label_values(&[job]).inc();
        self.is_held_back.with_label_values(&[job]).set(1.0);
    }

    /// The job waits no more.
    pub fn went_on(&self, job: &str) {
        self.is_held_back.with_label_values(&[job]).set(0.0);
    }

    /// Counts that a job begins again from its last commit.
    pub fn restarted(&self, job: &str) {
        self.restarts.with_label_values(&[job]).inc();
        self.went_on(job);
    }

    /// Messages that a job has not read yet.
    pub fn lag(&self, job: &str, messages: u64) {
        self.lag.with_label_values(&[job]).set(messages as f64);
    }

    /// Serves the page on the metrics listener until `stop` becomes true.
    ///
    /// # Errors
    /// `Internal` when there is no such listener.
    pub async fn serve(
        self: Arc<Self>,
        listeners: Listeners,
        stop: watch::Receiver<bool>,
    ) -> Result<()> {
        let Some(listener) = listeners.metrics else {
            return Err(larder_core::Error::internal("metrics without a listener"));
        };
        scrape::serve_page(self, listener, &ServerConfig::default(), stop).await;
        Ok(())
    }
}

impl Page for StreamMetrics {
    fn text(&self) -> Result<String> {
        let now = self.clock.now().micros();
        let watermarks = self.watermarks.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (job, watermark) in watermarks {
            let delay = now.saturating_sub(watermark.micros()) as f64 / 1e6;
            self.delay.with_label_values(&[&job]).set(delay);
        }
        scrape::text(&self.registry)
    }
}

/// Told once per call.
impl StoreObserver for StreamMetrics {
    fn observe(&self, call: &StoreCall) {
        self.calls.observe(call);
    }
}
