//! `fs stream`: features from streams of events.

mod dead_letters;
mod execute;
mod job_state;
mod lanes;
mod metrics;
mod observers;
mod repartition;
mod status;
mod topic_letters;
mod topic_run;
mod topic_status;
mod topics;
mod vitals;

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use larder_core::{Error, ErrorKind, Result, Timestamp};
use larder_registry::RepoConfig;
use larder_stream_features::{Beginning, JobDefinition, load_jobs};

use crate::output::{self, Cell, OutputFormat, Table};
use crate::repository::Repository;
use crate::{report, times};
use dead_letters::Runs;
use execute::Execution;
use metrics::MetricsPage;
use status::RunRecord;
use topic_run::TopicExecution;
use topics::TopicsApplyArguments;

/// What to do with stream jobs.
#[derive(Debug, Subcommand)]
pub(crate) enum StreamCommand {
    /// List the jobs of the repository.
    List,
    /// Run jobs over their events, into the online store and their output files.
    Run(RunArguments),
    /// Run jobs over past events in any order, into the online store and training files.
    Backfill(BackfillArguments),
    /// Topics of the repository: apply.
    #[command(subcommand)]
    Topics(TopicsCommand),
    /// Show what the last run of each job did, its last checkpoint and how far it is behind.
    Status,
    /// Events that a job could not use: list, replay.
    #[command(subcommand)]
    DeadLetters(DeadLetterCommand),
}

/// Arguments of `fs stream run`.
#[derive(Debug, Args)]
#[command(
    after_help = "A run goes on where the last one was committed, also after a crash: features, output files, dead
letters and logs end as if there had been one run. SIGTERM and SIGINT commit and end it.

Over topics, jobs run until then.

Examples:
  fs stream run
  fs stream run sessions --reset
  fs stream run sessions anomalies --path data/user_events
  fs stream run sessions --source kafka --from 2026-01-01
  fs stream run --metrics=0.0.0.0:8001"
)]
pub(crate) struct RunArguments {
    /// Jobs to run; all when none is named.
    #[arg(value_name = "JOB")]
    jobs: Vec<String>,
    /// Where events come from: the topics that the jobs name where brokers are configured, files otherwise and with --path.
    #[arg(long, value_enum)]
    source: Option<SourceKind>,
    /// File or folder with events, instead of those that the jobs name.
    #[arg(long, value_name = "PATH")]
    path: Option<PathBuf>,
    /// Where a job begins in its topic that has committed nothing yet: earliest, latest, or a time as ISO 8601.
    #[arg(long, value_name = "PLACE", default_value = "earliest")]
    from: String,
    /// Name of this instance, where several share the topic of a job; it is the same after a restart.
    #[arg(long, value_name = "NAME", default_value = "0")]
    instance: String,
    /// Forget the state of the jobs and begin anew: their output files, logs and dead letters are emptied, rows of the
    /// online store stay until they are written again, messages of topics stay.
    #[arg(long)]
    reset: bool,
    /// Serve metrics in Prometheus' format, on a port of their own; port 0 takes a free one [default: 127.0.0.1:8001].
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, require_equals = true,
        default_missing_value = metrics::DEFAULT_ADDRESS, hide_default_value = true)]
    metrics: Option<String>,
}

/// What to do with topics.
#[derive(Debug, Subcommand)]
pub(crate) enum TopicsCommand {
    /// Make the topics of streams/topics.yaml and those of jobs with repartition that the cluster does not have, and tell what others have otherwise.
    Apply(TopicsApplyArguments),
}

/// Sources that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SourceKind {
    /// Files: JSON lines, framed Avro, Avro container files or Parquet.
    File,
    /// Topics.
    Kafka,
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
    /// Show the events that a job could not use.
    List(LetterArguments),
    /// Give the dead letters of a job to it again, with the definitions and schemas of now. The job must not run.
    Replay(LetterArguments),
}

/// Whose dead letters.
#[derive(Debug, Args)]
pub(crate) struct LetterArguments {
    /// The job.
    #[arg(value_name = "JOB")]
    job: String,
    /// Which runs: those over the topic of the job where brokers are configured, over files otherwise.
    #[arg(long, value_enum)]
    source: Option<SourceKind>,
    /// Name of the instance that read all partitions of a topic.
    #[arg(long, value_name = "NAME", default_value = "0")]
    instance: String,
}

pub(crate) fn run(
    repository: &Repository,
    command: &StreamCommand,
    format: OutputFormat,
) -> Result<()> {
    match command {
        StreamCommand::List => list(repository, format),
        StreamCommand::Run(arguments) => {
            let jobs = select(repository, &arguments.jobs)?;
            status::print_runs(&run_jobs(repository, jobs, arguments)?, format)
        }
        StreamCommand::Backfill(arguments) => {
            let time = |text: &Option<String>| text.as_deref().map(times::parse).transpose();
            let execution = Execution {
                path: arguments.path.clone(),
                range: (time(&arguments.start)?, time(&arguments.end)?),
                is_backfill: true,
                history: arguments.history.clone(),
                no_online: arguments.no_online,
                ..Execution::default()
            };
            refuse_reversed(execution.range)?;
            let jobs = without_rules(select(repository, &arguments.jobs)?, &arguments.jobs)?;
            status::print_runs(&execute::execute(repository, jobs, &execution)?, format)
        }
        StreamCommand::Topics(TopicsCommand::Apply(arguments)) => {
            topics::apply(repository, arguments, format)
        }
        StreamCommand::Status => status::print(repository, &all(repository)?, format),
        StreamCommand::DeadLetters(DeadLetterCommand::List(arguments)) => {
            let job = one(repository, &arguments.job)?;
            let runs = runs(repository.existing()?, &job, arguments);
            dead_letters::list(repository, &job, runs, format)
        }
        StreamCommand::DeadLetters(DeadLetterCommand::Replay(arguments)) => {
            let job = one(repository, &arguments.job)?;
            let runs = runs(repository.existing()?, &job, arguments);
            dead_letters::replay(repository, job, runs, format)
        }
    }
}

fn runs<'a>(config: &RepoConfig, job: &JobDefinition, arguments: &'a LetterArguments) -> Runs<'a> {
    let is_over_topic = match arguments.source {
        Some(source) => source == SourceKind::Kafka,
        None => topic_status::is_on_topics(config, job),
    };
    if is_over_topic { Runs::Topic(&arguments.instance) } else { Runs::Files }
}

fn run_jobs(
    repository: &Repository,
    jobs: Vec<JobDefinition>,
    arguments: &RunArguments,
) -> Result<Vec<RunRecord>> {
    let config = repository.existing()?;
    let is_on_topics = |job: &JobDefinition| topic_status::is_on_topics(config, job);
    let source = match (arguments.source, &arguments.path) {
        (Some(SourceKind::Kafka), Some(_)) => {
            return Err(Error::invalid("--path is for files, the source is kafka"));
        }
        (Some(source), _) => source,
        (None, None) if jobs.iter().all(is_on_topics) => SourceKind::Kafka,
        (None, _) => SourceKind::File,
    };
    let address = arguments.metrics.as_deref();
    let page = address.map(|address| MetricsPage::open(address, &jobs)).transpose()?;
    if source == SourceKind::Kafka {
        let instance = instance(&arguments.instance)?;
        let (beginning, reset) = (beginning(&arguments.from)?, arguments.reset);
        let execution = TopicExecution { beginning, instance, reset, page };
        return topic_run::execute(repository, &jobs, &execution);
    }
    let (path, reset) = (arguments.path.clone(), arguments.reset);
    let execution = Execution { path, reset, page, ..Execution::default() };
    execute::execute(repository, jobs, &execution)
}

fn beginning(text: &str) -> Result<Beginning> {
    Ok(match text {
        "earliest" => Beginning::Earliest,
        "latest" => Beginning::Latest,
        time => Beginning::At(times::parse(time).map_err(|error| {
            error.with_hint("--from is earliest, latest, or a time such as 2026-01-01T00:00:00Z")
        })?),
    })
}

/// The name becomes a part of a transactional id.
fn instance(name: &str) -> Result<String> {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if name.is_empty() || name.len() > 100 || !name.chars().all(is_letter) {
        return Err(Error::invalid(format!("\"{name}\" is no name of an instance"))
            .with_hint("use letters, digits, dots, underscores and hyphens"));
    }
    Ok(name.to_owned())
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
        let place = |path: Option<&std::path::Path>, topic: Option<&str>| {
            let path = path.map(|path| path.display().to_string());
            let topic = topic.map(|topic| format!("kafka:{topic}"));
            let places: Vec<String> = path.into_iter().chain(topic).collect();
            (!places.is_empty()).then(|| places.join(" "))
        };
        table.push([
            Cell::from(job.name()),
            Cell::from(job.kind()),
            Cell::from(job.view().map(str::to_owned)),
            Cell::from(place(job.output(), job.output_topic())),
            Cell::from(place(job.source_path(), job.source_topic())),
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
