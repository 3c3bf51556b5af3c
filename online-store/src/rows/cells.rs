//! A table of cells over one arena.

use larder_core::{Error, Result};

use super::slots::{SlotForm, Slots};

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

/// Rows x features cells, row by row; columns of floats may lie apart, each in slots of its own.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cells {
    features: usize,
    rows: usize,
    arena: Vec<u8>,
    /// None while all columns have slots.
    spans: Vec<Span>,
    /// Empty, or an item per feature.
    slots: Vec<Option<Slots>>,
    /// Whether all columns have slots.
    are_slots: bool,
}

impl Cells {
    pub(crate) fn new(features: usize, rows: usize) -> Self {
        let spans = Vec::with_capacity(features * rows);
        Self { features, rows: 0, arena: Vec::new(), spans, slots: Vec::new(), are_slots: false }
    }

    /// With slots for the features that have a form.
    pub(crate) fn with_slots(rows: usize, forms: impl Iterator<Item = Option<SlotForm>>) -> Self {
        let slots: Vec<Option<Slots>> =
            forms.map(|form| form.map(|form| Slots::new(form, rows))).collect();
        let are_slots = slots.iter().all(Option::is_some);
        let room = if are_slots { 0 } else { rows * slots.len() };
        let spans = Vec::with_capacity(room);
        Self { features: slots.len(), rows: 0, arena: Vec::new(), spans, slots, are_slots }
    }

    pub(crate) fn features(&self) -> usize {
        self.features
    }

    /// Bytes of all values.
    pub(crate) fn bytes(&self) -> usize {
        self.arena.len() + self.slots.iter().flatten().map(Slots::bytes).sum::<usize>()
    }

    /// Bytes of the values that lie in the arena: of all, without slots.
    pub(crate) fn arena_len(&self) -> usize {
        self.arena.len()
    }

    /// Appends a row of missing cells.
    pub(crate) fn begin_row(&mut self) {
        self.rows += 1;
        if !self.are_slots {
            self.spans.resize(self.rows * self.features, MISSING);
        }
    }

    /// Sets a cell of the last row; empty bytes are null.
    pub(crate) fn set(&mut self, feature: usize, bytes: &[u8]) -> Result<()> {
        if !self.slots.is_empty() {
            return self.set_at(self.rows - 1, feature, bytes);
        }
        self.expect(bytes.len() * self.features);
        let base = self.append(bytes)?;
        self.point(feature, base, 0, bytes.len());
        Ok(())
    }

    /// Sets a cell of any row that was begun; empty bytes are null.
    pub(crate) fn set_at(&mut self, row: usize, feature: usize, bytes: &[u8]) -> Result<()> {
        if let Some(slots) = self.slots(feature) {
            if slots.set(row, bytes) {
                return Ok(());
            }
            self.give_up_slots(feature)?;
        }
        let start = self.append(bytes)?;
        self.spans[row * self.features + feature] = Span { start, len: narrow(bytes.len()) };
        Ok(())
    }

    /// The slots of a feature, if it has any.
    pub(crate) fn slots(&mut self, feature: usize) -> Option<&mut Slots> {
        self.slots.get_mut(feature)?.as_mut()
    }

    /// The encoded values of a feature with slots that every row has a value of, and the length of each.
    pub(crate) fn whole(&self, feature: usize) -> Option<&[u8]> {
        self.slots.get(feature)?.as_ref()?.whole(self.rows)
    }

    /// Whether a feature has slots, in which nothing lies but values of its form.
    pub(crate) fn has_slots(&self, feature: usize) -> bool {
        matches!(self.slots.get(feature), Some(Some(_)))
    }

    /// Whether any feature has slots.
    pub(crate) fn has_any_slots(&self) -> bool {
        !self.slots.is_empty()
    }

    /// Moves a column that has to hold something else to the others.
    fn give_up_slots(&mut self, feature: usize) -> Result<()> {
        self.are_slots = false;
        self.spans.resize(self.rows * self.features, MISSING);
        let Some(slots) = self.slots[feature].take() else { return Ok(()) };
        for row in 0..self.rows {
            if let Some(bytes) = slots.get(row).bytes() {
                self.set_at(row, feature, bytes)?;
            }
        }
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
        self.spans[row + feature] = Span { start: base + narrow(start), len: narrow(len) };
    }

    #[inline]
    pub(crate) fn get(&self, row: usize, feature: usize) -> Cell<'_> {
        assert!(feature < self.features, "feature {feature} of {}", self.features);
        if let Some(Some(slots)) = self.slots.get(feature) {
            assert!(row < self.rows, "row {row} of {}", self.rows);
            return slots.get(row);
        }
        self.at(self.spans[row * self.features + feature])
    }

    /// All cells of a row.
    #[inline]
    pub(crate) fn row(&self, row: usize) -> impl ExactSizeIterator<Item = Cell<'_>> {
        (0..self.features).map(move |feature| self.get(row, feature))
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

fn narrow(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("append refused to pass 4 GiB")
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
    fn a_column_gives_its_slots_up_for_a_value_of_another_form() {
        let float = SlotForm { tag: 0x35, width: 4 };
        let mut cells = Cells::with_slots(3, [Some(float), Some(float)].into_iter());
        for value in [&b"\x35\0\0\0\0"[..], b"", b"\x20\x07"] {
            cells.begin_row();
            cells.set(0, value).unwrap();
            cells.set(1, b"\x35\0\0\0\0").unwrap();
        }
        cells.begin_row();
        let column: Vec<Cell<'_>> = (0..4).map(|row| cells.get(row, 0)).collect();
        let float = Cell::Value(b"\x35\0\0\0\0");
        assert_eq!(column, [float, Cell::Null, Cell::Value(b"\x20\x07"), Cell::Missing]);
        let other: Vec<Cell<'_>> = (0..4).map(|row| cells.get(row, 1)).collect();
        assert_eq!(other, [float, float, float, Cell::Missing]);
        assert!(!cells.has_slots(0) && cells.has_slots(1));
        assert_eq!(cells.row(1).collect::<Vec<_>>(), [Cell::Null, float]);
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
