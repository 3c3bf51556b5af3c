//! A table of cells over one arena.

use larder_core::{Error, Result};

/// What a store holds for one feature of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cell<'a> {
    /// Never written. In a row to write: left out, the stored value stays.
    Missing,
    /// Written as null (Feast's unset `Value`, zero bytes).
    Null,
    /// An encoded `feast.types.Value`, never empty.
    Value(&'a [u8]),
}

impl<'a> Cell<'a> {
    /// The stored bytes: `None` when missing, empty when null.
    pub fn bytes(self) -> Option<&'a [u8]> {
        match self {
            Self::Missing => None,
            Self::Null => Some(&[]),
            Self::Value(bytes) => Some(bytes),
        }
    }
}

impl<'a> From<Option<&'a [u8]>> for Cell<'a> {
    fn from(bytes: Option<&'a [u8]>) -> Self {
        match bytes {
            None => Self::Missing,
            Some([]) => Self::Null,
            Some(bytes) => Self::Value(bytes),
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Span {
    start: u32,
    len: u32,
}

const MISSING: Span = Span { start: u32::MAX, len: u32::MAX };

/// The first row may be longer than the others.
const MOST_EXPECTED: usize = 256 << 10;

/// Rows x features cells, row by row.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cells {
    features: usize,
    arena: Vec<u8>,
    spans: Vec<Span>,
}

impl Cells {
    pub(crate) fn new(features: usize, rows: usize) -> Self {
        Self { features, arena: Vec::new(), spans: Vec::with_capacity(features * rows) }
    }

    pub(crate) fn features(&self) -> usize {
        self.features
    }

    pub(crate) fn bytes(&self) -> usize {
        self.arena.len()
    }

    /// Bytes of all values.
    pub(crate) fn arena_len(&self) -> usize {
        self.arena.len()
    }

    /// Appends a row of missing cells.
    pub(crate) fn begin_row(&mut self) {
        self.spans.resize(self.spans.len() + self.features, MISSING);
    }

    /// Sets a cell of the last row; empty bytes are null.
    pub(crate) fn set(&mut self, feature: usize, bytes: &[u8]) -> Result<()> {
        self.expect(bytes.len() * self.features);
        let base = self.append(bytes)?;
        self.point(feature, base, 0, bytes.len());
        Ok(())
    }

    /// Sets a cell of the last row to what `encode` appends to the arena.
    pub(crate) fn set_with(
        &mut self,
        feature: usize,
        limit: usize,
        encode: impl FnOnce(&mut Vec<u8>),
    ) -> Result<()> {
        let start = self.arena.len();
        encode(&mut self.arena);
        let len = self.arena.len().checked_sub(start).ok_or_else(|| {
            Error::internal("an encoder removed bytes that belong to another value")
        })?;
        if len > limit {
            self.arena.truncate(start);
            return Err(value_too_long(len, limit));
        }
        let base = position(start, len)?;
        self.point(feature, base, 0, len);
        Ok(())
    }

    /// Makes room for all rows when the first one comes: the others are about as long.
    pub(crate) fn expect(&mut self, row: usize) {
        if self.arena.capacity() == 0 && self.features > 0 {
            let rows = self.spans.capacity() / self.features;
            self.arena.reserve(row.saturating_mul(rows).min(MOST_EXPECTED));
        }
    }

    /// Copies bytes that several cells will [`point`](Self::point) into; answers where they start.
    #[inline]
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<u32> {
        let base = position(self.arena.len(), bytes.len())?;
        self.arena.extend_from_slice(bytes);
        Ok(base)
    }

    /// Lets a cell of the last row show `len` bytes from `base + start`, within what was appended.
    #[inline]
    pub(crate) fn point(&mut self, feature: usize, base: u32, start: usize, len: usize) {
        assert!(feature < self.features, "feature {feature} of {}", self.features);
        let row = self.spans.len() - self.features;
        let narrow = |n: usize| u32::try_from(n).expect("append refused to pass 4 GiB");
        self.spans[row + feature] = Span { start: base + narrow(start), len: narrow(len) };
    }

    #[inline]
    pub(crate) fn get(&self, row: usize, feature: usize) -> Cell<'_> {
        assert!(feature < self.features, "feature {feature} of {}", self.features);
        self.at(self.spans[row * self.features + feature])
    }

    /// All cells of a row.
    #[inline]
    pub(crate) fn row(&self, row: usize) -> impl ExactSizeIterator<Item = Cell<'_>> {
        let start = row * self.features;
        self.spans[start..start + self.features].iter().map(|span| self.at(*span))
    }

    #[inline]
    fn at(&self, span: Span) -> Cell<'_> {
        if span.len == MISSING.len {
            return Cell::Missing;
        }
        let start = span.start as usize;
        Cell::from(Some(&self.arena[start..start + span.len as usize]))
    }
}

pub(crate) fn value_too_long(len: usize, limit: usize) -> Error {
    Error::invalid(format!("a value has {len} bytes, more than {limit}"))
}

/// `start` as an arena position, provided that `len` more bytes fit below the missing mark.
fn position(start: usize, len: usize) -> Result<u32> {
    let end = start.checked_add(len).and_then(|end| u32::try_from(end).ok());
    match end {
        Some(end) if end < u32::MAX => {
            Ok(u32::try_from(start).expect("start is not above end, which fits"))
        }
        _ => Err(Error::invalid("one batch of rows holds more than 4 GiB of values")
            .with_hint("split the batch")),
    }
}

#[cfg(test)]
mod tests {
    use larder_core::ErrorKind;

    use super::*;

    #[test]
    fn missing_null_and_value_stay_apart() {
        let mut cells = Cells::new(3, 1);
        cells.begin_row();
        cells.set(1, b"").unwrap();
        cells.set(2, b"x").unwrap();
        assert_eq!(
            [cells.get(0, 0), cells.get(0, 1), cells.get(0, 2)],
            [Cell::Missing, Cell::Null, Cell::Value(b"x")]
        );
        assert_eq!(cells.get(0, 0).bytes(), None);
        assert_eq!(cells.get(0, 1).bytes(), Some(&b""[..]));
    }

    #[test]
    fn a_value_above_the_limit_is_refused_and_leaves_the_cell_alone() {
        let mut cells = Cells::new(1, 1);
        cells.begin_row();
        let refused = cells.set_with(0, 3, |arena| arena.extend_from_slice(b"four"));
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Invalid);
        assert_eq!((cells.get(0, 0), cells.arena_len()), (Cell::Missing, 0));
        cells.set_with(0, 4, |arena| arena.extend_from_slice(b"four")).unwrap();
        assert_eq!(cells.get(0, 0), Cell::Value(b"four"));
    }

    #[test]
    fn positions_stop_below_the_missing_mark() {
        assert_eq!(position(7, 5).unwrap(), 7);
        assert_eq!(position(u32::MAX as usize, 0).unwrap_err().kind(), ErrorKind::Invalid);
        assert_eq!(position(usize::MAX, 1).unwrap_err().kind(), ErrorKind::Invalid);
    }
}
