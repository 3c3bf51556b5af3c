//! Events as they are usually written, straight into columns.

use super::absent;
use super::scan::{Number, Scanner, Unusual};
use crate::batch::EventBatch;
use crate::scalar::{Scalar, ScalarType};
use crate::schema::{EventType, FieldType, Kind};

/// Sets the columns of the batch's last row. Where that is not possible the row is left half set, and nothing is said
/// about whether the event is good.
pub(super) fn decode(text: &str, event: &EventType, batch: &mut EventBatch) -> Result<(), Unusual> {
    let mut scanner = Scanner::new(text);
    record(&mut scanner, &event.fields, batch)?;
    if scanner.is_at_end() { Ok(()) } else { Err(Unusual) }
}

fn record(
    scanner: &mut Scanner<'_>,
    fields: &[FieldType],
    batch: &mut EventBatch,
) -> Result<(), Unusual> {
    // One bit per field that was met.
    let (mut seen, mut next) = (0_u64, 0);
    if fields.len() > 64 {
        return Err(Unusual);
    }
    scanner.each(b'{', b'}', |scanner| {
        let found = name(scanner, fields, next)?;
        scanner.expect(b':')?;
        let Some(index) = found else { return scanner.skip(0) };
        seen |= 1 << index;
        next = index + 1;
        value(scanner, &fields[index], fields[index].column, false, batch)
    })?;
    for (index, field) in fields.iter().enumerate() {
        if seen & (1 << index) == 0 {
            absent(field, batch).map_err(|_| Unusual)?;
        }
    }
    Ok(())
}

/// The field of the name that comes next; the one after the last is the likeliest.
#[inline]
fn name(
    scanner: &mut Scanner<'_>,
    fields: &[FieldType],
    next: usize,
) -> Result<Option<usize>, Unusual> {
    if let Some(field) = fields.get(next)
        && scanner.take_text(&field.name)
    {
        return Ok(Some(next));
    }
    let name = scanner.text()?;
    Ok(fields.iter().position(|field| field.name == name))
}

/// A value of a field's type; in a map of texts, numbers and booleans are taken as they are written.
fn value(
    scanner: &mut Scanner<'_>,
    field: &FieldType,
    column: Option<usize>,
    as_text: bool,
    batch: &mut EventBatch,
) -> Result<(), Unusual> {
    let first = scanner.peek().ok_or(Unusual)?;
    if first == b'n' {
        scanner.word("null")?;
        if !field.nullable {
            return Err(Unusual);
        }
        set(batch, column, Scalar::Null);
        return Ok(());
    }
    match &field.kind {
        Kind::Scalar(ScalarType::Text, _) if first != b'"' && as_text => {
            written(scanner, first, column, batch)?;
        }
        Kind::Scalar(ScalarType::Text, _) => set(batch, column, Scalar::Text(scanner.text()?)),
        Kind::Symbols(symbols) => {
            let text = scanner.text()?;
            if !symbols.iter().any(|known| known == text) {
                return Err(Unusual);
            }
            set(batch, column, Scalar::Text(text));
        }
        Kind::Scalar(ScalarType::Int, _) => match scanner.number()? {
            Number::Int(number, _) => set(batch, column, Scalar::Int(number)),
            Number::Double(_) => return Err(Unusual),
        },
        Kind::Scalar(ScalarType::Double, _) => match scanner.number()? {
            Number::Int(number, _) => set(batch, column, Scalar::Double(number as f64)),
            Number::Double(number) => set(batch, column, Scalar::Double(number)),
        },
        Kind::Scalar(ScalarType::Bool, _) => {
            let truth = boolean(scanner, first)?;
            set(batch, column, Scalar::Bool(truth));
        }
        Kind::Record(fields) => record(scanner, fields, batch)?,
        Kind::Map { values, wanted } => scanner.each(b'{', b'}', |scanner| {
            let key = scanner.text()?;
            scanner.expect(b':')?;
            let column = wanted.iter().find(|(known, _)| known == key).map(|(_, column)| *column);
            value(scanner, values, column, true, batch)
        })?,
        Kind::List { items, wanted } => list(scanner, items, *wanted, batch)?,
    }
    Ok(())
}

fn list(
    scanner: &mut Scanner<'_>,
    items: &FieldType,
    wanted: Option<usize>,
    batch: &mut EventBatch,
) -> Result<(), Unusual> {
    let Some(list) = wanted else {
        return scanner
            .each(b'[', b']', |scanner| value(scanner, items, items.column, false, batch));
    };
    let elements = batch.begin_list(list);
    scanner.each(b'[', b']', |scanner| {
        elements.begin_row();
        value(scanner, items, items.column, false, elements)
    })?;
    batch.end_list(list);
    Ok(())
}

/// A number or boolean as the text that it is written as.
fn written(
    scanner: &mut Scanner<'_>,
    first: u8,
    column: Option<usize>,
    batch: &mut EventBatch,
) -> Result<(), Unusual> {
    if matches!(first, b't' | b'f') {
        let truth = boolean(scanner, first)?;
        set(batch, column, Scalar::Text(if truth { "true" } else { "false" }));
        return Ok(());
    }
    match (scanner.number()?, column) {
        (Number::Int(_, text), column) => set(batch, column, Scalar::Text(text)),
        (Number::Double(number), Some(column)) => batch.set_display(column, number),
        (Number::Double(_), None) => {}
    }
    Ok(())
}

fn boolean(scanner: &mut Scanner<'_>, first: u8) -> Result<bool, Unusual> {
    let truth = first == b't';
    scanner.word(if truth { "true" } else { "false" })?;
    Ok(truth)
}

#[inline]
fn set(batch: &mut EventBatch, column: Option<usize>, value: Scalar<'_>) {
    if let Some(column) = column {
        batch.set(column, value);
    }
}
