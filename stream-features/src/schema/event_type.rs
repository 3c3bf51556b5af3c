//! The type of an event with marks on the fields that are wanted.

use std::sync::Arc;

use larder_core::{Error, Result};

use crate::batch::EventBatch;
use crate::scalar::{Scalar, ScalarType};

/// What one unit of a number that stands for an instant is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimeUnit {
    Millis,
    Micros,
    Nanos,
}

impl TimeUnit {
    /// UTC microseconds of an instant in this unit, rounded down; saturating.
    pub(crate) fn micros(self, instant: i64) -> i64 {
        match self {
            Self::Millis => instant.saturating_mul(1_000),
            Self::Micros => instant,
            Self::Nanos => instant.div_euclid(1_000),
        }
    }
}

/// What a field holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    /// A scalar; instants are whole numbers with a unit.
    Scalar(ScalarType, Option<TimeUnit>),
    /// One of these texts.
    Symbols(Vec<String>),
    Record(Vec<FieldType>),
    /// Texts to values of one type, with the keys that are wanted and their columns.
    Map {
        values: Box<FieldType>,
        wanted: Vec<(String, usize)>,
    },
    List(Box<FieldType>),
}

/// A value's default where an event lacks it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Default {
    /// There is none: the event must have the field.
    Required,
    /// Null, or what an absent record or list comes to.
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(String),
}

impl Default {
    pub(crate) fn scalar(&self) -> Scalar<'_> {
        match self {
            Self::Required | Self::Null => Scalar::Null,
            Self::Bool(truth) => Scalar::Bool(*truth),
            Self::Int(number) => Scalar::Int(*number),
            Self::Double(number) => Scalar::Double(*number),
            Self::Text(text) => Scalar::Text(text),
        }
    }
}

/// A field of an event, of a record in it, or the values of a map or list.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FieldType {
    pub(crate) name: String,
    /// Path from the event, for messages.
    pub(crate) path: String,
    pub(crate) kind: Kind,
    pub(crate) nullable: bool,
    pub(crate) default: Default,
    /// The column that takes it, when it is a scalar that is wanted.
    pub(crate) column: Option<usize>,
}

/// A field that is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) column: usize,
    pub(crate) value_type: ScalarType,
    pub(crate) unit: Option<TimeUnit>,
}

/// The type of an event: the schema, and which of its fields go into which column of a batch.
#[derive(Debug, Clone)]
pub(crate) struct EventType {
    pub(crate) schema: Arc<apache_avro::Schema>,
    pub(crate) fields: Vec<FieldType>,
    columns: Vec<Column>,
}

/// A column of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    /// Names from the event to the value.
    pub(crate) path: Vec<String>,
    pub(crate) value_type: ScalarType,
    pub(crate) unit: Option<TimeUnit>,
}

impl EventType {
    pub(super) fn new(schema: apache_avro::Schema, fields: Vec<FieldType>) -> Self {
        Self { schema: Arc::new(schema), fields, columns: Vec::new() }
    }

    /// The columns of a batch, in their order.
    pub(crate) fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// An empty batch of them.
    pub(crate) fn batch(&self) -> EventBatch {
        EventBatch::new(self.columns.iter().map(|column| column.value_type))
    }

    /// Marks a field as wanted: `context.ip`, or `properties.<key>` of a map.
    ///
    /// # Errors
    /// `Invalid` for a path that the schema does not have or that is no scalar, naming what there is.
    pub(crate) fn want(&mut self, path: &[&str]) -> Result<Slot> {
        let wanted = want(&mut self.fields, path, self.columns.len())?;
        if wanted.column == self.columns.len() {
            let path = path.iter().map(|name| (*name).to_owned()).collect();
            self.columns.push(Column { path, value_type: wanted.value_type, unit: wanted.unit });
        }
        Ok(wanted)
    }
}

fn want(fields: &mut [FieldType], path: &[&str], next: usize) -> Result<Slot> {
    let full = path.join(".");
    let Some((name, rest)) = path.split_first() else {
        return Err(Error::invalid("a field without a name"));
    };
    let known = || fields.iter().map(|field| field.name.as_str()).collect::<Vec<_>>().join(", ");
    let Some(at) = fields.iter().position(|field| field.name == *name) else {
        return Err(Error::invalid(format!("the event has no field \"{full}\""))
            .with_hint(format!("fields here: {}", known())));
    };
    let field = &mut fields[at];
    match (&mut field.kind, rest) {
        (Kind::Scalar(value_type, unit), []) => {
            let column = *field.column.get_or_insert(next);
            Ok(Slot { column, value_type: *value_type, unit: *unit })
        }
        (Kind::Symbols(_), []) => {
            let column = *field.column.get_or_insert(next);
            Ok(Slot { column, value_type: ScalarType::Text, unit: None })
        }
        (Kind::Record(fields), [_, ..]) => want(fields, rest, next),
        (Kind::Map { values, wanted }, [key]) => {
            let Kind::Scalar(value_type, unit) = values.kind else {
                return Err(Error::invalid(format!("the values of \"{name}\" are no scalars")));
            };
            let known = wanted.iter().find(|(known, _)| known == key).map(|(_, column)| *column);
            let column = known.unwrap_or(next);
            if known.is_none() {
                wanted.push(((*key).to_owned(), next));
            }
            Ok(Slot { column, value_type, unit })
        }
        (Kind::Record(fields), []) => {
            let inner = fields.iter().map(|field| format!("{full}.{}", field.name));
            Err(Error::invalid(format!("\"{full}\" is a record"))
                .with_hint(format!("name one of {}", inner.collect::<Vec<_>>().join(", "))))
        }
        (Kind::Map { .. }, []) => Err(Error::invalid(format!("\"{full}\" is a map"))
            .with_hint(format!("name one of its keys: {full}.<key>"))),
        (Kind::List(_), _) => {
            Err(Error::unsupported(format!("\"{name}\" is a list, which cannot be used yet")))
        }
        _ => Err(Error::invalid(format!("\"{name}\" has no fields: \"{full}\" does not exist"))),
    }
}
