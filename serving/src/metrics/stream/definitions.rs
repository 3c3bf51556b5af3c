//! The metrics of stream jobs.

use super::super::definitions::{MetricDefinition, counter, gauge, histogram};

/// A commit takes milliseconds, and as long as a store is down.
const COMMIT_SECONDS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

const JOB: &[&str] = &["job"];

pub(super) const LAG: MetricDefinition = gauge(
    "larder_stream_lag_messages",
    JOB,
    "messages of the topic that are not read yet, as of a few seconds ago (jobs over topics)",
);
pub(super) const WATERMARK_DELAY: MetricDefinition = gauge(
    "larder_stream_watermark_delay_seconds",
    JOB,
    "how far event time is behind the clock; absent before the first event",
);
pub(super) const EVENTS: MetricDefinition = counter(
    "larder_stream_events_total",
    JOB,
    "events that were decoded, those of filters and null keys included",
);
pub(super) const FILTERED: MetricDefinition =
    counter("larder_stream_filtered_events_total", JOB, "events that the filter left out");
pub(super) const NULL_KEYS: MetricDefinition =
    counter("larder_stream_null_key_events_total", JOB, "events with a null in the key");
pub(super) const LATE: MetricDefinition = counter(
    "larder_stream_late_events_total",
    JOB,
    "events that the watermark had passed and that still counted",
);
pub(super) const DEAD_LETTERS: MetricDefinition = counter(
    "larder_stream_dead_letters_total",
    &["job", "fault"],
    "events that could not be used (undecodable, schema_violation, failed_expression, too_late)",
);
pub(super) const ROWS: MetricDefinition =
    counter("larder_stream_rows_total", JOB, "rows that were told, later versions included");
pub(super) const COMMITS: MetricDefinition = histogram(
    "larder_stream_commit_duration_seconds",
    JOB,
    COMMIT_SECONDS,
    "time per commit, from the flush of outputs until it is true; its count is the number of commits",
);
pub(super) const WRITTEN: MetricDefinition = counter(
    "larder_stream_checkpoint_written_bytes_total",
    JOB,
    "bytes of state that commits wrote, of all jobs that are committed together",
);
pub(super) const SIZE: MetricDefinition = gauge(
    "larder_stream_checkpoint_bytes",
    JOB,
    "bytes of state that a start would read, of all jobs that are committed together",
);
pub(super) const KEYS: MetricDefinition =
    gauge("larder_stream_state_keys", JOB, "keys that state is kept of, as of the last commit");
pub(super) const HOLD_BACKS: MetricDefinition = counter(
    "larder_stream_hold_backs_total",
    JOB,
    "times that a store did not take what the job gave it, every attempt counted",
);
pub(super) const IS_HELD_BACK: MetricDefinition =
    gauge("larder_stream_held_back", JOB, "1 while the job waits for a store, else 0");
pub(super) const RESTARTS: MetricDefinition = counter(
    "larder_stream_restarts_total",
    JOB,
    "times that the job began again from its last commit (jobs over topics)",
);

/// Every metric of stream jobs of its own, in the order of the page.
pub const STREAM_METRICS: &[MetricDefinition] = &[
    LAG,
    WATERMARK_DELAY,
    EVENTS,
    FILTERED,
    NULL_KEYS,
    LATE,
    DEAD_LETTERS,
    ROWS,
    COMMITS,
    WRITTEN,
    SIZE,
    KEYS,
    HOLD_BACKS,
    IS_HELD_BACK,
    RESTARTS,
];
