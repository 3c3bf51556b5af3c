//! The type of an event with marks on the fields that are wanted.

use std::sync::Arc;

use larder_core::{Error, Result};

use super::want;
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
    /// Elements of one type, and the list of the batch that takes them when it is wanted.
    List {
        items: Box<FieldType>,
        wanted: Option<usize>,
    },
}

/// A value's default where an event lacks it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Default {
    /// There is none: the event must have the field.
    Required,
    /// Null, or what an absent record comes to.
    Null,
    /// A list without elements, a map without entries.
    Empty,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(String),
}

impl Default {
    pub(crate) fn scalar(&self) -> Scalar<'_> {
        match self {
            Self::Required | Self::Null | Self::Empty => Scalar::Null,
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
    lists: Vec<ListColumns>,
}

/// A column of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    /// Names from the event, or from the element of a list, to the value.
    pub(crate) path: Vec<String>,
    pub(crate) value_type: ScalarType,
    pub(crate) unit: Option<TimeUnit>,
}

/// A list of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListColumns {
    /// Names from the event to the list.
    pub(crate) path: Vec<String>,
    /// What of its elements is wanted.
    pub(crate) columns: Vec<Column>,
}

impl EventType {
    pub(super) fn new(schema: apache_avro::Schema, fields: Vec<FieldType>) -> Self {
        Self { schema: Arc::new(schema), fields, columns: Vec::new(), lists: Vec::new() }
    }

    /// The columns of a batch, in their order.
    pub(crate) fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The lists of a batch, in their order.
    pub(crate) fn lists(&self) -> &[ListColumns] {
        &self.lists
    }

    /// An empty batch of them.
    pub(crate) fn batch(&self) -> EventBatch {
        let types = |columns: &[Column]| EventBatch::new(columns.iter().map(|one| one.value_type));
        types(&self.columns).with_lists(self.lists.iter().map(|list| types(&list.columns)))
    }

    /// Marks a field as wanted: `context.ip`, or `properties.<key>` of a map.
    ///
    /// # Errors
    /// `Invalid` for a path that the schema does not have or that is no scalar, naming what there is.
    pub(crate) fn want(&mut self, path: &[&str]) -> Result<Slot> {
        want::in_columns(&mut self.fields, path, "the event", &mut self.columns)
    }

    /// Marks a list as wanted; answers which of the batch's lists it is.
    ///
    /// # Errors
    /// `Invalid` for a path that the schema does not have or that is no list.
    pub(crate) fn want_list(&mut self, path: &[&str]) -> Result<usize> {
        let (list, rest) = self.want_list_within(path)?;
        if rest.is_empty() {
            return Ok(list);
        }
        let message = format!("\"{}\" is a field of the elements of a list", path.join("."));
        Err(Error::invalid(message))
    }

    /// Marks the list that a path leads to or through as wanted; answers which it is and the path within an element.
    ///
    /// # Errors
    /// As [`want_list`](Self::want_list).
    pub(crate) fn want_list_within<'p>(
        &mut self,
        path: &'p [&'p str],
    ) -> Result<(usize, &'p [&'p str])> {
        let next = self.lists.len();
        let (_, wanted, rest) = want::list(&mut self.fields, path)?;
        let list = *wanted.get_or_insert(next);
        if list == next {
            let names = &path[..path.len() - rest.len()];
            let path = names.iter().map(|name| (*name).to_owned()).collect();
            self.lists.push(ListColumns { path, columns: Vec::new() });
        }
        Ok((list, rest))
    }

    /// Marks what is at a path within the elements of a list as wanted; no path is the element itself.
    ///
    /// # Errors
    /// As [`want`](Self::want).
    pub(crate) fn want_item(&mut self, list: usize, path: &[&str]) -> Result<Slot> {
        let ListColumns { path: names, columns } = &mut self.lists[list];
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let (items, _, _) = want::list(&mut self.fields, &names)?;
        want::in_item(items, path, &names.join("."), columns)
    }

    /// Whether a field of the event itself has this name.
    pub(crate) fn has_field(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.name == name)
    }
}
