//! Reads a value by its plan.

use super::super::json::absent;
use super::super::{Fault, Refusal};
use super::bytes::{Bytes, undecodable};
use super::plan::{Node, Plan};
use crate::batch::EventBatch;
use crate::scalar::Scalar;

impl Plan {
    /// Sets the columns of the batch's last row.
    pub(super) fn read(&self, bytes: &[u8], batch: &mut EventBatch) -> Result<(), Refusal> {
        let mut bytes = Bytes::new(bytes);
        self.event.read(&mut bytes, batch)?;
        bytes.end()
    }
}

impl Node {
    fn read(&self, bytes: &mut Bytes<'_>, batch: &mut EventBatch) -> Result<(), Refusal> {
        match self {
            Self::Bool(column) => {
                let truth = match bytes.byte()? {
                    0 => false,
                    1 => true,
                    other => return Err(undecodable(format!("{other} is no boolean"))),
                };
                set(batch, *column, Scalar::Bool(truth));
            }
            Self::Int { column, is_wide } => {
                set(batch, *column, Scalar::Int(bytes.whole(*is_wide)?));
            }
            Self::IntAsDouble { column, is_wide } => {
                set(batch, *column, Scalar::Double(bytes.whole(*is_wide)? as f64));
            }
            Self::Float(column) => {
                let number = f32::from_le_bytes(bytes.array()?);
                set(batch, *column, Scalar::Double(f64::from(number)));
            }
            Self::Double(column) => {
                set(batch, *column, Scalar::Double(f64::from_le_bytes(bytes.array()?)));
            }
            Self::Text(column) => set(batch, *column, Scalar::Text(bytes.text()?)),
            Self::Bytes => drop(bytes.sized()?),
            Self::Fixed(len) => drop(bytes.take(*len)?),
            Self::Symbol { column, symbols } => {
                let index = bytes.index()?;
                let symbol = usize::try_from(index).ok().and_then(|index| symbols.get(index));
                let symbol = symbol
                    .ok_or_else(|| undecodable(format!("{index} is the position of no symbol")))?;
                set(batch, *column, Scalar::Text(symbol));
            }
            Self::Record { fields, absent: missing } => {
                fields.iter().try_for_each(|field| field.read(bytes, batch))?;
                for field in missing {
                    absent(field, batch).map_err(|reason| (Fault::SchemaViolation, reason))?;
                }
            }
            Self::Map { values, wanted } => {
                while let Some(count) = bytes.block()? {
                    for _ in 0..count {
                        let key = bytes.text()?;
                        let found = wanted.iter().find(|(known, _)| known == key);
                        found.map_or(&**values, |(_, node)| node).read(bytes, batch)?;
                    }
                }
            }
            Self::List { items, list } => read_list(items, *list, bytes, batch)?,
            Self::Nullable { null, inner, required } => match bytes.index()? {
                branch if branch == *null => {
                    if let Some(path) = required {
                        bytes.violate(|| format!("field {path} is null"));
                    }
                }
                0 | 1 => inner.read(bytes, batch)?,
                other => return Err(undecodable(format!("{other} is no branch of a union"))),
            },
        }
        Ok(())
    }
}

fn read_list(
    items: &Node,
    list: Option<usize>,
    bytes: &mut Bytes<'_>,
    batch: &mut EventBatch,
) -> Result<(), Refusal> {
    if let Some(list) = list {
        batch.begin_list(list);
    }
    while let Some(count) = bytes.block()? {
        for _ in 0..count {
            match list {
                Some(list) => {
                    let elements = batch.items_mut(list);
                    elements.begin_row();
                    items.read(bytes, elements)?;
                }
                None => items.read(bytes, batch)?,
            }
        }
    }
    if let Some(list) = list {
        batch.end_list(list);
    }
    Ok(())
}

fn set(batch: &mut EventBatch, column: Option<usize>, value: Scalar<'_>) {
    if let Some(column) = column {
        batch.set(column, value);
    }
}
