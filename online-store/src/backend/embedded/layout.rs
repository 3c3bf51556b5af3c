//! Keys of the LMDB environment, format version 2.
//!
//! Everything lies in the unnamed database, so that opening a table costs nothing and their number has no limit:
//!
//! ```text
//! 00 "format"                             -> u8 version
//! 00 "next_table"                         -> u32 number of the next table
//! 01 {u16 length | project} view          -> u32 number of the table
//! 03 {u32 table}                          -> nothing: a removed table whose rows wait for removal
//! 04 00 entity key {u32 table}            -> packed row (see `backend::packed_row`)
//! 04 01 {u128 hash of key} {u32 table}    -> bucket of rows whose keys are too long for LMDB
//! bucket = {u32 length | entity key | u32 length | packed row}*
//! ```
//!
//! Numbers in keys are big-endian (so that they sort), in values little-endian. Table numbers are never used twice: a
//! view that is removed and made again starts empty at once, however many rows remain to be swept.
//!
//! The rows of one entity lie side by side, whatever their views: a request reads several views of the same entities, and
//! finding its place in the tree costs more than the rows that follow. Format 1 had the table first, under `02`; see
//! [`upgrade`](super::upgrade).

use std::io::Cursor;

use larder_core::{Error, Result};

use crate::ViewTable;

/// Version of the keys; [`FIRST_FORMAT`] is brought up to it, anything else is refused.
pub(super) const FORMAT: u8 = 2;
pub(super) const FIRST_FORMAT: u8 = 1;
pub(super) const FORMAT_KEY: &[u8] = b"\x00format";
pub(super) const NEXT_TABLE_KEY: &[u8] = b"\x00next_table";
pub(super) const SWEEP_PREFIX: &[u8] = &[3];

/// LMDB's limit on keys, as compiled by heed.
const LMDB_KEY_BYTES: usize = 511;
/// The start of every row's key.
pub(super) const ROW_PREFIX: &[u8] = &[ROW];
/// The start of every row's key in format 1, before the table.
pub(super) const FIRST_ROW_PREFIX: &[u8] = &[2];
const ROW: u8 = 4;
const WHOLE: u8 = 0;
const HASHED: u8 = 1;
const TABLE_BYTES: usize = 4;

/// The key of a table's number.
pub(super) fn table_key(table: &ViewTable) -> Result<Vec<u8>> {
    let (project, view) = (table.project(), table.view());
    let mut key = vec![1];
    key.extend(u16::try_from(project.len()).unwrap_or(u16::MAX).to_be_bytes());
    key.extend(project.bytes().chain(view.bytes()));
    if key.len() <= LMDB_KEY_BYTES {
        return Ok(key);
    }
    Err(Error::invalid(format!("the names of {table} are longer than the embedded store can hold"))
        .with_hint(format!("project and view may have {} bytes together", LMDB_KEY_BYTES - 3)))
}

/// The key that marks a removed table.
pub(super) fn sweep_key(table: u32) -> [u8; 5] {
    let mut key = [3; 5];
    key[1..].copy_from_slice(&table.to_be_bytes());
    key
}

/// The table of a row's key.
pub(super) fn table_of(row_key: &[u8]) -> Option<u32> {
    row_key.last_chunk().map(|digits| u32::from_be_bytes(*digits))
}

/// The key of format 2 for one of format 1.
pub(super) fn row_key_of_first_format(key: &[u8]) -> Option<Vec<u8>> {
    let (table, kind_and_entity) =
        key.strip_prefix(FIRST_ROW_PREFIX)?.split_at_checked(TABLE_BYTES)?;
    Some([ROW_PREFIX, kind_and_entity, table].concat())
}

/// Where a row lies.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum RowKey<'a> {
    /// Under a key of its own.
    Whole(&'a [u8]),
    /// In the bucket with this key.
    Hashed(&'a [u8]),
}

/// Builds the keys of rows in one buffer.
#[derive(Debug)]
pub(super) struct RowKeys(Vec<u8>);

impl RowKeys {
    pub(super) fn new() -> Self {
        Self(Vec::with_capacity(LMDB_KEY_BYTES))
    }

    /// The key under which the row of an entity in a table lies.
    pub(super) fn of(&mut self, entity_key: &[u8], table: u32) -> RowKey<'_> {
        self.0.clear();
        self.0.push(ROW);
        let is_whole = 2 + entity_key.len() + TABLE_BYTES <= LMDB_KEY_BYTES;
        if is_whole {
            self.0.push(WHOLE);
            self.0.extend_from_slice(entity_key);
        } else {
            let hash = murmur3::murmur3_x64_128(&mut Cursor::new(entity_key), 0)
                .expect("reading from memory cannot fail");
            self.0.push(HASHED);
            self.0.extend(hash.to_be_bytes());
        }
        self.0.extend(table.to_be_bytes());
        if is_whole { RowKey::Whole(&self.0) } else { RowKey::Hashed(&self.0) }
    }
}

impl<'a> RowKey<'a> {
    /// The bytes of the key.
    pub(super) fn bytes(&self) -> &'a [u8] {
        let (Self::Whole(key) | Self::Hashed(key)) = self;
        key
    }

    /// The table of a key that differs from this one in nothing else.
    pub(super) fn sibling(&self, key: &[u8]) -> Option<u32> {
        let own = self.bytes();
        let entity = own.len() - TABLE_BYTES;
        (key.len() == own.len() && key[..entity] == own[..entity]).then(|| table_of(key))?
    }

    /// The packed row of an entity in what lies under its key.
    pub(super) fn locate<'v>(
        &self,
        found: &'v [u8],
        entity_key: &[u8],
    ) -> Result<Option<&'v [u8]>> {
        match self {
            Self::Whole(_) => Ok(Some(found)),
            Self::Hashed(_) => find_in_bucket(found, entity_key),
        }
    }
}

/// The row of one entity in a bucket.
fn find_in_bucket<'a>(bucket: &'a [u8], entity_key: &[u8]) -> Result<Option<&'a [u8]>> {
    for entry in entries(bucket) {
        let (key, row) = entry?;
        if key == entity_key {
            return Ok(Some(row));
        }
    }
    Ok(None)
}

/// A bucket with the row of one entity added or replaced.
pub(super) fn put_in_bucket(bucket: &[u8], entity_key: &[u8], row: &[u8]) -> Result<Vec<u8>> {
    let mut made = Vec::with_capacity(bucket.len() + entity_key.len() + row.len() + 8);
    for entry in entries(bucket) {
        let (key, other) = entry?;
        if key != entity_key {
            push_entry(&mut made, key, other);
        }
    }
    push_entry(&mut made, entity_key, row);
    Ok(made)
}

fn push_entry(bucket: &mut Vec<u8>, key: &[u8], row: &[u8]) {
    for part in [key, row] {
        let len = u32::try_from(part.len()).expect("keys and rows are limited below 4 GiB");
        bucket.extend(len.to_le_bytes());
        bucket.extend_from_slice(part);
    }
}

fn entries(mut rest: &[u8]) -> impl Iterator<Item = Result<(&[u8], &[u8])>> {
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let entry = take_part(&mut rest).zip(take_part(&mut rest));
        if entry.is_none() {
            rest = &[];
        }
        Some(entry.ok_or_else(|| damaged("a bucket of long keys")))
    })
}

fn take_part<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (len, after) = rest.split_first_chunk::<4>()?;
    let (part, after) = after.split_at_checked(u32::from_le_bytes(*len) as usize)?;
    *rest = after;
    Some(part)
}

/// The error for bytes that are not ours.
pub(super) fn damaged(what: &str) -> Error {
    Error::data(format!("{what} in the embedded online store is damaged"))
        .with_hint("restore the folder, or remove it and materialize again")
}

#[cfg(test)]
mod tests {
    use larder_core::ErrorKind;

    use super::*;

    fn table(project: &str, view: &str) -> ViewTable {
        ViewTable::new(project, view, ["f"]).unwrap()
    }

    #[test]
    fn keys_have_their_documented_bytes() {
        assert_eq!(
            hex::encode(table_key(&table("shop", "users")).unwrap()),
            "01000473686f707573657273"
        );
        assert_eq!(hex::encode(sweep_key(258)), "0300000102");
        let mut keys = RowKeys::new();
        assert_eq!(keys.of(b"\xaa\xbb", 258), RowKey::Whole(b"\x04\x00\xaa\xbb\x00\x00\x01\x02"));
        let RowKey::Hashed(hashed) = keys.of(&[b'k'; 600], 258) else {
            panic!("600 bytes fit no key")
        };
        // Python: mmh3.hash128(b"k" * 600, signed=False)
        assert_eq!(hex::encode(hashed), "0401e31be614ad6afbb08552e5e6109f7a2000000102");
    }

    #[test]
    fn keys_of_the_first_format_have_their_place_in_this_one() {
        let entity = [b'k'; 600];
        for entity in [&entity[..2], &entity[..]] {
            let mut keys = RowKeys::new();
            let key = keys.of(entity, 258).bytes();
            let kind_and_entity = &key[1..key.len() - 4];
            let first = [&[2, 0, 0, 1, 2], kind_and_entity].concat();
            assert_eq!(row_key_of_first_format(&first).as_deref(), Some(key));
        }
        assert_eq!(row_key_of_first_format(b"\x02\x00"), None);
    }

    #[test]
    fn siblings_differ_in_their_table_only() {
        let (mut one, mut other) = (RowKeys::new(), RowKeys::new());
        let key = one.of(b"ab", 7);
        assert_eq!(key.sibling(other.of(b"ab", 9).bytes()), Some(9));
        for stranger in [&b"a"[..], b"ac", b"abc", b""] {
            assert_eq!(key.sibling(other.of(stranger, 7).bytes()), None, "{stranger:?}");
        }
    }

    #[test]
    fn names_that_share_their_concatenation_have_different_keys() {
        assert_ne!(table_key(&table("ab", "c")).unwrap(), table_key(&table("a", "bc")).unwrap());
    }

    #[test]
    fn names_longer_than_a_key_are_refused() {
        let long = "v".repeat(509);
        assert_eq!(table_key(&table("", &long)).unwrap_err().kind(), ErrorKind::Invalid);
        assert_eq!(table_key(&table("", &long[1..])).unwrap().len(), LMDB_KEY_BYTES);
        let longer = "p".repeat(70_000);
        assert_eq!(table_key(&table(&longer, "v")).unwrap_err().kind(), ErrorKind::Invalid);
    }

    #[test]
    fn the_longest_whole_key_fits() {
        let mut keys = RowKeys::new();
        assert!(matches!(keys.of(&[0; 505], 0), RowKey::Whole(key) if key.len() == LMDB_KEY_BYTES));
        assert!(matches!(keys.of(&[0; 506], 0), RowKey::Hashed(_)));
    }

    #[test]
    fn a_bucket_keeps_rows_of_colliding_keys_apart() {
        let bucket = put_in_bucket(&[], b"one", b"1").unwrap();
        let bucket = put_in_bucket(&bucket, b"two", b"2").unwrap();
        let bucket = put_in_bucket(&bucket, b"one", b"uno").unwrap();
        assert_eq!(hex::encode(&bucket), "0300000074776f0100000032030000006f6e6503000000756e6f");
        let found =
            [&b"one"[..], b"two", b"three"].map(|key| find_in_bucket(&bucket, key).unwrap());
        assert_eq!(found, [Some(&b"uno"[..]), Some(b"2"), None]);
    }

    #[test]
    fn a_damaged_bucket_is_an_error() {
        let bucket = put_in_bucket(&[], b"one", b"1").unwrap();
        for cut in 1..bucket.len() {
            let found = find_in_bucket(&bucket[..cut], b"two");
            assert_eq!(found.unwrap_err().kind(), ErrorKind::Data, "{cut}");
        }
    }
}
