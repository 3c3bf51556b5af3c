//! Runs jobs, those of one source together.

use std::path::{Path, PathBuf};

use larder_core::{Clock as _, Error, Result, Timestamp};
use larder_registry::RepoConfig;
use larder_stream_features::{
    DeadLetterFile, EventFormat, EventSource as _, FileSource, Framing, Input, JobDefinition,
    JobGroup, JobReport, JobRun, ObjectCommitLog, ParquetEvents, Progress, RunOptions, Stage, Stop,
    run_jobs,
};

use super::job_state::JobState;
use super::metrics::MetricsPage;
use super::observers::{HeldBack, measured};
use super::status::{self, RunRecord};
use super::vitals::Recorder;
use crate::clock::SystemClock;
use crate::compose::{self, StreamTargets};
use crate::repository::Repository;
use crate::stop_signal::StopSignal;

/// How jobs are run.
#[derive(Debug, Default)]
pub(super) struct Execution {
    pub(super) path: Option<PathBuf>,
    pub(super) range: (Option<Timestamp>, Option<Timestamp>),
    pub(super) is_backfill: bool,
    pub(super) history: Option<PathBuf>,
    pub(super) no_online: bool,
    /// Whether state is forgotten first.
    pub(super) reset: bool,
    /// Where it can be watched.
    pub(super) page: Option<MetricsPage>,
}

/// What stands for an instance in runs over files, of which there is one at a time.
const FILES: &str = "files";

/// Runs the jobs and records what each did.
pub(super) fn execute(
    repository: &Repository,
    jobs: Vec<JobDefinition>,
    execution: &Execution,
) -> Result<Vec<RunRecord>> {
    let config = repository.existing()?;
    let catalog = repository.catalog()?;
    let to_online = !execution.no_online && jobs.iter().any(|job| job.view().is_some());
    let page = execution.page.as_ref();
    let targets = StreamTargets::new(config, &catalog, to_online, page.map(MetricsPage::of_store))?
        .with_history(execution.history.as_deref());
    let mut records = Vec::new();
    let recorder = (!execution.is_backfill).then(|| Recorder::new(config, FILES));
    for group in by_source(jobs) {
        let path = source_path(config, &group[0], execution)?;
        let started = SystemClock.now();
        let (input, names) = input(config, &group[0], &path)?;
        let (groups, _states) = groups(config, group, &targets, execution, &names)?;
        let observer = measured(HeldBack::default(), page.map(MetricsPage::metrics));
        let options = RunOptions {
            start: execution.range.0,
            end: execution.range.1,
            hold_watermark: execution.is_backfill,
            observer: match &recorder {
                Some(recorder) => recorder.observer(observer),
                None => observer,
            },
            ..RunOptions::default()
        };
        let (reports, is_stopped) = until_stopped(groups, input, &options)?;
        for report in reports {
            records.push(record(config, report, &path, started, execution)?);
        }
        if is_stopped {
            break;
        }
    }
    Ok(records)
}

/// Runs groups until their events end or a signal comes, after which they commit; answers whether one came.
fn until_stopped(
    groups: Vec<JobGroup>,
    input: Input,
    options: &RunOptions,
) -> Result<(Vec<JobReport>, bool)> {
    compose::block_on(async {
        let signal = StopSignal::catch()?;
        let (request, stop) = Stop::channel();
        let is_stopped = stop.clone();
        let options = RunOptions { stop, ..options.clone() };
        let waiting = tokio::spawn(async move {
            signal.received().await;
            request.send_replace(true);
        });
        let reports = run_jobs(groups, input, options, &SystemClock).await;
        waiting.abort();
        Ok((reports?, is_stopped.is_requested()))
    })
}

/// The jobs as they are committed: each by itself, so that any of them can be run without the others. A backfill keeps
/// no state.
fn groups(
    config: &RepoConfig,
    jobs: Vec<JobDefinition>,
    targets: &StreamTargets<'_>,
    execution: &Execution,
    names: &[String],
) -> Result<(Vec<JobGroup>, Vec<JobState>)> {
    let (mut groups, mut states) = (Vec::new(), Vec::new());
    for job in jobs {
        let mut progress = None;
        if !execution.is_backfill {
            let state = JobState::lock(config, job.name())?;
            if execution.reset {
                state.forget()?;
            }
            let store = state.checkpoints()?;
            let log = Box::new(ObjectCommitLog::new(store.clone(), names));
            progress = Some(Progress { log, store });
            states.push(state);
        }
        let letters = status::letters(config, job.name(), execution.is_backfill);
        let dead_letters = DeadLetterFile::open(&letters)?.into();
        let sinks = targets.sinks(&job, execution.is_backfill)?;
        groups.push(JobGroup {
            jobs: vec![JobRun { sinks, definition: job, dead_letters, stage: Stage::Whole }],
            progress,
        });
    }
    Ok((groups, states))
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

/// Parquet where the path says so or the folder holds nothing else, events as the job encodes them otherwise; with the
/// names of the files.
fn input(config: &RepoConfig, job: &JobDefinition, path: &Path) -> Result<(Input, Vec<String>)> {
    if path.extension().is_some_and(|end| end == "parquet") || has_parquet(path) {
        let events = ParquetEvents::open(path)?.named_below(&config.repo_path);
        let names = events.partitions().to_vec();
        return Ok((Input::Parquet(events), names));
    }
    let framing = match job.format() {
        EventFormat::Json => Framing::Lines,
        EventFormat::Avro => Framing::Lengths,
    };
    let source = FileSource::open(path, framing)?.named_below(&config.repo_path);
    let names = source.partitions().to_vec();
    Ok((Input::Source(Box::new(source), compose::writer_schemas(config, job)), names))
}

fn has_parquet(path: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(path) else { return false };
    let is_parquet = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.is_ok_and(|entry| entry.path().extension().is_some_and(|end| end == "parquet"))
    };
    entries.into_iter().any(is_parquet)
}
