//! Avro in Confluent's framing, resolved from the schema of the writer to that of the repository.
//!
//! What a writer's schema comes to in the columns is worked out once, as a [`plan`], and every event is read by it without
//! a value in between. Writers whose resolution depends on the value (a union of several types, a number that may be too
//! wide) are read by the Avro library, value by value.

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
use crate::scalar::{Scalar, ScalarType};
use crate::schema::{EventType, FieldType, Kind};
use plan::Plan;

/// Bytes before the value: a zero and the id.
const HEADER: usize = 5;

/// Largest text, bytes, list or map that an event may announce.
const MAX_ALLOCATION: usize = 16 << 20;

/// Decodes framed Avro values. Schemas of writers are asked for once and kept.
#[derive(Debug)]
pub(crate) struct AvroDecoder {
    event: EventType,
    schemas: Arc<dyn WriterSchemas>,
    known: HashMap<u32, Result<Writer, Refusal>>,
}

/// Who writes events.
#[derive(Debug)]
struct Writer {
    schema: Schema,
    /// How its values are read, unless that depends on the value.
    plan: Option<Plan>,
}

impl AvroDecoder {
    pub(super) fn new(event: EventType, schemas: Arc<dyn WriterSchemas>) -> Self {
        // Once per process; whoever was first has set the same.
        apache_avro::util::max_allocation_bytes(MAX_ALLOCATION);
        Self { event, schemas, known: HashMap::new() }
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
            Ok(Writer { plan: Some(plan), .. }) => plan.read(value, batch),
            Ok(writer) => generic(&writer.schema, &self.event, value, batch),
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
        let writer = |schema| Writer { plan: Plan::new(&schema, &self.event), schema };
        Ok(Ok(Schema::parse_str(&text).map(writer).map_err(|error| {
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
