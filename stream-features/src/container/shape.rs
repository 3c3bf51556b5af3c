//! How long values are.

use std::collections::HashMap;

use apache_avro::Schema;
use apache_avro::schema::{InnerDecimalSchema, Name, NamespaceRef, UuidSchema};
use larder_core::{Error, Result};

use crate::decode::{AvroBytes, Fault, Refusal};

/// How deep values may nest.
const MAX_DEPTH: usize = 128;

/// The form of a schema's values: enough to find where one ends.
#[derive(Debug)]
pub(crate) struct Shape {
    value: Part,
    /// Types that have names, which may hold themselves.
    named: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    /// So many bytes.
    Fixed(usize),
    /// A whole number.
    Long,
    /// Bytes after their number.
    Bytes,
    Record(Vec<Self>),
    Union(Vec<Self>),
    Array(Box<Self>),
    /// Texts with values.
    Map(Box<Self>),
    Named(usize),
}

impl Shape {
    /// # Errors
    /// `Data` for text that is no schema.
    pub(crate) fn parse(schema: &str) -> Result<Self> {
        let schema = Schema::parse_str(schema).map_err(|error| {
            Error::data("the schema of the Avro container is not valid").with_source(error)
        })?;
        let mut compiler = Compiler::default();
        let value = compiler.part(&schema, None)?;
        let named = compiler.parts.into_iter().flatten().collect();
        Ok(Self { value, named })
    }

    /// How many of the bytes the value at their beginning is.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) fn len(&self, bytes: &[u8]) -> Result<usize, String> {
        let mut rest = AvroBytes::new(bytes);
        self.pass(&self.value, &mut rest, 0).map_err(|(_, reason)| reason)?;
        Ok(bytes.len() - rest.left())
    }

    fn pass(&self, part: &Part, bytes: &mut AvroBytes<'_>, depth: usize) -> Result<(), Refusal> {
        match part {
            Part::Fixed(len) => drop(bytes.take(*len)?),
            Part::Long => drop(bytes.long()?),
            Part::Bytes => drop(bytes.sized()?),
            Part::Record(fields) => {
                fields.iter().try_for_each(|field| self.pass(field, bytes, depth))?;
            }
            Part::Union(branches) => {
                let index = bytes.index()?;
                let branch = usize::try_from(index).ok().and_then(|index| branches.get(index));
                let branch = branch.ok_or_else(|| {
                    (Fault::Undecodable, format!("{index} is no branch of a union"))
                })?;
                self.pass(branch, bytes, depth)?;
            }
            Part::Array(items) => each(bytes, |bytes| self.pass(items, bytes, depth))?,
            Part::Map(values) => each(bytes, |bytes| {
                bytes.sized()?;
                self.pass(values, bytes, depth)
            })?,
            Part::Named(_) if depth == MAX_DEPTH => {
                let reason = format!("values nest deeper than {MAX_DEPTH}");
                return Err((Fault::Undecodable, reason));
            }
            Part::Named(at) => self.pass(&self.named[*at], bytes, depth + 1)?,
        }
        Ok(())
    }
}

/// Passes over the items of an array or map, part by part.
fn each<'b>(
    bytes: &mut AvroBytes<'b>,
    mut pass: impl FnMut(&mut AvroBytes<'b>) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    loop {
        let count = bytes.long()?;
        if count == 0 {
            return Ok(());
        }
        if count < 0 {
            // The size of the part follows, for those who do not look into it.
            bytes.index()?;
        }
        for _ in 0..count.unsigned_abs() {
            let before = bytes.left();
            pass(bytes)?;
            // Items without bytes are as many as it says.
            if bytes.left() == before {
                break;
            }
        }
    }
}

/// The named types that were met so far; a type that is not finished has no part yet.
#[derive(Default)]
struct Compiler {
    parts: Vec<Option<Part>>,
    numbers: HashMap<Name, usize>,
}

impl Compiler {
    fn part(&mut self, schema: &Schema, within: NamespaceRef<'_>) -> Result<Part> {
        Ok(match schema {
            Schema::Null => Part::Fixed(0),
            Schema::Boolean => Part::Fixed(1),
            Schema::Float => Part::Fixed(4),
            Schema::Double => Part::Fixed(8),
            Schema::Bytes
            | Schema::String
            | Schema::BigDecimal
            | Schema::Uuid(UuidSchema::String | UuidSchema::Bytes) => Part::Bytes,
            Schema::Array(array) => Part::Array(Box::new(self.part(&array.items, within)?)),
            Schema::Map(map) => Part::Map(Box::new(self.part(&map.types, within)?)),
            Schema::Union(union) => {
                let branches = union.variants().iter().map(|one| self.part(one, within));
                Part::Union(branches.collect::<Result<_>>()?)
            }
            Schema::Record(record) => {
                let name = record.name.fully_qualified_name(within).into_owned();
                let number = self.named(name.clone());
                let fields =
                    record.fields.iter().map(|field| self.part(&field.schema, name.namespace()));
                self.parts[number] = Some(Part::Record(fields.collect::<Result<_>>()?));
                Part::Named(number)
            }
            Schema::Enum(symbols) => self.finished(&symbols.name, within, Part::Long),
            Schema::Fixed(fixed)
            | Schema::Duration(fixed)
            | Schema::Uuid(UuidSchema::Fixed(fixed)) => {
                self.finished(&fixed.name, within, Part::Fixed(fixed.size))
            }
            Schema::Decimal(decimal) => match &decimal.inner {
                InnerDecimalSchema::Bytes => Part::Bytes,
                InnerDecimalSchema::Fixed(fixed) => {
                    self.finished(&fixed.name, within, Part::Fixed(fixed.size))
                }
            },
            Schema::Ref { name } => {
                let number = self.numbers.get(&*name.fully_qualified_name(within));
                let message = || Error::data(format!("its schema has no type named {name}"));
                Part::Named(*number.ok_or_else(message)?)
            }
            Schema::Int
            | Schema::Long
            | Schema::Date
            | Schema::TimeMillis
            | Schema::TimeMicros
            | Schema::TimestampMillis
            | Schema::TimestampMicros
            | Schema::TimestampNanos
            | Schema::LocalTimestampMillis
            | Schema::LocalTimestampMicros
            | Schema::LocalTimestampNanos => Part::Long,
        })
    }

    fn named(&mut self, name: Name) -> usize {
        self.parts.push(None);
        self.numbers.insert(name, self.parts.len() - 1);
        self.parts.len() - 1
    }

    fn finished(&mut self, name: &Name, within: NamespaceRef<'_>, part: Part) -> Part {
        let number = self.named(name.fully_qualified_name(within).into_owned());
        self.parts[number] = Some(part);
        Part::Named(number)
    }
}
