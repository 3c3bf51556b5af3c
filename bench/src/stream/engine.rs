//! The engine alone: files in, rows summed and forgotten.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use larder_core::{Clock, Timestamp};
use larder_stream_features::{
    DeadLetterFile, EventFormat, FileSource, Framing, Input, JobGroup, JobRun, RunOptions,
    SchemaDirectory, Stage, load_jobs, run_jobs,
};

use super::digest::{self, Digest};

/// What is run.
#[derive(Debug, Args)]
pub(crate) struct EngineOptions {
    /// A repository with the definitions.
    repository: PathBuf,
    /// A folder with the events.
    events: PathBuf,
    /// The file that takes what the rows sum to.
    digest: PathBuf,
    /// The jobs.
    #[arg(required = true)]
    jobs: Vec<String>,
}

/// Looks at the memory of this process whenever it is asked for the time, which is before the end of the events.
#[derive(Debug, Default)]
struct Watch {
    first: AtomicU64,
    last: AtomicU64,
}

impl Clock for Watch {
    fn now(&self) -> Timestamp {
        let resident = resident().unwrap_or(0);
        // One thread runs the jobs, and nothing is ordered by these numbers.
        if self.first.load(Ordering::Relaxed) == 0 {
            self.first.store(resident, Ordering::Relaxed);
        }
        self.last.store(resident, Ordering::Relaxed);
        Timestamp::EPOCH
    }
}

/// Bytes of this process that are resident.
fn resident() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split(' ').nth(1)?.parse().ok()?;
    Some(pages << 12)
}

/// Runs jobs over files and says how many keys they had and what these took.
pub(crate) fn run(options: &EngineOptions) -> Result<()> {
    let definitions = load_jobs(&options.repository)?;
    let first = definitions.first().context("there is a job")?;
    let framing = match first.format() {
        EventFormat::Json => Framing::Lines,
        EventFormat::Avro => Framing::Lengths,
    };
    let schemas = Arc::new(SchemaDirectory::new(options.repository.join(first.writer_schemas())));
    let input = Input::Source(Box::new(FileSource::open(&options.events, framing)?), schemas);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    sums(&runtime, &options.repository, &options.jobs, input, &options.digest)
}

/// Runs jobs of a repository and leaves what their rows sum to, and what their state took.
pub(super) fn sums(
    runtime: &tokio::runtime::Runtime,
    repository: &Path,
    names: &[String],
    input: Input,
    digest: &Path,
) -> Result<()> {
    let mut definitions = load_jobs(repository)?;
    definitions.retain(|job| names.iter().any(|name| name == job.name()));
    ensure!(definitions.len() == names.len(), "the repository lacks a job");
    let mut digests = BTreeMap::new();
    let mut jobs = Vec::new();
    for definition in definitions {
        let letters = digest.with_extension(format!("{}.letters", definition.name()));
        let sums = Digest::default();
        digests.insert(definition.name().to_owned(), sums.clone());
        let dead_letters = DeadLetterFile::open(&letters)?;
        jobs.push(JobRun {
            definition,
            sinks: vec![Box::new(sums)],
            dead_letters: dead_letters.into(),
            stage: Stage::Whole,
        });
    }
    let watch = Watch::default();
    // Nothing is committed.
    let groups = vec![JobGroup { jobs, progress: None }];
    let reports = runtime.block_on(run_jobs(groups, input, RunOptions::default(), &watch))?;
    for report in &reports {
        ensure!(report.dead_letters == 0, "{} could not use events", report.job);
    }
    let keys: u64 = reports.iter().map(|report| report.keys).sum();
    let grown =
        watch.last.load(Ordering::Relaxed).saturating_sub(watch.first.load(Ordering::Relaxed));
    std::fs::write(digest.with_extension("state"), format!("{keys} {grown}"))?;
    let sums = digests.into_iter().map(|(job, digest)| (job, digest.sums())).collect();
    digest::write(digest, &sums)
}
