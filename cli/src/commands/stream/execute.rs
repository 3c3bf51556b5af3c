//! Runs jobs, those of one source together.

use std::path::{Path, PathBuf};

use larder_core::{Clock as _, Error, Result, Timestamp};
use larder_registry::RepoConfig;
use larder_stream_features::{
    DeadLetterFile, EventFormat, FileSource, Framing, Input, JobDefinition, JobReport, JobRun,
    ParquetEvents, RunOptions, run_jobs,
};

use super::status::{self, RunRecord};
use crate::clock::SystemClock;
use crate::compose::{self, StreamTargets};
use crate::repository::Repository;

/// How jobs are run.
#[derive(Debug, Clone, Default)]
pub(super) struct Execution {
    pub(super) path: Option<PathBuf>,
    pub(super) range: (Option<Timestamp>, Option<Timestamp>),
    pub(super) is_backfill: bool,
    pub(super) history: Option<PathBuf>,
    pub(super) no_online: bool,
}

/// Runs the jobs and records what each did.
pub(super) fn execute(
    repository: &Repository,
    jobs: Vec<JobDefinition>,
    execution: &Execution,
) -> Result<Vec<RunRecord>> {
    let config = repository.existing()?;
    let catalog = repository.catalog()?;
    let to_online = !execution.no_online && jobs.iter().any(|job| job.view().is_some());
    let targets = StreamTargets::new(config, &catalog, to_online, execution.history.as_deref())?;
    let mut records = Vec::new();
    for group in by_source(jobs) {
        let path = source_path(config, &group[0], execution)?;
        let started = SystemClock.now();
        let input = input(config, &group[0], &path)?;
        let runs = group
            .into_iter()
            .map(|job| {
                let letters = status::state_folder(config, job.name()).join(status::DEAD_LETTERS);
                let dead_letters = DeadLetterFile::create(&letters)?;
                Ok(JobRun { sinks: targets.sinks(&job)?, definition: job, dead_letters })
            })
            .collect::<Result<Vec<_>>>()?;
        let options = RunOptions {
            start: execution.range.0,
            end: execution.range.1,
            hold_watermark: execution.is_backfill,
        };
        let reports = compose::block_on(run_jobs(runs, input, options, &SystemClock))?;
        for report in reports {
            records.push(record(config, report, &path, started, execution)?);
        }
    }
    Ok(records)
}

fn record(
    config: &RepoConfig,
    report: JobReport,
    path: &Path,
    started: Timestamp,
    execution: &Execution,
) -> Result<RunRecord> {
    let command = if execution.is_backfill { "backfill" } else { "run" };
    let record = RunRecord::new(report, command, path, started, SystemClock.now());
    status::save(config, &record)?;
    Ok(record)
}

/// Jobs that can share the decoding of their events, together.
fn by_source(jobs: Vec<JobDefinition>) -> Vec<Vec<JobDefinition>> {
    let mut groups: Vec<Vec<JobDefinition>> = Vec::new();
    for job in jobs {
        match groups.iter_mut().find(|group| group[0].shares_source(&job)) {
            Some(group) => group.push(job),
            None => groups.push(vec![job]),
        }
    }
    groups
}

fn source_path(config: &RepoConfig, job: &JobDefinition, execution: &Execution) -> Result<PathBuf> {
    if let Some(path) = &execution.path {
        // Kept for a replay, which may be asked for from another folder.
        return std::path::absolute(path).map_err(|error| {
            Error::invalid(format!("{} is no path", path.display())).with_source(error)
        });
    }
    let path = job.source_path().ok_or_else(|| {
        Error::invalid(format!("job \"{}\" does not say where its events are", job.name()))
            .with_hint("name a file or folder with --path, or source.path in its definition")
    })?;
    Ok(config.repo_path.join(path))
}

/// Parquet where the path says so or the folder holds nothing else, events as the job encodes them otherwise.
fn input(config: &RepoConfig, job: &JobDefinition, path: &Path) -> Result<Input> {
    if path.extension().is_some_and(|end| end == "parquet") || has_parquet(path) {
        return Ok(Input::Parquet(ParquetEvents::open(path)?));
    }
    let framing = match job.format() {
        EventFormat::Json => Framing::Lines,
        EventFormat::Avro => Framing::Lengths,
    };
    let schemas = compose::writer_schemas(config, job);
    Ok(Input::Source(Box::new(FileSource::open(path, framing)?), schemas))
}

fn has_parquet(path: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(path) else { return false };
    let is_parquet = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.is_ok_and(|entry| entry.path().extension().is_some_and(|end| end == "parquet"))
    };
    entries.into_iter().any(is_parquet)
}
