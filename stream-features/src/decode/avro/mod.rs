//! Avro in Confluent's framing, resolved from the schema of the writer to that of the repository.
//!
//! What a writer's schema comes to in the columns is worked out once, as a [`plan`], and every event is read by it without
//! a value in between. Writers whose resolution depends on the value (a union of several types, a number that may be too
//! wide) are read by the Avro library, value by value.

mod bytes;
mod plan;
mod read;

use std::collections::HashMap;
use std::sync::Arc;

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value;
use larder_core::{ErrorKind, Result};

use super::json::absent;
use super::{Fault, Refusal, WriterSchemas};
use crate::batch::EventBatch;
use crate::container;
use crate::scalar::{Scalar, ScalarType};
use crate::schema::{EventType, FieldType, Kind};
pub(crate) use bytes::Bytes;
use plan::Plan;

/// Bytes before the value: a zero and the id.
const HEADER: usize = 5;

/// Most schemas of files that are kept.
const MAX_FILE_SCHEMAS: usize = 256;

/// Decodes framed Avro values, and those of container files. Schemas of writers are asked for once and kept.
#[derive(Debug)]
pub(crate) struct AvroDecoder {
    event: EventType,
    schemas: Arc<dyn WriterSchemas>,
    known: HashMap<u32, Result<Writer, Refusal>>,
    /// By the text of the schema.
    of_files: HashMap<String, Arc<Result<Writer, Refusal>>>,
}

/// Who writes events.
#[derive(Debug)]
pub(super) struct Writer {
    schema: Schema,
    /// How its values are read, unless that depends on the value.
    plan: Option<Plan>,
}

impl Writer {
    fn new(schema: &str, event: &EventType) -> Result<Self, apache_avro::Error> {
        let schema = Schema::parse_str(schema)?;
        Ok(Self { plan: Plan::new(&schema, event), schema })
    }

    /// Sets the columns of the batch's last row.
    fn read(&self, event: &EventType, value: &[u8], batch: &mut EventBatch) -> Result<(), Refusal> {
        match &self.plan {
            Some(plan) => plan.read(value, batch),
            None => generic(&self.schema, event, value, batch),
        }
    }
}

impl AvroDecoder {
    pub(super) fn new(event: EventType, schemas: Arc<dyn WriterSchemas>) -> Self {
        container::limit_allocations();
        Self { event, schemas, known: HashMap::new(), of_files: HashMap::new() }
    }

    pub(super) fn event(&self) -> &EventType {
        &self.event
    }

    /// Who wrote a container with this schema in its header.
    pub(super) fn writer(&mut self, schema: &str) -> Arc<Result<Writer, Refusal>> {
        if let Some(known) = self.of_files.get(schema) {
            return Arc::clone(known);
        }
        let writer = Writer::new(schema, &self.event).map_err(|error| {
            (Fault::Undecodable, format!("the schema of the container is not valid: {error}"))
        });
        if self.of_files.len() == MAX_FILE_SCHEMAS {
            self.of_files.clear();
        }
        let writer = Arc::new(writer);
        self.of_files.insert(schema.to_owned(), Arc::clone(&writer));
        writer
    }

    /// As [`decode`](Self::decode), for an event of a container.
    pub(super) fn decode_written(
        &self,
        writer: &Result<Writer, Refusal>,
        value: &[u8],
        batch: &mut EventBatch,
    ) -> Result<(), Refusal> {
        writer.as_ref().map_err(Clone::clone)?.read(&self.event, value, batch)
    }

    /// As [`decode`](Self::decode), for a container that is an event.
    pub(super) fn decode_container(
        &mut self,
        bytes: &[u8],
        batch: &mut EventBatch,
    ) -> Result<(), Refusal> {
        let (schema, value) = container::only_event(bytes)
            .map_err(|error| (Fault::Undecodable, error.to_string()))?;
        let writer = self.writer(&schema);
        self.decode_written(&writer, &value, batch)
    }

    /// Sets the columns of the batch's last row.
    ///
    /// # Errors
    /// `Unavailable` when the registry does not answer.
    pub(super) fn decode(
        &mut self,
        bytes: &[u8],
        batch: &mut EventBatch,
    ) -> Result<Result<(), Refusal>> {
        let (id, value) = match unframe(bytes) {
            Ok(parts) => parts,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if !self.known.contains_key(&id) {
            match self.ask(id)? {
                Ok(writer) => self.known.insert(id, writer),
                Err(refusal) => return Ok(Err(refusal)),
            };
        }
        Ok(match &self.known[&id] {
            Ok(writer) => writer.read(&self.event, value, batch),
            Err(refusal) => Err(refusal.clone()),
        })
    }

    /// The writer of an id. One whose schema is not there is asked for again with the next event: it may come.
    fn ask(&self, id: u32) -> Result<Result<Result<Writer, Refusal>, Refusal>> {
        let text = match self.schemas.schema(id) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(Err((Fault::Undecodable, error.to_string())));
            }
            Err(error) => return Err(error),
        };
        Ok(Ok(Writer::new(&text, &self.event).map_err(|error| {
            (Fault::Undecodable, format!("schema {id} of the registry is not valid: {error}"))
        })))
    }
}

fn unframe(bytes: &[u8]) -> Result<(u32, &[u8]), Refusal> {
    let refused = |reason: &str| Err((Fault::Undecodable, reason.to_owned()));
    match bytes {
        [0, a, b, c, d, value @ ..] => Ok((u32::from_be_bytes([*a, *b, *c, *d]), value)),
        [0, ..] => {
            refused(&format!("{} bytes are shorter than the frame of {HEADER}", bytes.len()))
        }
        [] => refused("the event is empty"),
        [magic, ..] => refused(&format!("the first byte is {magic}, not the magic byte 0")),
    }
}

/// Reads a value as its writer wrote it, then as the repository's schema wants it, whatever both are.
fn generic(
    writer: &Schema,
    event: &EventType,
    mut bytes: &[u8],
    batch: &mut EventBatch,
) -> Result<(), Refusal> {
    let undecodable = |error: apache_avro::Error| (Fault::Undecodable, error.to_string());
    let reader = GenericDatumReader::builder(writer).build().map_err(undecodable)?;
    let value = reader.read_value(&mut bytes).map_err(undecodable)?;
    if !bytes.is_empty() {
        return Err((Fault::Undecodable, format!("{} bytes follow the value", bytes.len())));
    }
    let value = value
        .resolve(&event.schema)
        .map_err(|error| (Fault::SchemaViolation, error.to_string()))?;
    fill(&event.fields, &value, batch)
}

fn fill(fields: &[FieldType], value: &Value, batch: &mut EventBatch) -> Result<(), Refusal> {
    let Value::Record(values) = value else {
        return Err((Fault::SchemaViolation, "the value is no record".to_owned()));
    };
    for field in fields {
        match values.iter().find(|(name, _)| *name == field.name) {
            Some((_, value)) => fill_field(field, field.column, value, batch)?,
            None => absent(field, batch).map_err(|reason| (Fault::SchemaViolation, reason))?,
        }
    }
    Ok(())
}

fn fill_field(
    field: &FieldType,
    column: Option<usize>,
    value: &Value,
    batch: &mut EventBatch,
) -> Result<(), Refusal> {
    match (&field.kind, value) {
        (_, Value::Union(_, inner)) => fill_field(field, column, inner, batch),
        (_, Value::Null) if field.nullable => Ok(()),
        (Kind::Record(fields), value @ Value::Record(_)) => fill(fields, value, batch),
        (Kind::Map { values, wanted }, Value::Map(map)) => {
            for (key, column) in wanted {
                if let Some(value) = map.get(key) {
                    fill_field(values, Some(*column), value, batch)?;
                }
            }
            Ok(())
        }
        (Kind::List { wanted: None, .. }, Value::Array(_)) => Ok(()),
        (Kind::List { items, wanted: Some(list) }, Value::Array(values)) => {
            let elements = batch.begin_list(*list);
            for value in values {
                elements.begin_row();
                fill_field(items, items.column, value, elements)?;
            }
            batch.end_list(*list);
            Ok(())
        }
        (kind, value) => {
            let Some(scalar) = scalar(kind, value) else {
                let reason = format!("field {}: {value:?} is not of its type", field.path);
                return Err((Fault::SchemaViolation, reason));
            };
            if let Some(column) = column {
                batch.set(column, scalar);
            }
            Ok(())
        }
    }
}

fn scalar<'v>(kind: &Kind, value: &'v Value) -> Option<Scalar<'v>> {
    let value = match value {
        Value::Boolean(truth) => Scalar::Bool(*truth),
        Value::Int(number) | Value::Date(number) | Value::TimeMillis(number) => {
            Scalar::Int(i64::from(*number))
        }
        Value::Long(number)
        | Value::TimeMicros(number)
        | Value::TimestampMillis(number)
        | Value::TimestampMicros(number)
        | Value::TimestampNanos(number) => Scalar::Int(*number),
        Value::Float(number) => Scalar::Double(f64::from(*number)),
        Value::Double(number) => Scalar::Double(*number),
        Value::String(text) | Value::Enum(_, text) => Scalar::Text(text),
        _ => return None,
    };
    let fits = match kind {
        Kind::Scalar(ScalarType::Bool, _) => matches!(value, Scalar::Bool(_)),
        Kind::Scalar(ScalarType::Int, _) => matches!(value, Scalar::Int(_)),
        Kind::Scalar(ScalarType::Double, _) => matches!(value, Scalar::Double(_)),
        Kind::Scalar(ScalarType::Text, _) | Kind::Symbols(_) => matches!(value, Scalar::Text(_)),
        Kind::Record(_) | Kind::Map { .. } | Kind::List { .. } => false,
    };
    fits.then_some(value)
}

#[cfg(test)]
mod tests;
