//! Reads and decodes.

use larder_core::Result;

use super::Input;
use crate::batch::EventBatch;
use crate::dead_letter::DeadLetter;
use crate::decode::{Decoder, EventFormat, Fault, Refused};
use crate::schema::EventType;
use crate::source::{EventSource, ParquetEvents, Polled, RawEvents, Readers};

/// Events that are polled for at once.
const POLL_EVENTS: usize = 4_096;

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
            payload: self.raw.whole_event(index),
        }
    }
}

/// What the reader came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    Assigned(Readers, Vec<usize>),
    Revoked(Readers, Vec<usize>),
    /// Events, or the end of a partition, or nothing.
    Read,
    Finished,
}

/// Reads and decodes, once for all jobs.
pub(super) struct Reader {
    input: DecodedInput,
    pub(super) read: Read,
    last: Vec<Option<u64>>,
}

enum DecodedInput {
    /// Without a decoder, jobs read the bytes themselves.
    Source(Box<dyn EventSource>, Option<Decoder>),
    Parquet {
        events: ParquetEvents,
        event: EventType,
        is_assigned: bool,
    },
}

impl Reader {
    pub(super) fn new(input: Input, event: EventType, format: EventFormat) -> Self {
        let read = Read {
            batch: event.batch(),
            origins: Vec::new(),
            raw: RawEvents::default(),
            refused: Vec::new(),
            ended: None,
        };
        let input = match input {
            Input::Source(source, schemas) => {
                DecodedInput::Source(source, Some(Decoder::new(event, format, schemas)))
            }
            Input::Blocks(source) => DecodedInput::Source(source, None),
            Input::Parquet(events) => DecodedInput::Parquet { events, event, is_assigned: false },
        };
        let mut reader = Self { input, read, last: Vec::new() };
        reader.last = vec![None; reader.partitions().len()];
        reader
    }

    pub(super) fn partitions(&self) -> &[String] {
        match &self.input {
            DecodedInput::Source(source, _) => source.partitions(),
            DecodedInput::Parquet { events, .. } => events.partitions(),
        }
    }

    /// The offset of the last event of each partition that was read.
    pub(super) fn offsets(&self) -> Vec<(String, Option<u64>)> {
        self.partitions().iter().cloned().zip(self.last.iter().copied()).collect()
    }

    pub(super) async fn start(&mut self, partition: usize, next: Option<u64>) -> Result<()> {
        match &mut self.input {
            DecodedInput::Source(source, _) => source.start(partition, next).await,
            DecodedInput::Parquet { events, .. } => {
                events.start(partition, next);
                Ok(())
            }
        }
    }

    /// Where a group begins in a partition of which it knows nothing.
    pub(super) async fn beginning(&mut self, partition: usize) -> Result<Option<u64>> {
        match &mut self.input {
            DecodedInput::Source(source, _) => source.beginning(partition).await,
            DecodedInput::Parquet { .. } => Ok(None),
        }
    }

    pub(super) async fn release(&mut self, readers: Readers, partitions: &[usize]) -> Result<()> {
        match &mut self.input {
            DecodedInput::Source(source, _) => source.release(readers, partitions).await,
            DecodedInput::Parquet { .. } => Ok(()),
        }
    }

    /// Reads on.
    pub(super) async fn next(&mut self) -> Result<Step> {
        let read = &mut self.read;
        read.batch.clear();
        read.origins.clear();
        read.raw.clear();
        read.refused.clear();
        read.ended = None;
        match &mut self.input {
            DecodedInput::Source(source, decoder) => {
                match source.poll(POLL_EVENTS, &mut read.raw).await? {
                    Polled::Finished => return Ok(Step::Finished),
                    Polled::Assigned(readers, partitions) => {
                        return Ok(Step::Assigned(readers, partitions));
                    }
                    Polled::Revoked(readers, partitions) => {
                        return Ok(Step::Revoked(readers, partitions));
                    }
                    Polled::Ended(partition) => read.ended = Some(partition),
                    Polled::Nothing => {}
                    Polled::Events => {
                        if let Some(decoder) = decoder {
                            decoder.decode(
                                &read.raw,
                                &mut read.batch,
                                &mut read.origins,
                                &mut read.refused,
                            )?;
                        }
                    }
                }
            }
            DecodedInput::Parquet { events, is_assigned, .. } if !*is_assigned => {
                *is_assigned = true;
                let all = (0..events.partitions().len()).collect();
                return Ok(Step::Assigned(Readers::All, all));
            }
            DecodedInput::Parquet { events, event, .. } => {
                let Some(found) = events.next(event, &mut read.batch)? else {
                    return Ok(Step::Finished);
                };
                read.raw.partition = found.partition;
                (0..found.rows as u64).for_each(|row| read.raw.push(&[], found.first + row));
                read.raw.next_offset = found.first + found.rows as u64;
                read.origins.extend(0..found.rows);
            }
        }
        if let Some(last) = read.raw.len().checked_sub(1) {
            self.last[read.raw.partition] = Some(read.raw.offset(last));
        }
        Ok(Step::Read)
    }
}
