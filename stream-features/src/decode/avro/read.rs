//! Reads a value by its plan.

use super::super::json::absent;
use super::super::{Fault, Refusal};
use super::plan::{Node, Plan};
use crate::batch::EventBatch;
use crate::scalar::Scalar;

impl Plan {
    /// Sets the columns of the batch's last row.
    pub(super) fn read(&self, bytes: &[u8], batch: &mut EventBatch) -> Result<(), Refusal> {
        let mut bytes = Bytes(bytes);
        self.event.read(&mut bytes, batch)?;
        match bytes.0.len() {
            0 => Ok(()),
            more => Err(undecodable(format!("{more} bytes follow the value"))),
        }
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
            Self::Nullable { null, inner } => match bytes.index()? {
                branch if branch == *null => {}
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

fn undecodable(reason: String) -> Refusal {
    (Fault::Undecodable, reason)
}

/// What is left of a value.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], Refusal> {
        let Some((taken, rest)) = self.0.split_at_checked(len) else {
            return Err(undecodable("the value ends too early".to_owned()));
        };
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Refusal> {
        Ok(self.take(N)?.try_into().expect("as many bytes as were taken"))
    }

    fn byte(&mut self) -> Result<u8, Refusal> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// A whole number: seven bits a byte, the lowest first, then zigzag.
    fn long(&mut self) -> Result<i64, Refusal> {
        let mut bits = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            bits |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok((bits >> 1).cast_signed() ^ -(bits & 1).cast_signed());
            }
        }
        Err(undecodable("a whole number is longer than ten bytes".to_owned()))
    }

    fn whole(&mut self, is_wide: bool) -> Result<i64, Refusal> {
        let number = self.long()?;
        if is_wide || i32::try_from(number).is_ok() {
            return Ok(number);
        }
        Err(undecodable(format!("{number} is no int")))
    }

    fn index(&mut self) -> Result<u64, Refusal> {
        let index = self.long()?;
        u64::try_from(index).map_err(|_| undecodable(format!("{index} is no position")))
    }

    fn sized(&mut self) -> Result<&'a [u8], Refusal> {
        let len = self.index()?;
        self.take(usize::try_from(len).unwrap_or(usize::MAX))
    }

    fn text(&mut self) -> Result<&'a str, Refusal> {
        std::str::from_utf8(self.sized()?).map_err(|error| undecodable(error.to_string()))
    }

    /// The number of items in the next block of a list or map, `None` after the last. Every item has a byte at least.
    fn block(&mut self) -> Result<Option<usize>, Refusal> {
        let count = self.long()?;
        if count == 0 {
            return Ok(None);
        }
        if count < 0 {
            // The size of the block in bytes follows, for those who skip it.
            self.index()?;
        }
        match usize::try_from(count.unsigned_abs()) {
            Ok(count) if count <= self.0.len() => Ok(Some(count)),
            _ => Err(undecodable("a block has more items than bytes".to_owned())),
        }
    }
}
