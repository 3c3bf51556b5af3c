//! `fs stream`: features from streams of events.

mod dead_letters;
mod execute;
mod status;

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use larder_core::{Error, ErrorKind, Result, Timestamp};
use larder_stream_features::{JobDefinition, load_jobs};

use crate::output::{self, Cell, OutputFormat, Table};
use crate::repository::Repository;
use crate::{report, times};
use execute::Execution;

/// What to do with stream jobs.
#[derive(Debug, Subcommand)]
pub(crate) enum StreamCommand {
    /// List the jobs of the repository.
    List,
    /// Run jobs over their events, into the online store and their output files.
    Run(RunArguments),
    /// Run jobs over past events in any order, into the online store and training files.
    Backfill(BackfillArguments),
    /// Show what the last run of each job did.
    Status,
    /// Events that a job could not use: list, replay.
    #[command(subcommand)]
    DeadLetters(DeadLetterCommand),
}

/// Arguments of `fs stream run`.
#[derive(Debug, Args)]
#[command(
    after_help = "Every run reads its source from the beginning: there are no checkpoints yet. Rows of the online
store are guarded by event time, output files are written anew, so running again changes nothing.

Examples:
  fs stream run
  fs stream run sessions anomalies --path data/user_events"
)]
pub(crate) struct RunArguments {
    /// Jobs to run; all when none is named.
    #[arg(value_name = "JOB")]
    jobs: Vec<String>,
    /// Where events come from.
    #[arg(long, value_enum, default_value = "file")]
    source: SourceKind,
    /// File or folder with events, instead of those that the jobs name.
    #[arg(long, value_name = "PATH")]
    path: Option<PathBuf>,
}

/// Sources that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SourceKind {
    /// Files: JSON lines, framed Avro or Parquet.
    File,
}

/// Arguments of `fs stream backfill`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fs stream backfill product_popularity --path data/user_events.parquet --history data/history
  fs stream backfill --start 2026-01-01 --end 2026-02-01 --no-online")]
pub(crate) struct BackfillArguments {
    /// Jobs to run; all but rules when none is named.
    #[arg(value_name = "JOB")]
    jobs: Vec<String>,
    /// File or folder with events, instead of those that the jobs name.
    #[arg(long, value_name = "PATH")]
    path: Option<PathBuf>,
    /// First event time, included; ISO 8601, UTC unless it says otherwise.
    #[arg(long, value_name = "START_TS")]
    start: Option<String>,
    /// Last event time, not included.
    #[arg(long, value_name = "END_TS")]
    end: Option<String>,
    /// Folder for a Parquet file per job with all rows of its view, for training.
    #[arg(long, value_name = "DIR")]
    history: Option<PathBuf>,
    /// Leave the online store as it is.
    #[arg(long)]
    no_online: bool,
}

/// What to do with dead letters.
#[derive(Debug, Subcommand)]
pub(crate) enum DeadLetterCommand {
    /// Show the events that the last run of a job could not use.
    List {
        /// The job.
        #[arg(value_name = "JOB")]
        job: String,
    },
    /// Run a job again over the source of its last run, with the definitions and schemas of now.
    Replay {
        /// The job.
        #[arg(value_name = "JOB")]
        job: String,
    },
}

pub(crate) fn run(
    repository: &Repository,
    command: &StreamCommand,
    format: OutputFormat,
) -> Result<()> {
    match command {
        StreamCommand::List => list(repository, format),
        StreamCommand::Run(arguments) => {
            let SourceKind::File = arguments.source;
            let execution = Execution { path: arguments.path.clone(), ..Execution::default() };
            let jobs = select(repository, &arguments.jobs)?;
            status::print_runs(&execute::execute(repository, jobs, &execution)?, format)
        }
        StreamCommand::Backfill(arguments) => {
            let time = |text: &Option<String>| text.as_deref().map(times::parse).transpose();
            let execution = Execution {
                path: arguments.path.clone(),
                range: (time(&arguments.start)?, time(&arguments.end)?),
                is_backfill: true,
                history: arguments.history.clone(),
                no_online: arguments.no_online,
            };
            refuse_reversed(execution.range)?;
            let jobs = without_rules(select(repository, &arguments.jobs)?, &arguments.jobs)?;
            status::print_runs(&execute::execute(repository, jobs, &execution)?, format)
        }
        StreamCommand::Status => status::print(repository, &all(repository)?, format),
        StreamCommand::DeadLetters(DeadLetterCommand::List { job }) => {
            dead_letters::list(repository, &one(repository, job)?, format)
        }
        StreamCommand::DeadLetters(DeadLetterCommand::Replay { job }) => {
            dead_letters::replay(repository, one(repository, job)?, format)
        }
    }
}

fn refuse_reversed(range: (Option<Timestamp>, Option<Timestamp>)) -> Result<()> {
    match range {
        (Some(start), Some(end)) if start >= end => Err(Error::invalid(format!(
            "no event is between {} and {}",
            times::iso(start),
            times::iso(end)
        ))
        .with_hint("--start is the first time, --end the one after the last")),
        _ => Ok(()),
    }
}

fn list(repository: &Repository, format: OutputFormat) -> Result<()> {
    let mut table = Table::new(["JOB", "KIND", "VIEW", "OUTPUT", "SOURCE"]);
    for job in all(repository)? {
        let path = |path: Option<&std::path::Path>| path.map(|path| path.display().to_string());
        table.push([
            Cell::from(job.name()),
            Cell::from(job.kind()),
            Cell::from(job.view().map(str::to_owned)),
            Cell::from(path(job.output())),
            Cell::from(path(job.source_path())),
        ]);
    }
    output::table(&table, format)
}

/// The jobs of the repository's files, then those of registered stream views.
fn all(repository: &Repository) -> Result<Vec<JobDefinition>> {
    let mut jobs = load_jobs(&repository.existing()?.repo_path)?;
    for view in repository.catalog()?.feature_views().values() {
        match JobDefinition::of_view(view) {
            Ok(job) => jobs.extend(job),
            Err(error) => report::warning(error),
        }
    }
    Ok(jobs)
}

fn one(repository: &Repository, name: &str) -> Result<JobDefinition> {
    let jobs = select(repository, &[name.to_owned()])?;
    jobs.into_iter().next().ok_or_else(|| unknown(name, &[]))
}

/// The named jobs, in the order of the repository; all when none is named.
fn select(repository: &Repository, names: &[String]) -> Result<Vec<JobDefinition>> {
    let jobs = all(repository)?;
    if let Some(name) = names.iter().find(|name| jobs.iter().all(|job| job.name() != **name)) {
        return Err(unknown(name, &jobs));
    }
    let is_named = |job: &JobDefinition| names.is_empty() || names.iter().any(|n| n == job.name());
    let selected: Vec<_> = jobs.into_iter().filter(is_named).collect();
    if selected.is_empty() {
        return Err(Error::new(ErrorKind::NotFound, "the repository has no stream jobs")
            .with_hint("write one in streams/<name>.yaml, see docs/streams.md"));
    }
    Ok(selected)
}

fn unknown(name: &str, jobs: &[JobDefinition]) -> Error {
    let known = jobs.iter().map(JobDefinition::name).collect::<Vec<_>>().join(", ");
    Error::new(ErrorKind::NotFound, format!("no stream job is named \"{name}\""))
        .with_hint(format!("jobs here: {known}"))
}

/// Alerts about the past are nothing to train on and nothing to send.
fn without_rules(jobs: Vec<JobDefinition>, names: &[String]) -> Result<Vec<JobDefinition>> {
    let (rules, others): (Vec<_>, Vec<_>) = jobs.into_iter().partition(|job| job.kind() == "rules");
    match rules.first() {
        Some(job) if !names.is_empty() || others.is_empty() => Err(Error::unsupported(format!(
            "job \"{}\" has rules, which have no backfill",
            job.name()
        ))
        .with_hint("fs stream run tells its alerts")),
        _ => Ok(others),
    }
}
