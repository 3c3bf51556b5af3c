//! A whole row in one value, format version 2: what the packed layout keeps per (view, entity key).
//!
//! ```text
//! u8  0x20 + flags: 1 = created timestamp, 2 = nulls, 4 = features left out
//! u64 digest of the schema
//! i64 event timestamp, UTC microseconds
//! i64 created timestamp, UTC microseconds     only with flag 1
//! n bits, a byte for eight of them            only with flag 2: columns of fixed width that are null
//! n bits, a byte for eight of them            only with flag 4: columns that were never written
//! the columns of fixed width, one after the other
//! the others: varint length, encoded `feast.types.Value`; no bytes are null
//! ```
//!
//! Little-endian, unaligned. The schema says which columns there are, see [`schema`]; of ten doubles that are all there a
//! row has 97 bytes, of ten floats 57. Version 1, see `packed_row`, is read and replaced by what is written next.

mod column;
mod encode;
mod merge;
mod plan;
mod schema;
mod stored;
mod unpack;

#[cfg(test)]
mod tests;

pub(super) use self::encode::RowWriter;
pub(super) use self::schema::{Digest, RowSchema};
pub(super) use self::stored::StoredRow;
pub(super) use self::unpack::RowReader;

use larder_core::Error;

/// Version, in the higher half of the first byte.
const FORMAT: u8 = 0x20;
const HAS_CREATED: u8 = 1;
const HAS_NULLS: u8 = 2;
const LEAVES_OUT: u8 = 4;

/// The error for bytes that are no row of ours.
fn damaged() -> Error {
    Error::data("a stored row of the online store is damaged")
        .with_hint("materialize the view again after removing its rows")
}
