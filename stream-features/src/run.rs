//! Runs jobs that share a source: one decoding for all of them.

use std::sync::Arc;

use larder_core::{Clock, Error, Result, Timestamp};

use crate::batch::EventBatch;
use crate::dead_letter::{DeadLetter, DeadLetterFile};
use crate::decode::{Decoder, EventFormat, Fault, Refused, WriterSchemas};
use crate::definition::JobDefinition;
use crate::job_run::RunningJob;
use crate::schema::EventType;
use crate::sink::Sink;
use crate::source::{EventSource, ParquetEvents, Polled, RawEvents};

/// Events that are polled for at once.
const POLL_EVENTS: usize = 4_096;

/// Events to run jobs over.
#[derive(Debug)]
pub enum Input {
    /// Encoded events, with the schemas of their writers.
    Source(Box<dyn EventSource>, Arc<dyn WriterSchemas>),
    /// Columns.
    Parquet(ParquetEvents),
}

/// A job to run.
#[derive(Debug)]
pub struct JobRun {
    /// What it does.
    pub definition: JobDefinition,
    /// Where its rows go.
    pub sinks: Vec<Box<dyn Sink>>,
    /// Where events go that it cannot use.
    pub dead_letters: DeadLetterFile,
}

/// How jobs run.
#[derive(Debug, Clone, Copy, Default)]
pub struct RunOptions {
    /// Only events from this time on.
    pub start: Option<Timestamp>,
    /// Only events before this time.
    pub end: Option<Timestamp>,
    /// Whether nothing is told before the last event was seen, so that no event is too late whatever the order: for a
    /// backfill. State then covers the whole time.
    pub hold_watermark: bool,
}

/// What became of the events of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobReport {
    /// The job.
    pub job: String,
    /// Events that were decoded and in the range.
    pub events: u64,
    /// Events that the filter left out.
    pub filtered: u64,
    /// Events with a null in the key, which are nobody's.
    pub null_keys: u64,
    /// Rows that were told, later versions included.
    pub rows: u64,
    /// Events that could not be used.
    pub dead_letters: u64,
    /// Keys that state was kept of when the events ended.
    pub keys: u64,
    /// Event time of the latest event.
    pub latest: Option<Timestamp>,
    /// Partitions with the offset of the last event of each that was read.
    pub offsets: Vec<(String, Option<u64>)>,
}

/// Runs jobs that [share a source](JobDefinition::shares_source) over all of its events.
///
/// # Errors
/// What the source, a schema registry or a sink answers. Rows that were written before stay; running again is safe.
pub async fn run_jobs(
    jobs: Vec<JobRun>,
    input: Input,
    options: RunOptions,
    clock: &dyn Clock,
) -> Result<Vec<JobReport>> {
    let Some(first) = jobs.first() else { return Ok(Vec::new()) };
    if let Some(stranger) = jobs.iter().find(|job| !job.definition.shares_source(&first.definition))
    {
        let name = stranger.definition.name();
        return Err(Error::internal(format!("job \"{name}\" does not share the source")));
    }
    let mut event = first.definition.event().clone();
    let format = first.definition.format();
    let mut compiled = Vec::new();
    for job in jobs {
        compiled.push((job.definition.compile(&mut event)?, job.sinks, job.dead_letters));
    }
    let mut reader = Reader::new(input, event, format);
    let now = clock.now().micros();
    let mut running: Vec<RunningJob> = compiled
        .into_iter()
        .map(|(job, sinks, letters)| {
            RunningJob::new(job, sinks, letters, options, reader.partitions().len(), now)
        })
        .collect();
    while reader.next().await? {
        for job in &mut running {
            job.take(&reader.read, reader.partitions(), clock.now().micros()).await?;
        }
    }
    let offsets = reader.offsets();
    let mut reports = Vec::new();
    for job in running {
        reports.push(job.finish(offsets.clone()).await?);
    }
    Ok(reports)
}

/// Events that were read: rows of a batch, raw events, and those of them that were refused.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) batch: EventBatch,
    /// Which raw event each row is.
    pub(crate) origins: Vec<usize>,
    pub(crate) raw: RawEvents,
    pub(crate) refused: Vec<Refused>,
    /// The partition that has ended.
    pub(crate) ended: Option<usize>,
}

impl Read {
    /// The letter for a raw event.
    pub(crate) fn letter(
        &self,
        index: usize,
        (fault, reason): (Fault, &str),
        partitions: &[String],
    ) -> DeadLetter {
        DeadLetter {
            fault: fault.as_str().to_owned(),
            reason: reason.to_owned(),
            partition: partitions[self.raw.partition].clone(),
            offset: self.raw.offset(index),
            payload: self.raw.event(index).to_vec(),
        }
    }
}

/// Reads and decodes.
struct Reader {
    input: DecodedInput,
    read: Read,
    last: Vec<Option<u64>>,
}

enum DecodedInput {
    Source(Box<dyn EventSource>, Decoder),
    Parquet(ParquetEvents, EventType),
}

impl Reader {
    fn new(input: Input, event: EventType, format: EventFormat) -> Self {
        let read = Read {
            batch: event.batch(),
            origins: Vec::new(),
            raw: RawEvents::default(),
            refused: Vec::new(),
            ended: None,
        };
        let input = match input {
            Input::Source(source, schemas) => {
                DecodedInput::Source(source, Decoder::new(event, format, schemas))
            }
            Input::Parquet(events) => DecodedInput::Parquet(events, event),
        };
        let mut reader = Self { input, read, last: Vec::new() };
        reader.last = vec![None; reader.partitions().len()];
        reader
    }

    fn partitions(&self) -> &[String] {
        match &self.input {
            DecodedInput::Source(source, _) => source.partitions(),
            DecodedInput::Parquet(events, _) => events.partitions(),
        }
    }

    fn offsets(&self) -> Vec<(String, Option<u64>)> {
        self.partitions().iter().cloned().zip(self.last.iter().copied()).collect()
    }

    /// Reads on; false at the end.
    async fn next(&mut self) -> Result<bool> {
        let read = &mut self.read;
        read.batch.clear();
        read.origins.clear();
        read.raw.clear();
        read.refused.clear();
        read.ended = None;
        match &mut self.input {
            DecodedInput::Source(source, decoder) => {
                match source.poll(POLL_EVENTS, &mut read.raw).await? {
                    Polled::Finished => return Ok(false),
                    Polled::Ended(partition) => read.ended = Some(partition),
                    Polled::Nothing => {}
                    Polled::Events => decoder.decode(
                        &read.raw,
                        &mut read.batch,
                        &mut read.origins,
                        &mut read.refused,
                    )?,
                }
            }
            DecodedInput::Parquet(events, event) => {
                let Some(found) = events.next(event, &mut read.batch)? else { return Ok(false) };
                read.raw.partition = found.partition;
                (0..found.rows as u64).for_each(|row| read.raw.push(&[], found.first + row));
                read.origins.extend(0..found.rows);
            }
        }
        if let Some(last) = read.raw.len().checked_sub(1) {
            self.last[read.raw.partition] = Some(read.raw.offset(last));
        }
        Ok(true)
    }
}
