//! How a writer's values become columns, worked out from both schemas.

use std::collections::HashMap;

use apache_avro::Schema;
use apache_avro::schema::{Name, RecordSchema};

use crate::schema::{EventType, FieldDefault, FieldType, Kind};

/// How deep types may nest before the library has to read them.
const MAX_DEPTH: usize = 32;

/// How one value is read.
#[derive(Debug)]
pub(super) enum Node {
    Bool(Option<usize>),
    /// `int`, `long` and what is written as one of them.
    Int {
        column: Option<usize>,
        is_wide: bool,
    },
    /// A whole number that the reader has as a double.
    IntAsDouble {
        column: Option<usize>,
        is_wide: bool,
    },
    Float(Option<usize>),
    Double(Option<usize>),
    Text(Option<usize>),
    /// Bytes that nobody wants.
    Bytes,
    Fixed(usize),
    Symbol {
        column: Option<usize>,
        symbols: Vec<String>,
    },
    Record {
        fields: Vec<Self>,
        /// Fields that the writer does not have.
        absent: Vec<FieldType>,
    },
    Map {
        values: Box<Self>,
        /// How the values of keys that are wanted are read.
        wanted: Vec<(String, Self)>,
    },
    List {
        items: Box<Self>,
        list: Option<usize>,
    },
    /// A union of null and a type; the branch that is null.
    Nullable {
        null: u64,
        inner: Box<Self>,
        /// The path of a field that the reader has without null.
        required: Option<String>,
    },
}

/// How the events of a writer are read.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) event: Node,
}

impl Plan {
    /// The plan, `None` where it would depend on the value.
    pub(super) fn new(writer: &Schema, event: &EventType) -> Option<Self> {
        let (Schema::Record(writer), Schema::Record(reader)) = (writer, &*event.schema) else {
            return None;
        };
        let mut compiler = Compiler::default();
        let event = compiler.record(writer, reader, &event.fields, 0)?;
        Some(Self { event })
    }
}

/// The named types of both schemas that were met so far.
#[derive(Default)]
struct Compiler<'s> {
    writer: HashMap<&'s Name, &'s Schema>,
    reader: HashMap<&'s Name, &'s Schema>,
}

impl<'s> Compiler<'s> {
    fn record(
        &mut self,
        writer: &'s RecordSchema,
        reader: &'s RecordSchema,
        fields: &[FieldType],
        depth: usize,
    ) -> Option<Node> {
        let has_aliases = reader.fields.iter().any(|field| !field.aliases.is_empty());
        // Without a field a value has no bytes, and any number of them would fit into none.
        if depth > MAX_DEPTH || has_aliases || writer.fields.is_empty() {
            return None;
        }
        let mut nodes = Vec::new();
        for field in &writer.fields {
            let ours = fields.iter().find(|known| known.name == field.name);
            let theirs = reader.fields.iter().find(|known| known.name == field.name);
            nodes.push(match (ours, theirs) {
                (Some(ours), Some(theirs)) => {
                    self.value(&field.schema, &theirs.schema, ours, ours.column, depth + 1)?
                }
                _ => self.unread(&field.schema, depth + 1)?,
            });
        }
        let is_absent = |field: &&FieldType| writer.fields.iter().all(|one| one.name != field.name);
        let absent: Vec<FieldType> = fields.iter().filter(is_absent).cloned().collect();
        absent.iter().all(has_plain_default).then_some(Node::Record { fields: nodes, absent })
    }

    /// The type behind a reference; a type that is met is remembered by its name.
    fn writers(&mut self, schema: &'s Schema) -> Option<&'s Schema> {
        resolved(&mut self.writer, schema)
    }

    fn value(
        &mut self,
        writer: &'s Schema,
        reader: &'s Schema,
        field: &FieldType,
        column: Option<usize>,
        depth: usize,
    ) -> Option<Node> {
        if let Schema::Union(union) = writer {
            let null = union.variants().iter().position(|one| *one == Schema::Null)?;
            let [_, _] = union.variants() else { return None };
            let inner = &union.variants()[1 - null];
            if matches!(inner, Schema::Union(_)) {
                return None;
            }
            let inner = Box::new(self.value(inner, reader, field, column, depth)?);
            let required = (!field.nullable).then(|| field.path.clone());
            return Some(Node::Nullable { null: null as u64, inner, required });
        }
        let reader = match reader {
            Schema::Union(union) => union.variants().iter().find(|one| **one != Schema::Null)?,
            other => other,
        };
        let writer = self.writers(writer)?;
        let reader = resolved(&mut self.reader, reader)?;
        Some(match (writer, reader, &field.kind) {
            (Schema::Record(writer), Schema::Record(reader), Kind::Record(fields)) => {
                self.record(writer, reader, fields, depth)?
            }
            (Schema::Map(writer), Schema::Map(reader), Kind::Map { values, wanted }) => {
                let mut node =
                    |column| self.value(&writer.types, &reader.types, values, column, depth + 1);
                let wanted =
                    wanted.iter().map(|(key, column)| Some((key.clone(), node(Some(*column))?)));
                let wanted = wanted.collect::<Option<Vec<_>>>()?;
                Node::Map { values: Box::new(node(None)?), wanted }
            }
            (Schema::Array(writer), Schema::Array(reader), Kind::List { items, wanted }) => {
                let node =
                    self.value(&writer.items, &reader.items, items, items.column, depth + 1)?;
                Node::List { items: Box::new(node), list: *wanted }
            }
            (Schema::Enum(writer), Schema::Enum(reader), Kind::Symbols(_)) => {
                let is_known = |symbol: &String| reader.symbols.contains(symbol);
                let symbols = writer.symbols.clone();
                symbols.iter().all(is_known).then_some(Node::Symbol { column, symbols })?
            }
            (writer, reader, Kind::Scalar(..)) => scalar(writer, reader, column)?,
            _ => return None,
        })
    }

    /// A value that the reader does not have: only its form is checked.
    fn unread(&mut self, writer: &'s Schema, depth: usize) -> Option<Node> {
        if depth > MAX_DEPTH {
            return None;
        }
        Some(match self.writers(writer)? {
            Schema::Bytes => Node::Bytes,
            Schema::Fixed(fixed) if fixed.size > 0 => Node::Fixed(fixed.size),
            Schema::Enum(writer) => Node::Symbol { column: None, symbols: writer.symbols.clone() },
            Schema::Array(array) => {
                Node::List { items: Box::new(self.unread(&array.items, depth + 1)?), list: None }
            }
            Schema::Map(map) => Node::Map {
                values: Box::new(self.unread(&map.types, depth + 1)?),
                wanted: Vec::new(),
            },
            Schema::Union(union) => {
                let null = union.variants().iter().position(|one| *one == Schema::Null)?;
                let [_, _] = union.variants() else { return None };
                let inner = self.unread(&union.variants()[1 - null], depth + 1)?;
                Node::Nullable { null: null as u64, inner: Box::new(inner), required: None }
            }
            Schema::Record(record) if !record.fields.is_empty() => {
                let fields =
                    record.fields.iter().map(|field| self.unread(&field.schema, depth + 1));
                Node::Record { fields: fields.collect::<Option<_>>()?, absent: Vec::new() }
            }
            other => scalar(other, other, None)?,
        })
    }
}

fn resolved<'s>(
    known: &mut HashMap<&'s Name, &'s Schema>,
    schema: &'s Schema,
) -> Option<&'s Schema> {
    match schema {
        Schema::Ref { name } => return known.get(name).copied(),
        Schema::Record(record) => known.insert(&record.name, schema),
        Schema::Enum(symbols) => known.insert(&symbols.name, schema),
        Schema::Fixed(fixed) => known.insert(&fixed.name, schema),
        _ => None,
    };
    Some(schema)
}

fn scalar(writer: &Schema, reader: &Schema, column: Option<usize>) -> Option<Node> {
    let int = |is_wide| Node::Int { column, is_wide };
    Some(match (writer, reader) {
        (Schema::Boolean, Schema::Boolean) => Node::Bool(column),
        (Schema::Int, Schema::Int | Schema::Long)
        | (Schema::Date, Schema::Date)
        | (Schema::TimeMillis, Schema::TimeMillis) => int(false),
        (Schema::Long, Schema::Long)
        | (Schema::TimeMicros, Schema::TimeMicros)
        | (Schema::TimestampMillis | Schema::Long, Schema::TimestampMillis)
        | (Schema::TimestampMicros | Schema::Long, Schema::TimestampMicros)
        | (Schema::TimestampNanos | Schema::Long, Schema::TimestampNanos) => int(true),
        (Schema::Int, Schema::Double) => Node::IntAsDouble { column, is_wide: false },
        (Schema::Long, Schema::Double) => Node::IntAsDouble { column, is_wide: true },
        (Schema::Float, Schema::Float | Schema::Double) => Node::Float(column),
        (Schema::Double, Schema::Double) => Node::Double(column),
        (Schema::String, Schema::String) => Node::Text(column),
        _ => return None,
    })
}

/// Whether nothing but the field itself is set by its default.
fn has_plain_default(field: &FieldType) -> bool {
    match (&field.default, &field.kind) {
        (FieldDefault::Required, _) => false,
        (FieldDefault::Empty, _) | (_, Kind::Scalar(..) | Kind::Symbols(_)) => true,
        // An empty map or no record; what is in a map or a record that is not empty, the library has to set.
        (_, Kind::Map { wanted, .. }) => field.nullable || wanted.is_empty(),
        (_, Kind::Record(_) | Kind::List { .. }) => field.nullable,
    }
}
