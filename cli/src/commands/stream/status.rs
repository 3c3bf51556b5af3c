//! What the last run of a job did.

use std::path::{Path, PathBuf};

use larder_core::{Error, ErrorKind, Result, Timestamp};
use larder_registry::RepoConfig;
use larder_stream_features::{JobDefinition, JobReport};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::output::{self, Cell, OutputFormat, Table};
use crate::repository::Repository;
use crate::times;

/// Name of a job's file of dead letters.
pub(super) const DEAD_LETTERS: &str = "dead-letters.jsonl";
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
            rows: report.rows,
            dead_letters: report.dead_letters,
            keys: report.keys,
            latest: report.latest.map(times::iso),
            offsets: report.offsets,
        }
    }
}

/// Where the state of a job is kept.
pub(super) fn state_folder(config: &RepoConfig, job: &str) -> PathBuf {
    config.repo_path.join("data").join("streams").join(job)
}

/// Keeps the record of a run in place of the one before.
pub(super) fn save(config: &RepoConfig, record: &RunRecord) -> Result<()> {
    let path = state_folder(config, &record.job).join(STATUS);
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
    let path = state_folder(config, job).join(STATUS);
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

/// Prints the last run of every job.
pub(super) fn print(
    repository: &Repository,
    jobs: &[JobDefinition],
    format: OutputFormat,
) -> Result<()> {
    let config = repository.existing()?;
    let mut records = Vec::new();
    for job in jobs {
        records.push((job.name(), last(config, job.name())?));
    }
    if format == OutputFormat::Json {
        let ran: Vec<Value> =
            records.iter().filter_map(|(_, record)| record.as_ref()).map(|r| json!(r)).collect();
        return output::json(&Value::Array(ran), 2);
    }
    let mut table = Table::new(["JOB", "LAST", "FINISHED", "EVENTS", "ROWS", "DEAD LETTERS"]);
    for (name, record) in records {
        let (command, finished) = record
            .as_ref()
            .map_or(("never", String::new()), |r| (r.command.as_str(), r.finished.clone()));
        let count = |count: fn(&RunRecord) -> u64| Cell::from(record.as_ref().map(count));
        table.push([
            Cell::from(name),
            Cell::from(command),
            Cell::from(finished),
            count(|record| record.events),
            count(|record| record.rows),
            count(|record| record.dead_letters),
        ]);
    }
    output::table(&table, format)
}
