//! A stored row, borrowed from where it lies.

use larder_core::{Error, Result};

use super::schema::{Digest, RowSchema};
use super::{FORMAT, HAS_CREATED, HAS_NULLS, LEAVES_OUT, damaged};
use crate::RowTimes;
use crate::backend::packed_row::PackedRow;

/// A row of either version.
#[derive(Debug, Clone, Copy)]
pub(in super::super) enum StoredRow<'a> {
    /// Of version 1.
    Hashed(PackedRow<'a>),
    /// Of version 2.
    Compact(Header<'a>),
}

impl<'a> StoredRow<'a> {
    /// # Errors
    /// `Data` for bytes that are none.
    pub(in super::super) fn parse(bytes: &'a [u8]) -> Result<Self> {
        match bytes.first() {
            Some(first) if first & 0xf0 == FORMAT => {
                Header::parse(bytes).map(Self::Compact).ok_or_else(damaged)
            }
            Some(first) if first >> 4 > FORMAT >> 4 => {
                Err(Error::data(format!("a stored row has the unknown format {}", first >> 4))
                    .with_hint("it was written by a newer version of fs: upgrade this one"))
            }
            _ => PackedRow::parse(bytes).map(Self::Hashed),
        }
    }

    pub(in super::super) fn times(&self) -> RowTimes {
        match self {
            Self::Hashed(row) => row.times(),
            Self::Compact(header) => header.times,
        }
    }

    /// The schema that has to be known to read it.
    pub(in super::super) fn digest(&self) -> Option<Digest> {
        match self {
            Self::Hashed(_) => None,
            Self::Compact(header) => Some(header.digest),
        }
    }
}

/// What can be read of a row without its schema.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Header<'a> {
    pub(super) flags: u8,
    pub(super) digest: Digest,
    pub(super) times: RowTimes,
    rest: &'a [u8],
}

impl<'a> Header<'a> {
    #[inline]
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (first, rest) = bytes.split_first()?;
        let (digest, rest) = rest.split_first_chunk()?;
        let (event, mut rest) = rest.split_first_chunk()?;
        let flags = first ^ FORMAT;
        let mut times = RowTimes { event: i64::from_le_bytes(*event), created: None };
        if flags & HAS_CREATED != 0 {
            let (created, after) = rest.split_first_chunk()?;
            (times.created, rest) = (Some(i64::from_le_bytes(*created)), after);
        }
        (flags & !(HAS_CREATED | HAS_NULLS | LEAVES_OUT) == 0).then_some(Self {
            flags,
            digest: *digest,
            times,
            rest,
        })
    }

    /// The columns, if all are there and all are of fixed width.
    #[inline]
    pub(super) fn plain(&self, schema: &RowSchema) -> Option<&'a [u8]> {
        let is_plain = self.flags & (HAS_NULLS | LEAVES_OUT) == 0 && schema.variable() == 0;
        (is_plain && self.rest.len() == schema.fixed()).then_some(self.rest)
    }

    /// The columns of this schema.
    pub(super) fn columns(&self, schema: &RowSchema) -> Result<Columns<'a>> {
        let mut rest = self.rest;
        let mut bitmap = |flag| {
            if self.flags & flag == 0 {
                return Some(&[][..]);
            }
            let (bits, after) = rest.split_at_checked(schema.bitmap())?;
            rest = after;
            Some(bits)
        };
        let nulls = bitmap(HAS_NULLS).ok_or_else(damaged)?;
        let left_out = bitmap(LEAVES_OUT).ok_or_else(damaged)?;
        let (fixed, variable) = rest.split_at_checked(schema.fixed()).ok_or_else(damaged)?;
        Ok(Columns { nulls, left_out, fixed, variable: split(variable, schema.variable())? })
    }
}

/// What a row holds, column by column.
#[derive(Debug)]
pub(super) struct Columns<'a> {
    nulls: &'a [u8],
    left_out: &'a [u8],
    pub(super) fixed: &'a [u8],
    /// The encoded values of the columns without fixed width; no bytes are null.
    pub(super) variable: Vec<&'a [u8]>,
}

impl Columns<'_> {
    pub(super) fn is_null(&self, column: usize) -> bool {
        bit(self.nulls, column)
    }

    pub(super) fn is_left_out(&self, column: usize) -> bool {
        bit(self.left_out, column)
    }
}

fn bit(bits: &[u8], at: usize) -> bool {
    bits.get(at / 8).is_some_and(|byte| byte >> (at % 8) & 1 == 1)
}

/// So many values that stand one after the other, each behind its length.
fn split(mut bytes: &[u8], count: usize) -> Result<Vec<&[u8]>> {
    let mut values = Vec::with_capacity(count.min(bytes.len()));
    for _ in 0..count {
        let (length, rest) = read_length(bytes).ok_or_else(damaged)?;
        let (value, rest) = rest.split_at_checked(length).ok_or_else(damaged)?;
        values.push(value);
        bytes = rest;
    }
    if bytes.is_empty() { Ok(values) } else { Err(damaged()) }
}

/// A length of seven bits per byte, the lowest first.
fn read_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut length = 0;
    for (at, byte) in bytes.iter().enumerate().take(5) {
        length |= usize::from(byte & 0x7f) << (7 * at);
        if *byte < 0x80 {
            return Some((length, &bytes[at + 1..]));
        }
    }
    None
}

/// Appends a length that [`read_length`] reads.
pub(super) fn put_length(mut length: usize, out: &mut Vec<u8>) {
    let low = |length: usize| length.to_le_bytes()[0];
    while length >= 0x80 {
        out.push(low(length) | 0x80);
        length >>= 7;
    }
    out.push(low(length));
}
