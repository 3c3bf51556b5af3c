//! From the bytes of events to columns.

mod avro;
mod json;
mod writer_schemas;

use std::sync::Arc;

use larder_core::Result;

use crate::batch::EventBatch;
use crate::container::MAGIC;
use crate::schema::EventType;
use crate::source::RawEvents;
use avro::AvroDecoder;
pub(crate) use avro::Bytes as AvroBytes;
pub use writer_schemas::{SchemaDirectory, WriterSchemas};

/// How events are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventFormat {
    /// A JSON object per event.
    Json,
    /// Confluent's framing: a zero byte, the id of the writer's schema in four bytes (big-endian), the Avro value.
    Avro,
}

/// Why an event cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Its bytes are no value of the format.
    Undecodable,
    /// It is a value, but not of the schema.
    SchemaViolation,
    /// A filter or derived column has no value for it.
    FailedExpression,
    /// It came after its results were final.
    TooLate,
}

impl Fault {
    /// Every one, in the order of their numbers.
    pub const ALL: [Self; 4] =
        [Self::Undecodable, Self::SchemaViolation, Self::FailedExpression, Self::TooLate];

    /// Its name in dead letters.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Undecodable => "undecodable",
            Self::SchemaViolation => "schema_violation",
            Self::FailedExpression => "failed_expression",
            Self::TooLate => "too_late",
        }
    }
}

/// An event that was refused, by its place among the raw events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) index: usize,
    pub(crate) fault: Fault,
    pub(crate) reason: String,
}

/// Why one event was refused.
pub(crate) type Refusal = (Fault, String);

/// Decodes events of one type.
#[derive(Debug)]
pub(crate) struct Decoder {
    format: EventFormat,
    /// Also for the events of a job whose format is another: files may be Avro containers.
    avro: AvroDecoder,
}

impl Decoder {
    pub(crate) fn new(
        event: EventType,
        format: EventFormat,
        schemas: Arc<dyn WriterSchemas>,
    ) -> Self {
        Self { format, avro: AvroDecoder::new(event, schemas) }
    }

    /// Appends the events to the batch; `origins` says which raw event each row is. What cannot be decoded goes to
    /// `refused` and leaves no row.
    ///
    /// # Errors
    /// `Unavailable` when a writer's schema cannot be asked for now.
    pub(crate) fn decode(
        &mut self,
        raw: &RawEvents,
        batch: &mut EventBatch,
        origins: &mut Vec<usize>,
        refused: &mut Vec<Refused>,
    ) -> Result<()> {
        let writer = raw.container().map(|header| self.avro.writer(&header.schema));
        for (index, bytes) in raw.iter().enumerate() {
            batch.begin_row();
            let decoded = match (&writer, self.format) {
                (Some(writer), _) => self.avro.decode_written(writer, bytes, batch),
                (None, _) if bytes.starts_with(&MAGIC) => self.avro.decode_container(bytes, batch),
                (None, EventFormat::Json) => json::decode(bytes, self.avro.event(), batch),
                (None, EventFormat::Avro) => self.avro.decode(bytes, batch)?,
            };
            match decoded {
                Ok(()) => origins.push(index),
                Err((fault, reason)) => {
                    batch.abort_row();
                    refused.push(Refused { index, fault, reason });
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
