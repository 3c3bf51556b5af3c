//! The example jobs over random events: live and out of order, as a backfill over Parquet, and against the definition.

mod collect;
mod containers;
mod events;
mod lists;
mod live_and_backfill;
mod repartition;
mod resume;
mod stored;
mod unusable;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use larder_core::{FixedClock, Timestamp};
use larder_stream_features::{
    DeadLetterFile, FileSource, Framing, Input, JobDefinition, JobGroup, JobReport, JobRun,
    ParquetEvents, RunOptions, SchemaDirectory, Sink, Stage, load_jobs, run_jobs,
};

/// The example repository.
fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace").join("feature_repo")
}

fn job(name: &str) -> JobDefinition {
    let jobs = load_jobs(&repository()).expect("valid jobs");
    jobs.into_iter().find(|job| job.name() == name).expect("a job of the example")
}

/// Files as JSON lines.
fn lines(path: &Path) -> Input {
    let source = FileSource::open(path, Framing::Lines).expect("events");
    Input::Source(Box::new(source), Arc::new(SchemaDirectory::new("none")))
}

fn parquet(path: &Path) -> Input {
    Input::Parquet(ParquetEvents::open(path).expect("events"))
}

/// Runs jobs with these sinks; dead letters go to `<folder>/<job>.jsonl`.
async fn run(
    folder: &Path,
    jobs: Vec<(JobDefinition, Box<dyn Sink>)>,
    input: Input,
    options: RunOptions,
) -> Vec<JobReport> {
    let run = |(definition, sink): (JobDefinition, Box<dyn Sink>)| {
        let letters = folder.join(format!("{}.jsonl", definition.name()));
        let dead_letters = DeadLetterFile::open(&letters).expect("a writable folder").into();
        JobRun { definition, sinks: vec![sink], dead_letters, stage: Stage::Whole }
    };
    let group = JobGroup { jobs: jobs.into_iter().map(run).collect(), progress: None };
    run_jobs(vec![group], input, options, &FixedClock(Timestamp::EPOCH)).await.expect("a run")
}

/// Nothing is told before the end.
fn backfill() -> RunOptions {
    RunOptions { hold_watermark: true, ..RunOptions::default() }
}
