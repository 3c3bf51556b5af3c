//! Events that a job could not use.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use larder_core::{Clock as _, Error, ErrorKind, Result, Timestamp};
use larder_registry::RepoConfig;
use larder_stream_features::{
    DeadLetter, DeadLetterFile, EventSource as _, Input, JobDefinition, JobGroup, JobReport,
    JobRun, LetterSource, ObjectCommitLog, Progress, RunOptions, Stage, run_jobs,
};
use serde_json::{Value, json};

use super::job_state::{self, JobState};
use super::observers::HeldBack;
use super::status::{self, RunRecord};
use super::topic_letters::{Replayed, TopicLetters};
use crate::clock::SystemClock;
use crate::compose::{self, StreamTargets};
use crate::output::{self, Cell, OutputFormat, Table};
use crate::report;
use crate::repository::Repository;

/// Most characters of an event that a table shows.
const SHOWN: usize = 80;

/// Whose letters.
#[derive(Debug, Clone, Copy)]
pub(super) enum Runs<'a> {
    /// Of runs over files.
    Files,
    /// Of runs over a topic; of those that read all partitions of the instance with this name.
    Topic(&'a str),
}

pub(super) fn list(
    repository: &Repository,
    job: &JobDefinition,
    runs: Runs<'_>,
    format: OutputFormat,
) -> Result<()> {
    let config = repository.existing()?;
    let letters = match runs {
        Runs::Files => letters(repository, job)?,
        Runs::Topic(instance) => {
            compose::block_on(TopicLetters::of(config, job, instance)?.list())?
        }
    };
    if format == OutputFormat::Json {
        let letters: Vec<Value> = letters.iter().map(|letter| json!(letter)).collect();
        return output::json(&Value::Array(letters), 2);
    }
    let mut table = Table::new(["FAULT", "PARTITION", "OFFSET", "REASON", "EVENT"]);
    for letter in &letters {
        table.push([
            Cell::from(letter.fault.as_str()),
            Cell::from(letter.partition.as_str()),
            Cell::from(letter.offset),
            Cell::from(letter.reason.as_str()),
            Cell::from(shown(&letter.event())),
        ]);
    }
    output::table(&table, format)
}

/// The beginning of an event as text.
fn shown(event: &[u8]) -> String {
    let text = String::from_utf8_lossy(event);
    let printable = text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c });
    printable.take(SHOWN).collect()
}

fn letters(repository: &Repository, job: &JobDefinition) -> Result<Vec<DeadLetter>> {
    let config = repository.existing()?;
    let progress = compose::block_on(job_state::progress(config, job.name()))?;
    let committed = progress.map_or((0, 0), |progress| progress.letters);
    DeadLetterFile::read(&status::letters(config, job.name(), false), committed)
}

/// Gives the letters of a job to it again. Its state goes on from where it is, so events that came too late stay dead,
/// as do those that wait no more.
pub(super) fn replay(
    repository: &Repository,
    job: JobDefinition,
    runs: Runs<'_>,
    format: OutputFormat,
) -> Result<()> {
    match runs {
        Runs::Files => replay_of_files(repository, job, format),
        Runs::Topic(instance) => replay_of_topic(repository, &job, instance, format),
    }
}

fn replay_of_topic(
    repository: &Repository,
    job: &JobDefinition,
    instance: &str,
    format: OutputFormat,
) -> Result<()> {
    let config = repository.existing()?;
    let letters = TopicLetters::of(config, job, instance)?;
    match compose::block_on(letters.replay(repository))? {
        None => report::note(format_args!("job \"{}\" has no dead letters", job.name())),
        Some(Replayed { letters, report, place, started }) => {
            let record = replayed(config, letters, report, (&place, started))?;
            status::print_runs(&[record], format)?;
        }
    }
    Ok(())
}

/// Says what became of letters, and records the run.
fn replayed(
    config: &RepoConfig,
    letters: u64,
    report: JobReport,
    (path, started): (&Path, Timestamp),
) -> Result<RunRecord> {
    let left = report.dead_letters;
    let taken = letters.saturating_sub(left);
    report::note(format_args!("{letters} dead letters replayed: {taken} taken, {left} still dead"));
    let record = RunRecord::new(report, "replay", path, started, SystemClock.now());
    status::save(config, &record)?;
    Ok(record)
}

fn replay_of_files(
    repository: &Repository,
    job: JobDefinition,
    format: OutputFormat,
) -> Result<()> {
    let config = repository.existing()?;
    let state = JobState::lock(config, job.name())?;
    let store = state.checkpoints()?;
    let known = compose::block_on(ObjectCommitLog::read(&store))?;
    if known.is_empty() {
        let message = format!("job \"{}\" has never run", job.name());
        return Err(Error::new(ErrorKind::NotFound, message));
    }
    let before = letters(repository, &job)?;
    if before.is_empty() {
        report::note(format_args!("job \"{}\" has no dead letters", job.name()));
        return Ok(());
    }
    refuse_rows(&job, &before)?;
    let started = SystemClock.now();
    let count = before.len() as u64;
    let source = LetterSource::new(before, known.into_keys());
    let log = Box::new(ObjectCommitLog::new(store.clone(), source.partitions()));
    let schemas = compose::writer_schemas(config, &job);
    let dead_letters = DeadLetterFile::open(&status::letters(config, job.name(), false))?.into();
    let catalog = repository.catalog()?;
    let targets = StreamTargets::new(config, &catalog, job.view().is_some(), None)?;
    let sinks = targets.sinks(&job, false)?;
    let path = status::last(config, job.name())?.map(|last| last.path).unwrap_or_default();
    let jobs = vec![JobRun { definition: job, sinks, dead_letters, stage: Stage::Whole }];
    let groups = vec![JobGroup { jobs, progress: Some(Progress { log, store }) }];
    let options = RunOptions {
        is_replay: true,
        // All of it becomes true at once, at the end.
        commit_interval: Duration::MAX,
        observer: Arc::new(HeldBack::default()),
        ..RunOptions::default()
    };
    let input = Input::Source(Box::new(source), schemas);
    // No signal is caught: a replay that is ended has changed nothing.
    let reports = compose::block_on(run_jobs(groups, input, options, &SystemClock))?;
    let mut records = Vec::new();
    for report in reports {
        records.push(replayed(config, count, report, (&path, started))?);
    }
    status::print_runs(&records, format)
}

/// Rows of Parquet files were not kept.
fn refuse_rows(job: &JobDefinition, letters: &[DeadLetter]) -> Result<()> {
    match letters.iter().find(|letter| letter.payload.is_empty()) {
        None => Ok(()),
        Some(letter) => Err(Error::unsupported(format!(
            "a dead letter of job \"{}\" is row {} of {}, of which nothing was kept",
            job.name(),
            letter.offset,
            letter.partition
        ))
        .with_hint("mend the file and begin anew: fs stream run JOB --reset")),
    }
}
