//! Bytes of states: little-endian, lengths before contents.

use larder_core::{Error, Result};

use crate::scalar::Scalar;

#[inline]
pub(crate) fn put_u64(number: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(&number.to_le_bytes());
}

#[inline]
pub(crate) fn put_i64(number: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(&number.to_le_bytes());
}

pub(crate) fn put_f64(number: f64, out: &mut Vec<u8>) {
    put_u64(number.to_bits(), out);
}

/// Number of items, at most `u32::MAX`, which no state reaches.
#[inline]
pub(crate) fn put_len(len: usize, out: &mut Vec<u8>) {
    let len = u32::try_from(len).expect("a state has fewer than four billion items");
    out.extend_from_slice(&len.to_le_bytes());
}

/// Bytes after their number.
pub(crate) fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    put_len(bytes.len(), out);
    out.extend_from_slice(bytes);
}

/// A value with its type.
#[inline]
pub(crate) fn put_scalar(value: Scalar<'_>, out: &mut Vec<u8>) {
    match value {
        Scalar::Null => out.push(0),
        Scalar::Bool(truth) => out.extend([1, u8::from(truth)]),
        Scalar::Int(number) => {
            out.push(2);
            put_i64(number, out);
        }
        Scalar::Double(number) => {
            out.push(3);
            put_f64(number, out);
        }
        Scalar::Text(text) => {
            out.push(4);
            put_len(text.len(), out);
            out.extend_from_slice(text.as_bytes());
        }
    }
}

/// Reads what was put.
#[derive(Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    #[inline]
    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        let Some((taken, rest)) = self.0.split_at_checked(len) else { return Err(truncated()) };
        self.0 = rest;
        Ok(taken)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        Ok(self.take(N)?.try_into().expect("as many bytes as were taken"))
    }

    #[inline]
    pub(crate) fn byte(&mut self) -> Result<u8> {
        Ok(self.array::<1>()?[0])
    }

    #[inline]
    pub(crate) fn u64(&mut self) -> Result<u64> {
        self.array().map(u64::from_le_bytes)
    }

    #[inline]
    pub(crate) fn i64(&mut self) -> Result<i64> {
        self.array().map(i64::from_le_bytes)
    }

    pub(crate) fn i128(&mut self) -> Result<i128> {
        self.array().map(i128::from_le_bytes)
    }

    pub(crate) fn f64(&mut self) -> Result<f64> {
        self.u64().map(f64::from_bits)
    }

    /// A number of items of at least `width` bytes each: more than the rest can hold is refused before room is made.
    #[inline]
    pub(crate) fn len(&mut self, width: usize) -> Result<usize> {
        let len = u32::from_le_bytes(self.array()?) as usize;
        if len.saturating_mul(width) > self.0.len() { Err(truncated()) } else { Ok(len) }
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8]> {
        let len = self.len(1)?;
        self.take(len)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str> {
        std::str::from_utf8(self.bytes()?)
            .map_err(|error| Error::data("a text of a state is not UTF-8").with_source(error))
    }

    pub(crate) fn flag(&mut self) -> Result<bool> {
        self.byte().map(|byte| byte != 0)
    }

    #[inline]
    pub(crate) fn scalar(&mut self) -> Result<Scalar<'a>> {
        Ok(match self.byte()? {
            0 => Scalar::Null,
            1 => Scalar::Bool(self.byte()? != 0),
            2 => Scalar::Int(self.i64()?),
            3 => Scalar::Double(self.f64()?),
            4 => Scalar::Text(self.text()?),
            other => return Err(Error::data(format!("{other} is no type of a value"))),
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Refuses bytes that nobody read.
    pub(crate) fn finish(&self) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        Err(Error::data(format!("{} bytes of a state are left over", self.0.len())))
    }
}

fn truncated() -> Error {
    Error::data("the bytes of a state end too early")
}
