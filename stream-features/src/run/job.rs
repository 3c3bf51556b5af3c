//! One job while it runs.

mod stages;
mod state;

use larder_core::{Clock, Error, Result, Timestamp};

use super::hold_back::until_done;
use super::reader::Read;
use super::task::{Task, TaskKey, Tasks};
use super::{Committed, JobReport, JobRun, RunOptions, Taken};
use crate::aggregate::bytes::put_scalar;
use crate::dead_letter::DeadLetters;
use crate::decode::Fault;
use crate::definition::{EventPlan, Job};
use crate::expression::{Failure, Row};
use crate::operator::{Event, Operator, OutputRow};
use crate::repartition::{Forward, SourceEvents, Stage};
use crate::scalar::Scalar;
use crate::schema::EventType;
use crate::sink::Sink;
use stages::forward_event;
pub(super) use state::changed;

/// A job with its tasks, its sinks and its counts.
#[derive(Debug)]
pub(super) struct RunningJob {
    job: Job,
    /// Which definitions can go on with its state.
    layout: u64,
    /// Where its events go on to, in the first of two stages.
    forward: Option<Forward>,
    /// Where events are looked up that are too late, in the second of two stages.
    looked_up: Option<Box<dyn SourceEvents>>,
    /// The topic of its events.
    source: String,
    pub(super) tasks: Tasks,
    sinks: Vec<Box<dyn Sink>>,
    letters: DeadLetters,
    options: RunOptions,
    report: JobReport,
    /// What is not in the report yet.
    taken: Taken,
    /// Events as of the last commit.
    committed: u64,
    rows: Vec<OutputRow>,
    key: Vec<u8>,
}

/// What became of one event.
enum Outcome {
    Taken(i64),
    OutOfRange,
    Filtered,
    NullKey,
    Refused(Fault, String),
}

impl RunningJob {
    pub(super) fn compile(
        run: JobRun,
        event: &mut EventType,
        options: &RunOptions,
    ) -> Result<Self> {
        let job = run.definition.compile(event)?;
        let tasks = Tasks::new(&job, &run.stage);
        let layout = match run.stage {
            Stage::Whole => run.definition.layout(),
            Stage::Forward(_) | Stage::Keyed(_) => run.definition.repartition_layout(),
        };
        let (forward, looked_up) = match run.stage {
            Stage::Whole => (None, None),
            Stage::Forward(sink) => (Some(Forward::new(sink, layout)), None),
            Stage::Keyed(events) => (None, Some(events)),
        };
        let report = JobReport { job: job.name.clone(), ..JobReport::default() };
        Ok(Self {
            tasks,
            layout,
            forward,
            looked_up,
            source: run.definition.source_topic().unwrap_or_default().to_owned(),
            job,
            sinks: run.sinks,
            letters: run.dead_letters,
            options: options.clone(),
            report,
            taken: Taken::default(),
            committed: 0,
            rows: Vec::new(),
            key: Vec::new(),
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.job.name
    }

    /// Makes the task of one of so many partitions, with empty state, unless it is here.
    pub(super) fn assign(&mut self, partition: usize, partitions: usize, now: i64) -> TaskKey {
        if let Some(forward) = &mut self.forward {
            forward.begin(partitions);
        }
        self.tasks.assign(partition, &self.job, now)
    }

    /// Takes what was read, but for the first events, and tells what became due.
    ///
    /// # Errors
    /// What a sink answers.
    pub(super) async fn take(
        &mut self,
        read: &Read,
        first: usize,
        partitions: &[String],
        clock: &dyn Clock,
    ) -> Result<()> {
        if self.looked_up.is_some() {
            let late = self.add_blocks(read, first, partitions)?;
            self.refuse(&late).await?;
        } else {
            self.add_events(read, first, partitions, clock.now().micros())?;
        }
        self.letters.deliver().await?;
        if self.forward.is_some() {
            self.forward(clock.now().micros()).await?;
        } else {
            self.tell_due(clock).await?;
        }
        self.observe();
        Ok(())
    }

    /// Lets time pass without events: what became due is told, and the observer hears that the job is alive.
    ///
    /// # Errors
    /// What a sink answers.
    pub(super) async fn idle(&mut self, clock: &dyn Clock) -> Result<()> {
        self.tell_due(clock).await?;
        self.observe();
        Ok(())
    }

    /// Passes over what was read for another group.
    pub(super) fn passed_over(&mut self, clock: &dyn Clock) {
        self.slept(clock);
        self.observe();
    }

    /// Tells what became due by the watermarks as of now.
    ///
    /// # Errors
    /// What a sink answers.
    pub(super) async fn tell_due(&mut self, clock: &dyn Clock) -> Result<()> {
        // The second stage tells what the first gives on.
        if self.forward.is_some() {
            return Ok(());
        }
        if self.options.hold_watermark {
            return Ok(());
        }
        let now = clock.now().micros();
        self.rows.clear();
        for (_, task) in self.tasks.iter_mut() {
            let before = task.watermark.reached();
            let watermark = task.watermark.advance(now);
            task.operator.advance(watermark, &mut self.rows);
            task.is_touched |= watermark != before;
        }
        if self.tell().await? {
            self.slept(clock);
        }
        Ok(())
    }

    /// Takes note that nothing was read for this job for a while, which says nothing about its partitions.
    pub(super) fn slept(&mut self, clock: &dyn Clock) {
        let now = clock.now().micros();
        self.tasks.iter_mut().for_each(|(_, task)| task.watermark.slept(now));
    }

    /// Counts what was taken since the last time.
    fn observe(&mut self) {
        let watermark = self.tasks.watermark();
        let taken = Taken { watermark, ..std::mem::take(&mut self.taken) };
        let report = &mut self.report;
        report.events += taken.events;
        report.filtered += taken.filtered;
        report.null_keys += taken.null_keys;
        report.late += taken.late;
        report.rows += taken.rows;
        report.dead_letters += taken.dead_letters.iter().sum::<u64>();
        self.options.observer.took(&self.job.name, &taken);
    }

    /// Takes note of a commit.
    pub(super) fn committed(&mut self, commit: Committed) {
        self.committed = self.report.events;
        let commit = Committed { keys: self.tasks.keys() as u64, ..commit };
        self.options.observer.committed(&self.job.name, &commit);
    }

    fn add_events(
        &mut self,
        read: &Read,
        first: usize,
        partitions: &[String],
        now: i64,
    ) -> Result<()> {
        for refused in read.refused.iter().filter(|refused| refused.index >= first) {
            let why = (refused.fault, refused.reason.as_str());
            self.letters.push(&read.letter(refused.index, why, partitions))?;
            self.taken.refuse(refused.fault);
        }
        let latest = self.add(read, first, partitions)?;
        self.follow(read, latest, now);
        Ok(())
    }

    /// Gives every row to the operator, or on; answers the latest event time.
    fn add(&mut self, read: &Read, first: usize, partitions: &[String]) -> Result<Option<i64>> {
        let Self { job: Job { plan, .. }, taken, key, tasks, forward, .. } = self;
        let Some(Task { operator, watermark, is_touched, .. }) = tasks.of(read.raw.partition)
        else {
            return Ok(None);
        };
        let passed = watermark.reached();
        *is_touched |= read.raw.len() > first || read.ended.is_some();
        let mut inputs = Vec::with_capacity(plan.inputs.len());
        let mut latest: Option<i64> = None;
        let rows = read.origins.partition_point(|origin| *origin < first);
        let events = read.origins.iter().enumerate().skip(rows);
        let events = events.flat_map(|(row, origin)| {
            plan.events(&read.batch, row).map(move |event| (event, origin))
        });
        let mut lettered = None;
        for (row, origin) in events {
            inputs.clear();
            let outcome = match reading(plan, &self.options, row, key, &mut inputs) {
                Ok(time) => {
                    let event = Event { time, key, inputs: &inputs };
                    match forward {
                        Some(forward) => forward_event(forward, read, *origin, event),
                        None => add_event(operator.as_mut(), event),
                    }
                }
                Err(outcome) => outcome,
            };
            taken.events += u64::from(!matches!(outcome, Outcome::OutOfRange));
            match outcome {
                Outcome::Taken(time) => {
                    taken.late += u64::from(time < passed);
                    latest = Some(latest.map_or(time, |known| known.max(time)));
                }
                Outcome::OutOfRange => {}
                Outcome::Filtered => taken.filtered += 1,
                Outcome::NullKey => taken.null_keys += 1,
                // Of several elements that cannot be used, the first speaks for the event.
                Outcome::Refused(..) if lettered == Some(origin) => {}
                Outcome::Refused(fault, reason) => {
                    lettered = Some(origin);
                    let why = (fault, reason.as_str());
                    self.letters.push(&read.letter(*origin, why, partitions))?;
                    taken.refuse(fault);
                }
            }
        }
        Ok(latest)
    }

    fn follow(&mut self, read: &Read, latest: Option<i64>, now: i64) {
        self.saw(latest);
        let Some(task) = self.tasks.of(read.raw.partition) else { return };
        if let Some(latest) = latest {
            task.watermark.heard(read.raw.partition, latest, now);
        }
        if let Some(partition) = read.ended {
            task.watermark.ended(partition);
        }
    }

    /// Takes note of the latest event time of some events.
    fn saw(&mut self, latest: Option<i64>) {
        self.report.latest = self.report.latest.max(latest.map(Timestamp::from_micros));
    }

    /// Gives the rows to the sinks; answers whether one of them let the job wait.
    async fn tell(&mut self) -> Result<bool> {
        let mut waited = false;
        if !self.rows.is_empty() {
            self.taken.rows += self.rows.len() as u64;
            for sink in &mut self.sinks {
                let write = async || sink.write(&self.rows).await;
                waited |= until_done(&self.job.name, &self.options, write).await?.1;
            }
        }
        Ok(waited)
    }

    /// Ends: with the end of the events everything that is left is told.
    ///
    /// # Errors
    /// What a sink answers.
    pub(super) async fn finish(
        &mut self,
        is_finished: bool,
        offsets: &[(String, Option<u64>)],
    ) -> Result<JobReport> {
        let keys = self.tasks.keys() as u64;
        self.rows.clear();
        if is_finished {
            for (_, task) in self.tasks.iter_mut() {
                task.operator.advance(i64::MAX, &mut self.rows);
            }
            self.tell().await?;
        }
        for sink in &mut self.sinks {
            let finish = async || sink.finish().await;
            until_done(&self.job.name, &self.options, finish).await?;
        }
        self.forward_rest().await?;
        self.letters.flush()?;
        Ok(JobReport { keys, ..self.report(offsets) })
    }

    /// Ends without a commit.
    pub(super) fn give_up(
        &mut self,
        error: &Error,
        offsets: &[(String, Option<u64>)],
    ) -> JobReport {
        let report = self.report(offsets);
        self.options.observer.gave_up(&self.job.name, report.uncommitted, error);
        report
    }

    fn report(&mut self, offsets: &[(String, Option<u64>)]) -> JobReport {
        self.observe();
        JobReport {
            uncommitted: self.report.events.saturating_sub(self.committed),
            keys: self.tasks.keys() as u64,
            offsets: offsets.to_vec(),
            ..self.report.clone()
        }
    }
}

/// Reads the time, key and inputs of one row.
fn reading<'a>(
    plan: &'a EventPlan,
    options: &RunOptions,
    row: Row<'a>,
    key: &mut Vec<u8>,
    inputs: &mut Vec<Scalar<'a>>,
) -> std::result::Result<i64, Outcome> {
    let failed = |failure: Failure| Outcome::Refused(Fault::FailedExpression, failure.to_string());
    let Scalar::Int(time) = row.batch.get(row.at, plan.timing.time.column) else {
        return Err(Outcome::Refused(Fault::SchemaViolation, "the event time is null".to_owned()));
    };
    let time = plan.timing.micros(time);
    let outside = options.start.is_some_and(|start| time < start.micros())
        || options.end.is_some_and(|end| time >= end.micros());
    if outside {
        return Err(Outcome::OutOfRange);
    }
    if let Some(filter) = &plan.filter
        && filter.value(row).map_err(failed)? != Scalar::Bool(true)
    {
        return Err(Outcome::Filtered);
    }
    key.clear();
    for expression in &plan.key {
        match expression.value(row).map_err(failed)? {
            Scalar::Null => return Err(Outcome::NullKey),
            value => put_scalar(value, key),
        }
    }
    for expression in &plan.inputs {
        inputs.push(expression.value(row).map_err(failed)?);
    }
    Ok(time)
}

fn add_event(operator: &mut dyn Operator, event: Event<'_>) -> Outcome {
    match operator.add(event) {
        Ok(()) => Outcome::Taken(event.time),
        Err(_) => Outcome::Refused(Fault::TooLate, "its results are final".to_owned()),
    }
}
