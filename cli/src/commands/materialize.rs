//! `fs materialize` and `fs materialize-incremental`.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use larder_core::{Catalog, Clock as _, Error, FeatureView, Interval, Result, Timestamp};
use larder_materializer::{Progress, ViewReport, ViewTask, full, incremental, select_views_at};
use larder_registry::repo_config::{ByteSize, Period};
use larder_serving::view_task;
use serde_json::{Value, json};

use crate::clock::SystemClock;
use crate::compose::RunOptions;
use crate::output::{self, OutputFormat};
use crate::progress::ViewProgress;
use crate::repository::Repository;
use crate::{compose, process, times};

/// Arguments of `fs materialize`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fs materialize 2026-01-01T00:00:00 2026-02-01T00:00:00
  fs materialize 2026-01-01 2026-02-01 -v user_behavior_features")]
pub(crate) struct Arguments {
    /// First event time, included; ISO 8601, UTC unless it says otherwise.
    #[arg(value_name = "START_TS", required_unless_present = "disable_event_timestamp")]
    start: Option<String>,
    /// Last event time, included.
    #[arg(value_name = "END_TS", required_unless_present = "disable_event_timestamp")]
    end: Option<String>,
    /// View to materialize; all when none is named. May be repeated.
    #[arg(short, long = "views", value_name = "VIEW")]
    views: Vec<String>,
    /// Everything from 1970 to now; no times may be given.
    #[arg(long, conflicts_with_all = ["start", "end"])]
    disable_event_timestamp: bool,
    /// Version of the view to write to; only the current one can be written.
    #[arg(long, value_name = "VERSION")]
    version: Option<String>,
    #[command(flatten)]
    run: RunArguments,
}

/// Arguments of `fs materialize-incremental`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  fs materialize-incremental $(date -u +%Y-%m-%dT%H:%M:%S)")]
pub(crate) struct IncrementalArguments {
    /// Last event time, included; each view starts where its last run ended.
    #[arg(value_name = "END_TS")]
    end: String,
    /// View to materialize; all when none is named. May be repeated.
    #[arg(short, long = "views", value_name = "VIEW")]
    views: Vec<String>,
    /// Version of the view to write to; only the current one can be written.
    #[arg(long, value_name = "VERSION")]
    version: Option<String>,
    /// Read from so long before the end of the last run, for rows that came late (1h, 1h30m) [default: 0].
    #[arg(long, value_name = "TIME", value_parser = Period::parse)]
    overlap: Option<Period>,
    #[command(flatten)]
    run: RunArguments,
}

/// How rows are moved.
#[derive(Debug, Args)]
struct RunArguments {
    /// Write without comparing event times: for a load while nobody else writes. The row written last wins.
    #[arg(long)]
    bulk: bool,
    /// Memory that the newest rows of a view may take; keys that do not fit go to disk meanwhile [default: 4GiB].
    #[arg(long, value_name = "SIZE", value_parser = ByteSize::parse)]
    memory_limit: Option<ByteSize>,
    /// Begin anew where the same run was cut off before.
    #[arg(long)]
    no_resume: bool,
}

impl RunArguments {
    fn options(&self) -> Result<RunOptions> {
        if self.memory_limit == Some(ByteSize(0)) {
            return Err(Error::invalid("--memory-limit is zero")
                .with_hint("give for instance 256MiB, or leave it out"));
        }
        let (bulk, memory_limit) = (self.bulk, self.memory_limit);
        Ok(RunOptions { bulk, resume: !self.no_resume, memory_limit })
    }
}

pub(crate) fn run(
    repository: &Repository,
    arguments: &Arguments,
    format: OutputFormat,
) -> Result<()> {
    let interval = match (&arguments.start, &arguments.end) {
        (Some(start), Some(end)) => full(times::parse(start)?, times::parse(end)?)?,
        _ => full(Timestamp::EPOCH, SystemClock.now())?,
    };
    let catalog = repository.catalog()?;
    let views = select_views_at(&catalog, &arguments.views, arguments.version.as_deref())?;
    let title = format!(
        "Materializing {} feature views from {} to {} into the {} online store.\n",
        views.len(),
        times::python(interval.start),
        times::python(interval.end),
        repository.online_store_name()?,
    );
    let plan = Plan::of(views.into_iter().map(|view| (view, interval)).collect());
    let heading = |view: &FeatureView, _: Interval| format!("{}:", view.name);
    let output = Output { format, options: arguments.run.options()? };
    execute(repository, &catalog, plan, &title, heading, output)
}

pub(crate) fn run_incremental(
    repository: &Repository,
    arguments: &IncrementalArguments,
    format: OutputFormat,
) -> Result<()> {
    let end = times::parse(&arguments.end)?;
    let catalog = repository.catalog()?;
    let views = select_views_at(&catalog, &arguments.views, arguments.version.as_deref())?;
    let title = format!(
        "Materializing {} feature views to {} into the {} online store.\n",
        views.len(),
        times::python(end),
        repository.online_store_name()?,
    );
    let now = SystemClock.now();
    let views: Vec<_> = views
        .into_iter()
        .map(|view| {
            let interval = incremental(&catalog, &view, end, now);
            (view, interval)
        })
        .collect();
    let heading = |view: &FeatureView, interval: Interval| {
        let (start, end) = (times::python(interval.start), times::python(interval.end));
        format!("{} from {start} to {end}:", view.name)
    };
    let overlap = match arguments.overlap {
        Some(overlap) => overlap,
        None => repository.existing()?.materialization.overlap,
    };
    let plan = Plan { views, overlap: Some(overlap.0) };
    let output = Output { format, options: arguments.run.options()? };
    execute(repository, &catalog, plan, &title, heading, output)
}

/// What is materialized.
pub(crate) struct Plan {
    views: Vec<(Arc<FeatureView>, Interval)>,
    /// Of an incremental run, how far before the last one's end rows are read.
    overlap: Option<Duration>,
}

impl Plan {
    /// Views, each over an interval.
    pub(crate) fn of(views: Vec<(Arc<FeatureView>, Interval)>) -> Self {
        Self { views, overlap: None }
    }
}

/// How a run is done and told of.
#[derive(Clone, Copy)]
struct Output {
    format: OutputFormat,
    options: RunOptions,
}

fn execute(
    repository: &Repository,
    catalog: &Catalog,
    plan: Plan,
    title: &str,
    heading: impl Fn(&FeatureView, Interval) -> String,
    Output { format, options }: Output,
) -> Result<()> {
    let mut headings = HashMap::new();
    if format == OutputFormat::Table {
        output::line(title)?;
        let views = plan.views.iter();
        headings.extend(views.map(|(view, at)| (view.name.clone(), heading(view, *at))));
    }
    let progress = ViewProgress::new(headings);
    let reports = materialize(repository, catalog, plan, &progress, options)?;
    match format {
        OutputFormat::Table => Ok(()),
        OutputFormat::Json => {
            output::json(&Value::Array(reports.iter().map(report_json).collect()), 2)
        }
    }
}

/// Runs the plan on the repository's stores.
///
/// # Errors
/// As [`larder_materializer::Materializer::run`].
pub(crate) fn materialize(
    repository: &Repository,
    catalog: &Catalog,
    plan: Plan,
    progress: &dyn Progress,
    options: RunOptions,
) -> Result<Vec<ViewReport>> {
    let materializer = compose::materializer(repository, options)?;
    let functions = compose::functions(repository.existing()?)?;
    let Plan { views, overlap } = plan;
    let task = |(view, interval)| -> Result<ViewTask> {
        let task = view_task(catalog, view, interval, &functions)?;
        Ok(match overlap {
            Some(overlap) => task.incremental(overlap),
            None => task,
        })
    };
    let tasks: Vec<ViewTask> = views.into_iter().map(task).collect::<Result<_>>()?;
    compose::block_on(materializer.run(&catalog.project().name, &tasks, progress))
}

fn report_json(report: &ViewReport) -> Value {
    let seconds = report.elapsed.as_secs_f64();
    json!({
        "feature_view": report.view,
        "start": times::iso(report.interval.start),
        "end": times::iso(report.interval.end),
        "rows_read": report.counts.read,
        "rows_written": report.counts.written,
        "rows_older": report.counts.older,
        "rows_null_key": report.counts.null_keys,
        "resumed_at_row": report.resumed_at,
        "seconds": seconds,
        "rows_per_second": (report.counts.read as f64 / seconds.max(f64::EPSILON)).round(),
        "peak_memory_bytes": process::peak_memory(),
    })
}
