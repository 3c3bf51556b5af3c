//! One job while it runs.

use larder_core::{Result, Timestamp};

use crate::aggregate::bytes::put_scalar;
use crate::batch::EventBatch;
use crate::dead_letter::DeadLetterFile;
use crate::decode::Fault;
use crate::definition::{EventPlan, Job};
use crate::expression::Failure;
use crate::operator::{Event, Operator, OutputRow};
use crate::run::{JobReport, Read, RunOptions};
use crate::scalar::Scalar;
use crate::sink::Sink;
use crate::watermark::Watermark;

/// A job with its watermark, its sinks and its counts.
#[derive(Debug)]
pub(crate) struct RunningJob {
    job: Job,
    sinks: Vec<Box<dyn Sink>>,
    letters: DeadLetterFile,
    options: RunOptions,
    watermark: Watermark,
    report: JobReport,
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
    pub(crate) fn new(
        job: Job,
        sinks: Vec<Box<dyn Sink>>,
        letters: DeadLetterFile,
        options: RunOptions,
        partitions: usize,
        now: i64,
    ) -> Self {
        let watermark =
            Watermark::new(job.plan.timing.delay, job.plan.timing.idle, partitions, now);
        let report = JobReport {
            job: job.name.clone(),
            events: 0,
            filtered: 0,
            null_keys: 0,
            rows: 0,
            dead_letters: 0,
            keys: 0,
            latest: None,
            offsets: Vec::new(),
        };
        Self { job, sinks, letters, options, watermark, report, rows: Vec::new(), key: Vec::new() }
    }

    /// Takes what was read and tells what became due.
    ///
    /// # Errors
    /// What a sink answers.
    pub(crate) async fn take(
        &mut self,
        read: &Read,
        partitions: &[String],
        now: i64,
    ) -> Result<()> {
        for refused in &read.refused {
            let why = (refused.fault, refused.reason.as_str());
            self.letters.push(&read.letter(refused.index, why, partitions))?;
        }
        let latest = self.add(read, partitions)?;
        self.follow(read, latest, now);
        if self.options.hold_watermark {
            return Ok(());
        }
        let watermark = self.watermark.advance(now);
        self.tell(watermark).await
    }

    /// Gives every row to the operator; answers the latest event time.
    fn add(&mut self, read: &Read, partitions: &[String]) -> Result<Option<i64>> {
        let Self { job: Job { plan, operator, .. }, report, key, .. } = self;
        let mut inputs = Vec::with_capacity(plan.inputs.len());
        let mut latest: Option<i64> = None;
        for (row, origin) in read.origins.iter().enumerate() {
            inputs.clear();
            let outcome = match reading(plan, self.options, &read.batch, row, key, &mut inputs) {
                Ok(time) => add_event(operator.as_mut(), Event { time, key, inputs: &inputs }),
                Err(outcome) => outcome,
            };
            report.events += u64::from(!matches!(outcome, Outcome::OutOfRange));
            match outcome {
                Outcome::Taken(time) => {
                    latest = Some(latest.map_or(time, |known| known.max(time)));
                }
                Outcome::OutOfRange => {}
                Outcome::Filtered => report.filtered += 1,
                Outcome::NullKey => report.null_keys += 1,
                Outcome::Refused(fault, reason) => {
                    let why = (fault, reason.as_str());
                    self.letters.push(&read.letter(*origin, why, partitions))?;
                }
            }
        }
        Ok(latest)
    }

    fn follow(&mut self, read: &Read, latest: Option<i64>, now: i64) {
        if let Some(latest) = latest {
            self.watermark.heard(read.raw.partition, latest, now);
            let seen = self.report.latest.map_or(latest, |known| known.micros().max(latest));
            self.report.latest = Some(Timestamp::from_micros(seen));
        }
        if let Some(partition) = read.ended {
            self.watermark.ended(partition);
        }
    }

    async fn tell(&mut self, watermark: i64) -> Result<()> {
        self.rows.clear();
        self.job.operator.advance(watermark, &mut self.rows);
        if self.rows.is_empty() {
            return Ok(());
        }
        self.report.rows += self.rows.len() as u64;
        for sink in &mut self.sinks {
            sink.write(&self.rows).await?;
        }
        Ok(())
    }

    /// Tells everything that is left: no more events will come.
    ///
    /// # Errors
    /// What a sink answers.
    pub(crate) async fn finish(mut self, offsets: Vec<(String, Option<u64>)>) -> Result<JobReport> {
        self.report.keys = self.job.operator.keys() as u64;
        self.tell(i64::MAX).await?;
        for sink in &mut self.sinks {
            sink.finish().await?;
        }
        self.letters.finish()?;
        let dead_letters = self.letters.count();
        Ok(JobReport { dead_letters, offsets, ..self.report })
    }
}

/// Reads the time, key and inputs of one row.
fn reading<'a>(
    plan: &'a EventPlan,
    options: RunOptions,
    batch: &'a EventBatch,
    row: usize,
    key: &mut Vec<u8>,
    inputs: &mut Vec<Scalar<'a>>,
) -> std::result::Result<i64, Outcome> {
    let failed = |failure: Failure| Outcome::Refused(Fault::FailedExpression, failure.to_string());
    let Scalar::Int(time) = batch.get(row, plan.timing.time.column) else {
        return Err(Outcome::Refused(Fault::SchemaViolation, "the event time is null".to_owned()));
    };
    let time = plan.timing.micros(time);
    let outside = options.start.is_some_and(|start| time < start.micros())
        || options.end.is_some_and(|end| time >= end.micros());
    if outside {
        return Err(Outcome::OutOfRange);
    }
    if let Some(filter) = &plan.filter
        && filter.value(batch, row).map_err(failed)? != Scalar::Bool(true)
    {
        return Err(Outcome::Filtered);
    }
    key.clear();
    for expression in &plan.key {
        match expression.value(batch, row).map_err(failed)? {
            Scalar::Null => return Err(Outcome::NullKey),
            value => put_scalar(value, key),
        }
    }
    for expression in &plan.inputs {
        inputs.push(expression.value(batch, row).map_err(failed)?);
    }
    Ok(time)
}

fn add_event(operator: &mut dyn Operator, event: Event<'_>) -> Outcome {
    match operator.add(event) {
        Ok(()) => Outcome::Taken(event.time),
        Err(_) => Outcome::Refused(Fault::TooLate, "its results are final".to_owned()),
    }
}
