//! What the last run of a job did.

use std::path::{Path, PathBuf};

use futures::future::try_join_all;
use larder_core::{Clock as _, Error, ErrorKind, Result, Timestamp};
use larder_registry::RepoConfig;
use larder_stream_features::{JobDefinition, JobProgress, JobReport, unread_bytes};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::job_state;
use super::topic_status::TopicStatus;
use super::vitals::{self, Vitals};
use crate::clock::SystemClock;
use crate::compose::{self, stream_folder};
use crate::output::{self, Cell, OutputFormat, Table};
use crate::repository::Repository;
use crate::{report, times};

const STATUS: &str = "status.json";

/// The record of a run; times are ISO 8601.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct RunRecord {
    pub(super) job: String,
    pub(super) command: String,
    pub(super) path: PathBuf,
    started: String,
    finished: String,
    events: u64,
    filtered: u64,
    null_keys: u64,
    #[serde(default)]
    late: u64,
    rows: u64,
    pub(super) dead_letters: u64,
    keys: u64,
    latest: Option<String>,
    /// Partitions with the offset of their last event.
    offsets: Vec<(String, Option<u64>)>,
}

impl RunRecord {
    pub(super) fn new(
        report: JobReport,
        command: &str,
        path: &Path,
        started: Timestamp,
        finished: Timestamp,
    ) -> Self {
        Self {
            job: report.job,
            command: command.to_owned(),
            path: path.to_owned(),
            started: times::iso(started),
            finished: times::iso(finished),
            events: report.events,
            filtered: report.filtered,
            null_keys: report.null_keys,
            late: report.late,
            rows: report.rows,
            dead_letters: report.dead_letters,
            keys: report.keys,
            latest: report.latest.map(times::iso),
            offsets: report.offsets,
        }
    }
}

/// The file of the dead letters of a job, or of its backfills.
pub(super) fn letters(config: &RepoConfig, job: &str, is_backfill: bool) -> PathBuf {
    let name = if is_backfill { "dead-letters.backfill.jsonl" } else { "dead-letters.jsonl" };
    stream_folder(config, job).join(name)
}

/// Keeps the record of a run in place of the one before.
pub(super) fn save(config: &RepoConfig, record: &RunRecord) -> Result<()> {
    let path = stream_folder(config, &record.job).join(STATUS);
    let failed = |error: std::io::Error| {
        Error::new(ErrorKind::Unavailable, format!("{} cannot be written", path.display()))
            .with_source(error)
    };
    let text = serde_json::to_string_pretty(record)
        .map_err(|error| Error::internal("a record of a run").with_source(error))?;
    let part = path.with_extension("part");
    std::fs::write(&part, text).and_then(|()| std::fs::rename(&part, &path)).map_err(failed)
}

/// The record of the last run of a job, `None` before the first.
pub(super) fn last(config: &RepoConfig, job: &str) -> Result<Option<RunRecord>> {
    let path = stream_folder(config, job).join(STATUS);
    match std::fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| {
            Error::data(format!("{} is no record of a run", path.display())).with_source(error)
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            let message = format!("{} cannot be read", path.display());
            Err(Error::new(ErrorKind::Unavailable, message).with_source(error))
        }
    }
}

/// Prints what runs did.
pub(super) fn print_runs(records: &[RunRecord], format: OutputFormat) -> Result<()> {
    if format == OutputFormat::Json {
        let records: Vec<Value> = records.iter().map(|record| json!(record)).collect();
        return output::json(&Value::Array(records), 2);
    }
    let mut table = Table::new([
        "JOB",
        "EVENTS",
        "FILTERED",
        "NULL KEYS",
        "ROWS",
        "DEAD LETTERS",
        "LATEST EVENT",
    ]);
    for record in records {
        table.push([
            Cell::from(record.job.as_str()),
            Cell::from(record.events),
            Cell::from(record.filtered),
            Cell::from(record.null_keys),
            Cell::from(record.rows),
            Cell::from(record.dead_letters),
            Cell::from(record.latest.clone()),
        ]);
    }
    output::table(&table, format)
}

/// What is known of a job.
struct Known<'a> {
    job: &'a str,
    record: Option<RunRecord>,
    files: Option<JobProgress>,
    topic: Option<TopicStatus>,
    /// By instance.
    running: Vec<Vitals>,
}

impl<'a> Known<'a> {
    async fn of(config: &RepoConfig, job: &'a JobDefinition) -> Result<Self> {
        let name = job.name();
        let topic = match TopicStatus::read(config, job).await {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                report::warning(&error);
                None
            }
            found => found?,
        };
        let (record, files) = (last(config, name)?, job_state::progress(config, name).await?);
        let running = vitals::running(config, name, SystemClock.now());
        Ok(Self { job: name, record, files, topic, running })
    }

    /// Its state, of the topic where it has been read.
    fn state(&self) -> Option<&JobProgress> {
        self.topic.as_ref().and_then(|topic| topic.state.as_ref()).or(self.files.as_ref())
    }

    fn json(&self, config: &RepoConfig, now: Timestamp) -> Option<Value> {
        let Self { job, record, files, topic, running } = self;
        if record.is_none() && files.is_none() && topic.is_none() && running.is_empty() {
            return None;
        }
        let mut object = record.as_ref().map_or_else(|| json!({ "job": job }), |r| json!(r));
        object["checkpoint"] = json!(files.as_ref().map(|files| checkpoint(config, files, now)));
        object["running"] = json!(running);
        if let Some(topic) = topic {
            object["kafka"] = topic.json(now);
        }
        Some(object)
    }

    fn cells(&self, config: &RepoConfig, now: Timestamp) -> [Cell; COLUMNS.len()] {
        let (record, running) = (self.record.as_ref(), &self.running);
        let is_running = !running.is_empty();
        let count = |of_record: fn(&RunRecord) -> u64, of: fn(&Vitals) -> u64| {
            let of_running = is_running.then(|| running.iter().map(of).sum::<u64>());
            Cell::from(of_running.or_else(|| record.map(of_record)))
        };
        let most = |of: fn(&Vitals) -> Option<u64>| Cell::from(running.iter().filter_map(of).max());
        let finished = record.filter(|_| !is_running).map(|record| record.finished.clone());
        let last = record.map_or("never", |record| record.command.as_str());
        let state = self.state();
        let lag = self.files.as_ref().map(|files| lag_bytes(config, files));
        [
            Cell::from(self.job),
            Cell::from(if is_running { "running" } else { last }),
            Cell::from(finished.unwrap_or_default()),
            count(|record| record.events, |vitals| vitals.events),
            Cell::from(is_running.then(|| running.iter().map(Vitals::rate).sum::<u64>())),
            count(|record| record.rows, |vitals| vitals.rows),
            count(|record| record.late, |vitals| vitals.late),
            count(|record| record.dead_letters, |vitals| vitals.dead_letters),
            most(|vitals| vitals.commit_milliseconds),
            Cell::from(state.map(|state| state.checkpoint)),
            Cell::from(state.map(|state| age(state, now))),
            Cell::from(state.map(|state| state.bytes)),
            Cell::from(state.map(|state| state.keys)),
            Cell::from(lag),
            Cell::from(self.topic.as_ref().map(TopicStatus::lag)),
            Cell::from(state.and_then(|state| state.watermark).map(times::iso)),
            most(Vitals::delay),
        ]
    }
}

const COLUMNS: [&str; 17] = [
    "JOB",
    "LAST",
    "FINISHED",
    "EVENTS",
    "EVENTS/S",
    "ROWS",
    "LATE",
    "DEAD LETTERS",
    "COMMIT (MS)",
    "CHECKPOINT",
    "AGE (S)",
    "BYTES",
    "KEYS",
    "LAG (BYTES)",
    "LAG (MESSAGES)",
    "WATERMARK",
    "DELAY (S)",
];

/// Prints the last run of every job, and how far it has come.
pub(super) fn print(
    repository: &Repository,
    jobs: &[JobDefinition],
    format: OutputFormat,
) -> Result<()> {
    let config = repository.existing()?;
    let all = jobs.iter().map(|job| Known::of(config, job));
    let all = compose::block_on(try_join_all(all))?;
    let now = SystemClock.now();
    if format == OutputFormat::Json {
        let objects = all.iter().filter_map(|known| known.json(config, now));
        return output::json(&Value::Array(objects.collect()), 2);
    }
    let mut table = Table::new(COLUMNS);
    for known in &all {
        table.push(known.cells(config, now));
    }
    output::table(&table, format)
}

/// Seconds since a commit.
fn age(progress: &JobProgress, now: Timestamp) -> u64 {
    let age = now.micros().saturating_sub(progress.written.micros()) / 1_000_000;
    u64::try_from(age).unwrap_or_default()
}

/// How many bytes of files a job is behind.
fn lag_bytes(config: &RepoConfig, progress: &JobProgress) -> u64 {
    let lag = progress.positions.iter().filter_map(|(name, position)| {
        let path = config.repo_path.join(name);
        // Positions in Parquet files are rows.
        let is_parquet = path.extension().is_some_and(|end| end == "parquet");
        (!is_parquet).then(|| unread_bytes(&path, position.next_offset)).flatten()
    });
    lag.sum()
}

/// A job's last commit over files: its state, and how far it is behind.
fn checkpoint(config: &RepoConfig, progress: &JobProgress, now: Timestamp) -> Value {
    let mut object = state(progress, now);
    object["lag_bytes"] = json!(lag_bytes(config, progress));
    object["positions"] = json!(progress.positions);
    object
}

/// The state as of a commit: its number, age and size.
pub(super) fn state(progress: &JobProgress, now: Timestamp) -> Value {
    json!({
        "number": progress.checkpoint,
        "written": times::iso(progress.written),
        "age_seconds": age(progress, now),
        "bytes": progress.bytes,
        "keys": progress.keys,
        "watermark": progress.watermark.map(times::iso),
    })
}
