//! What values are made of, as Avro writes it.

use super::super::{Fault, Refusal};

pub(super) fn undecodable(reason: String) -> Refusal {
    (Fault::Undecodable, reason)
}

/// What is left of a value.
pub(crate) struct Bytes<'a> {
    rest: &'a [u8],
    /// What of the bytes before is not of the reader's schema; what follows may still be no value at all.
    violation: Option<Refusal>,
}

impl<'a> Bytes<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, violation: None }
    }

    /// Number of bytes.
    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }

    /// Remembers what is wrong.
    pub(super) fn violate(&mut self, reason: impl FnOnce() -> String) {
        self.violation.get_or_insert_with(|| (Fault::SchemaViolation, reason()));
    }

    /// Makes sure that all was read and was of the schema.
    pub(super) fn end(self) -> Result<(), Refusal> {
        match (self.rest.len(), self.violation) {
            (0, violation) => violation.map_or(Ok(()), Err),
            (more, _) => Err(undecodable(format!("{more} bytes follow the value"))),
        }
    }

    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], Refusal> {
        let Some((taken, rest)) = self.rest.split_at_checked(len) else {
            return Err(undecodable("the value ends too early".to_owned()));
        };
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Refusal> {
        Ok(self.take(N)?.try_into().expect("as many bytes as were taken"))
    }

    pub(super) fn byte(&mut self) -> Result<u8, Refusal> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// A whole number: seven bits a byte, the lowest first, then zigzag.
    pub(crate) fn long(&mut self) -> Result<i64, Refusal> {
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

    pub(super) fn whole(&mut self, is_wide: bool) -> Result<i64, Refusal> {
        let number = self.long()?;
        if is_wide || i32::try_from(number).is_ok() {
            return Ok(number);
        }
        Err(undecodable(format!("{number} is no int")))
    }

    pub(crate) fn index(&mut self) -> Result<u64, Refusal> {
        let index = self.long()?;
        u64::try_from(index).map_err(|_| undecodable(format!("{index} is no position")))
    }

    pub(crate) fn sized(&mut self) -> Result<&'a [u8], Refusal> {
        let len = self.index()?;
        self.take(usize::try_from(len).unwrap_or(usize::MAX))
    }

    pub(super) fn text(&mut self) -> Result<&'a str, Refusal> {
        std::str::from_utf8(self.sized()?).map_err(|error| undecodable(error.to_string()))
    }

    /// The number of items in the next block of a list or map, `None` after the last. Every item has a byte at least.
    pub(super) fn block(&mut self) -> Result<Option<usize>, Refusal> {
        let count = self.long()?;
        if count == 0 {
            return Ok(None);
        }
        if count < 0 {
            // The size of the block in bytes follows, for those who skip it.
            self.index()?;
        }
        match usize::try_from(count.unsigned_abs()) {
            Ok(count) if count <= self.rest.len() => Ok(Some(count)),
            _ => Err(undecodable("a block has more items than bytes".to_owned())),
        }
    }
}
