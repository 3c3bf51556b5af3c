//! A row that leaves features out, or replaces one of other features: what it does not carry stays.

use std::borrow::Cow;

use larder_core::Result;

use super::column::{Column, Form};
use super::encode::{RowWriter, encode};
use super::schema::RowSchema;
use super::stored::{Header, StoredRow};
use crate::{Cell, WriteRows};

/// A stored feature; no bytes are null.
type Kept<'a> = (Column, Cow<'a, [u8]>);

impl RowWriter {
    /// Packs a row with what `stored` has of other features; the schema that it has then.
    ///
    /// `known` is the schema of the stored row. Without it nobody can read what it holds, and nothing of it stays.
    ///
    /// # Errors
    /// `Data` when the stored row is damaged; as [`pack`](Self::pack).
    pub(in super::super) fn pack_over(
        &self,
        rows: &WriteRows,
        at: usize,
        (stored, known): (&StoredRow<'_>, Option<&RowSchema>),
        packed: &mut Vec<u8>,
    ) -> Result<RowSchema> {
        let kept = match (stored, known) {
            (StoredRow::Hashed(row), _) => row
                .columns()
                .map(|column| {
                    column.map(|(hash, value)| (Column { hash, number: 0 }, value.into()))
                })
                .collect::<Result<_>>()?,
            (StoredRow::Compact(header), Some(schema)) => kept(header, schema)?,
            (StoredRow::Compact(_), None) => Vec::new(),
        };
        let mut columns = self.schema.columns().to_vec();
        columns.extend(
            kept.iter().map(|kept| kept.0).filter(|kept| self.schema.find(kept.hash).is_none()),
        );
        let schema = RowSchema::new(columns);
        let cells: Vec<Cell<'_>> = schema
            .columns()
            .iter()
            .map(|column| self.merged_cell(rows, at, column.hash, &kept))
            .collect();
        let times = rows.times(at);
        if encode(&schema, times, &cells.iter().copied(), packed)? {
            return Ok(schema);
        }
        let schema = schema.of_any_type();
        encode(&schema, times, &cells.iter().copied(), packed)?;
        Ok(schema)
    }

    /// The written cell of a feature, or the stored one.
    fn merged_cell<'c>(
        &self,
        rows: &'c WriteRows,
        at: usize,
        hash: u32,
        kept: &'c [Kept<'_>],
    ) -> Cell<'c> {
        let written = self.schema.find(hash).map(|column| self.cell(rows, at, column));
        match written {
            None | Some(Cell::Missing) => {
                let stored = kept.binary_search_by_key(&hash, |(column, _)| column.hash);
                Cell::from(stored.ok().map(|found| &*kept[found].1))
            }
            Some(cell) => cell,
        }
    }
}

/// What a row holds, in the order of the hashes.
fn kept<'a>(header: &Header<'a>, schema: &RowSchema) -> Result<Vec<Kept<'a>>> {
    let columns = header.columns(schema)?;
    let mut kept = Vec::with_capacity(schema.columns().len());
    for (at, column) in schema.columns().iter().enumerate() {
        if columns.is_left_out(at) {
            continue;
        }
        let place = schema.place(at);
        let value = match column.form() {
            Form::Variable => Cow::Borrowed(columns.variable[place]),
            _ if columns.is_null(at) => Cow::Borrowed(&[][..]),
            form => {
                let mut value = Vec::new();
                form.put(&columns.fixed[place..place + form.width()], &mut value);
                Cow::Owned(value)
            }
        };
        kept.push((*column, value));
    }
    Ok(kept)
}
