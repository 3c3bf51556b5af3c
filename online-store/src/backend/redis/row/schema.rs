//! What the columns of a row are, told once per view instead of in every row.
//!
//! ```text
//! n x { u32 hash of the feature, u8 number of its value type or 0 }      ascending by hash
//! ```
//!
//! The digest is the lower half of the 128-bit murmur3 (x64, seed 0) of these bytes: two schemas of one view that differ
//! are as good as never taken for one another.

use std::io::Cursor;

use super::column::{Column, Form};
use crate::ViewTable;

/// Under which rows name their schema.
pub(in super::super) type Digest = [u8; 8];

/// Bytes of a column in an encoded schema.
const COLUMN: usize = 5;

/// The columns of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct RowSchema {
    columns: Vec<Column>,
    /// Where each column of fixed width begins among these; the place among the others for them.
    places: Vec<usize>,
    digest: Digest,
    fixed: usize,
    variable: usize,
}

impl RowSchema {
    /// Columns in any order; of those that have the same hash the first stays.
    pub(super) fn new(mut columns: Vec<Column>) -> Self {
        columns.sort_by_key(|column| column.hash);
        columns.dedup_by_key(|column| column.hash);
        let (mut fixed, mut variable) = (0, 0);
        let place = |column: &Column| match column.form() {
            Form::Variable => {
                variable += 1;
                variable - 1
            }
            form => {
                fixed += form.width();
                fixed - form.width()
            }
        };
        let places = columns.iter().map(place).collect();
        let digest = digest(&encode(&columns));
        Self { columns, places, digest, fixed, variable }
    }

    /// The schema of a view's rows: all features of the registered view, and those of the table.
    pub(in super::super) fn of(table: &ViewTable) -> Self {
        let registered = table.schema().map_or(&[][..], |schema| &schema.stored);
        let column = |&(hash, number): &(u32, u8)| Column { hash, number };
        // What is registered stands before what a table has besides, so that it stays.
        let mut columns: Vec<Column> = registered.iter().map(column).collect();
        columns.extend(table.by_hash().map(|(hash, _)| Column { hash, number: 0 }));
        Self::new(columns)
    }

    /// The same columns for values of any type.
    pub(super) fn of_any_type(&self) -> Self {
        Self::new(self.columns.iter().map(|column| Column { number: 0, ..*column }).collect())
    }

    /// The schema that was stored under a digest; `None` when it is not that one.
    pub(in super::super) fn parse(bytes: &[u8], known_as: Digest) -> Option<Self> {
        let (columns, rest) = bytes.as_chunks::<COLUMN>();
        let column = |&[a, b, c, d, number]: &[u8; COLUMN]| Column {
            hash: u32::from_le_bytes([a, b, c, d]),
            number,
        };
        let schema = Self::new(columns.iter().map(column).collect());
        (rest.is_empty() && schema.digest == known_as && encode(&schema.columns) == bytes)
            .then_some(schema)
    }

    pub(in super::super) fn to_bytes(&self) -> Vec<u8> {
        encode(&self.columns)
    }

    pub(in super::super) fn digest(&self) -> Digest {
        self.digest
    }

    pub(super) fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The hashes of all columns, as a row of version 1 lists them.
    pub(in super::super) fn hashes(&self) -> Vec<u8> {
        self.columns.iter().flat_map(|column| column.hash.to_le_bytes()).collect()
    }

    /// Whether it has every column of another.
    pub(in super::super) fn covers(&self, other: &Self) -> bool {
        other.columns.iter().all(|column| self.find(column.hash).is_some())
    }

    pub(super) fn find(&self, hash: u32) -> Option<usize> {
        self.columns.binary_search_by_key(&hash, |column| column.hash).ok()
    }

    /// Where a column of fixed width begins, or which of the others it is.
    pub(super) fn place(&self, column: usize) -> usize {
        self.places[column]
    }

    /// Bytes of all columns of fixed width.
    pub(super) fn fixed(&self) -> usize {
        self.fixed
    }

    /// Number of columns without fixed width.
    pub(super) fn variable(&self) -> usize {
        self.variable
    }

    /// Bytes of a bit for each column.
    pub(super) fn bitmap(&self) -> usize {
        self.columns.len().div_ceil(8)
    }
}

fn encode(columns: &[Column]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(columns.len() * COLUMN);
    for column in columns {
        bytes.extend(column.hash.to_le_bytes());
        bytes.push(column.number);
    }
    bytes
}

fn digest(bytes: &[u8]) -> Digest {
    let hash = murmur3::murmur3_x64_128(&mut Cursor::new(bytes), 0);
    let [low @ .., _, _, _, _, _, _, _, _] =
        hash.expect("reading from memory cannot fail").to_le_bytes();
    low
}
