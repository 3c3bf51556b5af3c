//! Keys of the LMDB environment, format version 1.
//!
//! Everything lies in the unnamed database, so that opening a table costs nothing and their number has no limit:
//!
//! ```text
//! 00 "format"                             -> u8 version
//! 00 "next_table"                         -> u32 number of the next table
//! 01 {u16 length | project} view          -> u32 number of the table
//! 02 {u32 table} 00 entity key            -> packed row (see `backend::packed_row`)
//! 02 {u32 table} 01 {u128 hash of key}    -> bucket of rows whose keys are too long for LMDB
//! 03 {u32 table}                          -> nothing: a removed table whose rows wait for removal
//! bucket = {u32 length | entity key | u32 length | packed row}*
//! ```
//!
//! Numbers in keys are big-endian (so that they sort), in values little-endian. Table numbers are never used twice: a
//! view that is removed and made again starts empty at once, however many rows remain to be swept.

use std::io::Cursor;

use larder_core::{Error, Result};

use crate::ViewTable;

/// Version of the keys; anything else is refused.
pub(super) const FORMAT: u8 = 1;
pub(super) const FORMAT_KEY: &[u8] = b"\x00format";
pub(super) const NEXT_TABLE_KEY: &[u8] = b"\x00next_table";
pub(super) const SWEEP_PREFIX: &[u8] = &[3];

/// LMDB's limit on keys, as compiled by heed.
const LMDB_KEY_BYTES: usize = 511;
const ROW: u8 = 2;
const WHOLE: u8 = 0;
const HASHED: u8 = 1;
const ROW_PREFIX_BYTES: usize = 5;

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

/// The common start of the keys of a table's rows.
pub(super) fn row_prefix(table: u32) -> [u8; ROW_PREFIX_BYTES] {
    let mut key = [ROW; ROW_PREFIX_BYTES];
    key[1..].copy_from_slice(&table.to_be_bytes());
    key
}

/// Where a row lies.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum RowKey<'a> {
    /// Under a key of its own.
    Whole(&'a [u8]),
    /// In the bucket with this key.
    Hashed(&'a [u8]),
}

/// Builds the keys of one table's rows in one buffer.
#[derive(Debug)]
pub(super) struct RowKeys(Vec<u8>);

impl RowKeys {
    pub(super) fn new(table: u32) -> Self {
        let mut buffer = Vec::with_capacity(LMDB_KEY_BYTES);
        buffer.extend(row_prefix(table));
        Self(buffer)
    }

    /// The key under which the row of an entity lies.
    pub(super) fn of(&mut self, entity_key: &[u8]) -> RowKey<'_> {
        self.0.truncate(ROW_PREFIX_BYTES);
        if ROW_PREFIX_BYTES + 1 + entity_key.len() <= LMDB_KEY_BYTES {
            self.0.push(WHOLE);
            self.0.extend_from_slice(entity_key);
            return RowKey::Whole(&self.0);
        }
        let hash = murmur3::murmur3_x64_128(&mut Cursor::new(entity_key), 0)
            .expect("reading from memory cannot fail");
        self.0.push(HASHED);
        self.0.extend(hash.to_be_bytes());
        RowKey::Hashed(&self.0)
    }
}

/// The row of one entity in a bucket.
pub(super) fn find_in_bucket<'a>(bucket: &'a [u8], entity_key: &[u8]) -> Result<Option<&'a [u8]>> {
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
        let mut keys = RowKeys::new(258);
        assert_eq!(keys.of(b"\xaa\xbb"), RowKey::Whole(b"\x02\x00\x00\x01\x02\x00\xaa\xbb"));
        let RowKey::Hashed(hashed) = keys.of(&[b'k'; 600]) else { panic!("600 bytes fit no key") };
        // Python: mmh3.hash128(b"k" * 600, signed=False)
        assert_eq!(hex::encode(hashed), "020000010201e31be614ad6afbb08552e5e6109f7a20");
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
        let mut keys = RowKeys::new(0);
        assert!(matches!(keys.of(&[0; 505]), RowKey::Whole(key) if key.len() == LMDB_KEY_BYTES));
        assert!(matches!(keys.of(&[0; 506]), RowKey::Hashed(_)));
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
