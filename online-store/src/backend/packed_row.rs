//! A whole row in one value, format version 1: what the embedded store keeps per (view, entity key), and what Redis kept
//! in its packed layout before version 2 (`redis::row`).
//!
//! ```text
//! u8  version = 1
//! u8  flags: bit 0 = the row has a created timestamp
//! u16 number of features n
//! i64 event timestamp, UTC microseconds
//! i64 created timestamp, UTC microseconds       only with flag bit 0
//! n x u32 feature hash, ascending                murmur3 of `<view>:<feature>`
//! n x u32 end of the value within the values
//! values                                         a null is zero bytes long
//! ```
//!
//! Little-endian, unaligned. A feature whose hash is not listed is missing, so a view's schema may change without
//! rewriting rows.

use larder_core::{Error, Result};

use crate::{Cell, ReadRows, RowTimes, ViewTable, WriteRows};

/// Version of these bytes; anything else is refused.
const FORMAT: u8 = 1;
const HAS_CREATED: u8 = 1;
const WORD: usize = 4;

/// A stored row, checked once, borrowed from where it lies.
#[derive(Debug, Clone, Copy)]
pub(super) struct PackedRow<'a> {
    times: RowTimes,
    hashes: &'a [u8],
    ends: &'a [u8],
    values: &'a [u8],
}

impl<'a> PackedRow<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self> {
        let [version, flags, low, high, rest @ ..] = bytes else { return Err(damaged()) };
        if *version != FORMAT {
            return Err(Error::data(format!("a stored row has the unknown format {version}"))
                .with_hint("it was written by a newer version of fs: upgrade this one"));
        }
        let count = usize::from(u16::from_le_bytes([*low, *high]));
        let row = Self::parse_rest(rest, *flags, count).ok_or_else(damaged)?;
        if count > 0 && row.end(count - 1) != row.values.len() {
            return Err(damaged());
        }
        Ok(row)
    }

    fn parse_rest(rest: &'a [u8], flags: u8, count: usize) -> Option<Self> {
        let (event, mut rest) = rest.split_first_chunk()?;
        let mut times = RowTimes { event: i64::from_le_bytes(*event), created: None };
        if flags & HAS_CREATED != 0 {
            let (created, after) = rest.split_first_chunk()?;
            (times.created, rest) = (Some(i64::from_le_bytes(*created)), after);
        }
        let (hashes, rest) = rest.split_at_checked(count * WORD)?;
        let (ends, values) = rest.split_at_checked(count * WORD)?;
        Some(Self { times, hashes, ends, values })
    }

    pub(super) fn times(&self) -> RowTimes {
        self.times
    }

    /// Features as they are named, with their values; a null is no bytes.
    pub(super) fn columns(&self) -> impl Iterator<Item = Result<(u32, &'a [u8])>> {
        (0..self.len()).map(|at| Ok((self.hash(at), self.value(at)?)))
    }

    fn len(&self) -> usize {
        self.hashes.len() / WORD
    }

    fn hash(&self, at: usize) -> u32 {
        word(self.hashes, at)
    }

    fn end(&self, at: usize) -> usize {
        word(self.ends, at) as usize
    }

    fn all_ends(&self) -> impl Iterator<Item = usize> {
        let (ends, _) = self.ends.as_chunks::<WORD>();
        ends.iter().map(|end| u32::from_le_bytes(*end) as usize)
    }

    fn value(&self, at: usize) -> Result<&'a [u8]> {
        let start = at.checked_sub(1).map_or(0, |before| self.end(before));
        self.values.get(start..self.end(at)).ok_or_else(damaged)
    }

    fn find(&self, hash: u32) -> Option<usize> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            match self.hash(middle).cmp(&hash) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Some(middle),
            }
        }
        None
    }
}

/// The error for bytes that are no row of ours.
fn damaged() -> Error {
    Error::data("a stored row of the online store is damaged")
        .with_hint("restore the store, or materialize the view again after removing its rows")
}

fn word(words: &[u8], at: usize) -> u32 {
    let bytes = words[at * WORD..].first_chunk().expect("the caller stays below the row's length");
    u32::from_le_bytes(*bytes)
}

/// Features of a table as stored rows name them.
#[derive(Debug)]
pub(super) struct Selection {
    /// Sorted hashes, as they stand in a row that holds exactly these features.
    hashes: Vec<u8>,
    /// The same hashes with the position of the feature in the table.
    features: Vec<(u32, usize)>,
}

impl Selection {
    pub(super) fn new(table: &ViewTable) -> Self {
        let features: Vec<(u32, usize)> = table.by_hash().collect();
        let hashes = features.iter().flat_map(|(hash, _)| hash.to_le_bytes()).collect();
        Self { hashes, features }
    }

    /// Appends the selected features of a stored row to an answer, copying their bytes once.
    pub(super) fn unpack(&self, row: &PackedRow<'_>, rows: &mut ReadRows) -> Result<()> {
        rows.begin_row(Some(row.times.event));
        if row.hashes == self.hashes && !rows.cells_mut().has_any_slots() {
            return self.unpack_whole(row, rows);
        }
        for &(hash, feature) in &self.features {
            if let Some(at) = row.find(hash) {
                rows.set(feature, row.value(at)?)?;
            }
        }
        Ok(())
    }

    fn unpack_whole(&self, row: &PackedRow<'_>, rows: &mut ReadRows) -> Result<()> {
        let cells = rows.cells_mut();
        cells.expect(row.values.len());
        let base = cells.append(row.values)?;
        let mut start = 0;
        for (&(_, feature), end) in self.features.iter().zip(row.all_ends()) {
            let length = end.checked_sub(start).filter(|_| end <= row.values.len());
            cells.point(feature, base, start, length.ok_or_else(damaged)?);
            start = end;
        }
        Ok(())
    }

    /// Packs row `at` of `rows` into `packed`, keeping what `stored` has of other features.
    pub(super) fn pack(
        &self,
        rows: &WriteRows,
        at: usize,
        stored: Option<&PackedRow<'_>>,
        packed: &mut Vec<u8>,
    ) -> Result<()> {
        let mut written = Vec::with_capacity(self.features.len());
        for &(hash, feature) in &self.features {
            match rows.cell(at, feature) {
                Cell::Missing => {}
                cell => written.push((hash, cell.bytes().unwrap_or_default())),
            }
        }
        let columns = match stored {
            Some(stored) => merge(stored, &written)?,
            None => written,
        };
        encode(rows.times(at), &columns, packed)
    }
}

/// Stored and written features in the order of their hashes; written ones win.
fn merge<'a>(stored: &PackedRow<'a>, written: &[(u32, &'a [u8])]) -> Result<Vec<(u32, &'a [u8])>> {
    let mut merged = Vec::with_capacity(stored.len() + written.len());
    let mut written = written.iter().copied().peekable();
    for at in 0..stored.len() {
        let hash = stored.hash(at);
        while let Some(column) = written.next_if(|column| column.0 < hash) {
            merged.push(column);
        }
        if written.peek().is_none_or(|column| column.0 != hash) {
            merged.push((hash, stored.value(at)?));
        }
    }
    merged.extend(written);
    Ok(merged)
}

fn encode(times: RowTimes, columns: &[(u32, &[u8])], packed: &mut Vec<u8>) -> Result<()> {
    let count = u16::try_from(columns.len())
        .map_err(|_| Error::invalid("one row of a view can hold at most 65 535 features"))?;
    packed.clear();
    packed.extend([FORMAT, if times.created.is_some() { HAS_CREATED } else { 0 }]);
    packed.extend(count.to_le_bytes());
    packed.extend(times.event.to_le_bytes());
    packed.extend(times.created.iter().flat_map(|created| created.to_le_bytes()));
    packed.extend(columns.iter().flat_map(|(hash, _)| hash.to_le_bytes()));
    let mut end = 0_usize;
    for (_, value) in columns {
        end += value.len();
        let end =
            u32::try_from(end).map_err(|_| Error::invalid("one row holds more than 4 GiB"))?;
        packed.extend(end.to_le_bytes());
    }
    for (_, value) in columns {
        packed.extend_from_slice(value);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use larder_core::ErrorKind;

    use super::*;
    use crate::WriteRowsBuilder;

    const EVENT: i64 = 1_767_225_600_123_456;

    fn table(features: &[&'static str]) -> ViewTable {
        ViewTable::new("shop", "users", features.iter().copied()).unwrap()
    }

    fn pack(
        table: &ViewTable,
        created: Option<i64>,
        cells: &[Option<&[u8]>],
        stored: Option<&[u8]>,
    ) -> Vec<u8> {
        let mut rows = WriteRowsBuilder::new(table);
        rows.begin_row(b"key", EVENT, created).unwrap();
        for (feature, cell) in cells.iter().enumerate() {
            if let Some(value) = cell {
                rows.set(feature, value).unwrap();
            }
        }
        let stored = stored.map(|bytes| PackedRow::parse(bytes).unwrap());
        let mut packed = Vec::new();
        Selection::new(table).pack(&rows.finish(), 0, stored.as_ref(), &mut packed).unwrap();
        packed
    }

    fn unpack<'a>(table: &ViewTable, packed: &[u8], rows: &'a mut ReadRows) -> Vec<Cell<'a>> {
        *rows = ReadRows::with_capacity(1, table.features().len());
        Selection::new(table).unpack(&PackedRow::parse(packed).unwrap(), rows).unwrap();
        (0..table.features().len()).map(|feature| rows.cell(0, feature)).collect()
    }

    #[test]
    fn version_1_rows_have_their_documented_bytes() {
        let table = table(&["age", "city", "gone"]);
        let row = pack(&table, Some(EVENT + 1), &[Some(b"\x20\x07"), Some(b""), None], None);
        assert_eq!(
            hex::encode(row),
            "0101020040222246484706004122224648470600d9a97844adf414f002000000020000002007"
        );
        let row = pack(&table, None, &[None, Some(b"\x12\x01x"), None], None);
        assert_eq!(hex::encode(row), "010001004022224648470600adf414f003000000120178");
    }

    #[test]
    fn cells_come_back_as_written() {
        let table = table(&["age", "city", "gone"]);
        let packed = pack(&table, None, &[Some(b"7"), Some(b""), None], None);
        let expected = [Cell::Value(b"7"), Cell::Null, Cell::Missing];
        assert_eq!(unpack(&table, &packed, &mut ReadRows::default()), expected);
    }

    #[test]
    fn features_left_out_keep_their_value_under_the_new_time() {
        let table = table(&["a", "b", "c", "d"]);
        let before = pack(&table, None, &[Some(b"1"), Some(b"2"), None, Some(b"")], None);
        let after = pack(&table, Some(1), &[None, Some(b"two"), Some(b"3"), None], Some(&before));
        let expected = [Cell::Value(b"1"), Cell::Value(b"two"), Cell::Value(b"3"), Cell::Null];
        assert_eq!(unpack(&table, &after, &mut ReadRows::default()), expected);
        assert_eq!(
            PackedRow::parse(&after).unwrap().times(),
            RowTimes { event: EVENT, created: Some(1) }
        );
    }

    #[test]
    fn a_changed_schema_reads_old_rows() {
        let before =
            pack(&table(&["a", "b", "c"]), None, &[Some(b"1"), Some(b"2"), Some(b"3")], None);
        let now = table(&["new", "c", "a"]);
        let expected = [Cell::Missing, Cell::Value(b"3"), Cell::Value(b"1")];
        assert_eq!(unpack(&now, &before, &mut ReadRows::default()), expected);
    }

    #[test]
    fn cut_rows_are_errors() {
        let table = table(&["a", "b"]);
        let packed = pack(&table, Some(1), &[Some(b"1"), Some(b"2")], None);
        for cut in 0..packed.len() {
            let parsed = PackedRow::parse(&packed[..cut]);
            assert_eq!(parsed.unwrap_err().kind(), ErrorKind::Data, "{cut}");
        }
    }

    #[test]
    fn a_row_of_an_unknown_version_is_an_error() {
        let mut packed = pack(&table(&["a"]), None, &[Some(b"1")], None);
        packed[0] = 2;
        assert_eq!(PackedRow::parse(&packed).unwrap_err().kind(), ErrorKind::Data);
    }

    #[test]
    fn ends_that_run_backwards_are_an_error() {
        let table = table(&["a", "b"]);
        let mut packed = pack(&table, None, &[Some(b"1"), Some(b"2")], None);
        let ends = 12 + 2 * WORD;
        packed[ends] = 9;
        let mut rows = ReadRows::with_capacity(1, 2);
        let row = PackedRow::parse(&packed).unwrap();
        let unpacked = Selection::new(&table).unpack(&row, &mut rows);
        assert_eq!(unpacked.unwrap_err().kind(), ErrorKind::Data);
    }
}
