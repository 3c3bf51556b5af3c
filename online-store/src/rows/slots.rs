//! A column of floats or booleans: encoded values that all have the same length, one after the other.

use super::Cell;

/// Number of bytes of a value and what stands in front of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SlotForm {
    /// The tag of the only field of an encoded value; neither of the marks.
    pub(crate) tag: u8,
    /// Bytes behind the tag.
    pub(crate) width: usize,
}

/// In place of a tag: a null, and a cell that was never written.
const NULL: u8 = 0;
const MISSING: u8 = 1;

/// The column, filled from the first row on; rows that it does not reach are missing.
#[derive(Debug, Clone)]
pub(crate) struct Slots {
    form: SlotForm,
    bytes: Vec<u8>,
    /// Cells that are values.
    values: usize,
}

impl Slots {
    pub(crate) fn new(form: SlotForm, rows: usize) -> Self {
        Self { form, bytes: Vec::with_capacity(rows * (form.width + 1)), values: 0 }
    }

    /// Bytes of a slot.
    #[inline]
    fn stride(&self) -> usize {
        self.form.width + 1
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The encoded values of all of so many rows, if each has one.
    #[inline]
    pub(crate) fn whole(&self, rows: usize) -> Option<&[u8]> {
        (self.values == rows).then_some(&self.bytes)
    }

    #[inline]
    pub(crate) fn get(&self, row: usize) -> Cell<'_> {
        let stride = self.stride();
        match self.bytes.get(row * stride..(row + 1) * stride) {
            None | Some([MISSING, ..]) => Cell::Missing,
            Some([NULL, ..]) => Cell::Null,
            Some(value) => Cell::Value(value),
        }
    }

    /// Sets a cell to an encoded value or, without bytes, to null; false when such a value has no place here.
    pub(crate) fn set(&mut self, row: usize, value: &[u8]) -> bool {
        match value.split_first() {
            None => self.mark(row, NULL),
            Some((tag, raw)) if *tag == self.form.tag && raw.len() == self.form.width => {
                self.begin(row);
                self.bytes.extend_from_slice(value);
                self.values += 1;
            }
            Some(_) => return false,
        }
        true
    }

    /// Sets the cells from `first` on to what follows the tag, a value for each.
    #[inline]
    pub(crate) fn put_all<'v, const N: usize>(
        &mut self,
        first: usize,
        values: impl Iterator<Item = &'v [u8; N]>,
    ) {
        debug_assert_eq!(N, self.form.width, "a value of another length");
        self.begin(first);
        let before = self.bytes.len();
        for value in values {
            self.bytes.push(self.form.tag);
            self.bytes.extend_from_slice(value);
        }
        self.values += (self.bytes.len() - before) / (N + 1);
    }

    fn mark(&mut self, row: usize, mark: u8) {
        self.begin(row);
        self.bytes.push(mark);
        self.bytes.resize((row + 1) * self.stride(), 0);
    }

    /// Lets the next slot be that of `row`: cells before it that nobody set are missing, its own goes.
    #[inline]
    fn begin(&mut self, row: usize) {
        let start = row * self.stride();
        if self.bytes.len() == start {
            return;
        }
        while self.bytes.len() < start {
            let next = self.bytes.len() / self.stride();
            self.bytes.push(MISSING);
            self.bytes.resize((next + 1) * self.stride(), 0);
        }
        while self.bytes.len() > start {
            let last = self.bytes.len() - self.stride();
            self.values -= usize::from(self.bytes[last] == self.form.tag);
            self.bytes.truncate(last);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOAT: SlotForm = SlotForm { tag: 0x35, width: 4 };
    const ONE: &[u8] = &[0x35, 0, 0, 0x80, 0x3f];

    #[test]
    fn cells_are_what_was_set_and_missing_where_nothing_was() {
        let mut slots = Slots::new(FLOAT, 4);
        assert!(slots.set(1, ONE));
        assert!(slots.set(2, b""));
        let cells: Vec<Cell<'_>> = (0..4).map(|row| slots.get(row)).collect();
        assert_eq!(cells, [Cell::Missing, Cell::Value(ONE), Cell::Null, Cell::Missing]);
        assert_eq!(slots.whole(4), None);
    }

    #[test]
    fn a_column_is_whole_when_every_row_has_a_value() {
        let mut slots = Slots::new(FLOAT, 3);
        slots.put_all(0, [[1, 2, 3, 4], [5, 6, 7, 8]].iter());
        assert!(slots.set(1, ONE), "the later value stays");
        assert_eq!(slots.whole(2), Some(&[0x35, 1, 2, 3, 4, 0x35, 0, 0, 0x80, 0x3f][..]));
        assert!(slots.set(1, b""));
        assert_eq!((slots.whole(2), slots.get(1)), (None, Cell::Null));
    }

    #[test]
    fn values_of_another_form_have_no_place() {
        let mut slots = Slots::new(FLOAT, 1);
        for value in [&b"\x35\0\0\0"[..], b"\x35\0\0\0\0\0", b"\x20\x07", b"\xff"] {
            assert!(!slots.set(0, value), "{value:?}");
        }
        assert_eq!(slots.get(0), Cell::Missing);
    }
}
