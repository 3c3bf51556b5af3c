//! Which fields of an event are wanted.

use larder_core::{Error, Result};

use super::event_type::{Column, FieldType, Kind, Slot};
use crate::scalar::ScalarType;

/// Marks the field at a path as wanted and gives it a column if it has none. `of` is what has the fields, for messages.
pub(super) fn in_columns(
    fields: &mut [FieldType],
    path: &[&str],
    of: &str,
    columns: &mut Vec<Column>,
) -> Result<Slot> {
    let slot = field(fields, path, of, columns.len())?;
    add(slot, path, columns);
    Ok(slot)
}

/// The same for the element of a list: itself, or a field of it.
pub(super) fn in_item(
    item: &mut FieldType,
    path: &[&str],
    list: &str,
    columns: &mut Vec<Column>,
) -> Result<Slot> {
    let of = format!("an element of \"{list}\"");
    let slot = match (&mut item.kind, path) {
        (_, []) => value(item, &of, columns.len())?,
        (Kind::Record(fields), path) => field(fields, path, &of, columns.len())?,
        (_, path) => {
            return Err(Error::invalid(format!("{of} has no fields: not \"{}\"", path.join("."))));
        }
    };
    add(slot, path, columns);
    Ok(slot)
}

fn add(slot: Slot, path: &[&str], columns: &mut Vec<Column>) {
    if slot.column == columns.len() {
        let path = path.iter().map(|name| (*name).to_owned()).collect();
        columns.push(Column { path, value_type: slot.value_type, unit: slot.unit });
    }
}

fn find<'f>(fields: &'f mut [FieldType], name: &str, of: &str) -> Result<&'f mut FieldType> {
    if let Some(at) = fields.iter().position(|field| field.name == name) {
        return Ok(&mut fields[at]);
    }
    let known = fields.iter().map(|field| field.name.as_str()).collect::<Vec<_>>().join(", ");
    Err(Error::invalid(format!("{of} has no field \"{name}\""))
        .with_hint(format!("fields here: {known}")))
}

fn field(fields: &mut [FieldType], path: &[&str], of: &str, next: usize) -> Result<Slot> {
    let Some((name, rest)) = path.split_first() else {
        return Err(Error::invalid("a field without a name"));
    };
    let field = find(fields, name, of)?;
    let of = format!("\"{}\"", field.path);
    match (&mut field.kind, rest) {
        (_, []) => value(field, &of, next),
        (Kind::Record(fields), rest) => self::field(fields, rest, &of, next),
        (Kind::Map { values, wanted }, [key]) => {
            let Kind::Scalar(value_type, unit) = values.kind else {
                return Err(Error::invalid(format!("the values of {of} are no scalars")));
            };
            let known = wanted.iter().find(|(known, _)| known == key).map(|(_, column)| *column);
            let column = known.unwrap_or(next);
            if known.is_none() {
                wanted.push(((*key).to_owned(), next));
            }
            Ok(Slot { column, value_type, unit })
        }
        (Kind::List { .. }, _) => Err(is_list(&of)),
        (_, rest) => Err(Error::invalid(format!("{of} has no fields: not \"{}\"", rest.join(".")))),
    }
}

/// The value of a field that is a scalar.
fn value(field: &mut FieldType, name: &str, next: usize) -> Result<Slot> {
    let (value_type, unit) = match &field.kind {
        Kind::Scalar(value_type, unit) => (*value_type, *unit),
        Kind::Symbols(_) => (ScalarType::Text, None),
        Kind::Record(fields) => {
            let inner: Vec<_> = fields.iter().map(|inner| inner.path.as_str()).collect();
            return Err(Error::invalid(format!("{name} is a record"))
                .with_hint(format!("name one of {}", inner.join(", "))));
        }
        Kind::Map { .. } => {
            return Err(Error::invalid(format!("{name} is a map"))
                .with_hint(format!("name one of its keys: {}.<key>", field.path)));
        }
        Kind::List { .. } => return Err(is_list(name)),
    };
    Ok(Slot { column: *field.column.get_or_insert(next), value_type, unit })
}

fn is_list(name: &str) -> Error {
    Error::invalid(format!("{name} is a list")).with_hint(
        "write `explode: <list> as <name>` for an event per element, or use array_length, array_contains, array_sum, \
         array_min or array_max",
    )
}

/// The elements of the list that a path leads to or through, its number in the batch, and what is left of the path.
pub(super) fn list<'f, 'p>(
    fields: &'f mut [FieldType],
    path: &'p [&'p str],
) -> Result<(&'f mut FieldType, &'f mut Option<usize>, &'p [&'p str])> {
    let (mut fields, mut rest, mut of) = (fields, path, "the event".to_owned());
    while let Some((name, after)) = rest.split_first() {
        let field = find(fields, name, &of)?;
        of = format!("\"{}\"", field.path);
        match &mut field.kind {
            Kind::List { items, wanted } => return Ok((items, wanted, after)),
            Kind::Record(inner) => (fields, rest) = (inner, after),
            _ => return Err(Error::invalid(format!("{of} is no list"))),
        }
    }
    Err(Error::invalid(format!("{of} is no list")))
}
