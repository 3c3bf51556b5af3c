//! Rows as they are written.

use larder_core::{Error, Result};

use super::column::Form;
use super::schema::RowSchema;
use super::stored::put_length;
use super::{FORMAT, HAS_CREATED, HAS_NULLS, LEAVES_OUT};
use crate::{Cell, RowTimes, ViewTable, WriteRows};

/// Packs the rows of one table.
#[derive(Debug)]
pub(in super::super) struct RowWriter {
    pub(super) schema: RowSchema,
    /// For rows with a value that is not of the registered type.
    pub(super) any_type: RowSchema,
    /// The feature of the table in each column, if it has one.
    features: Vec<Option<usize>>,
}

impl RowWriter {
    pub(in super::super) fn new(table: &ViewTable) -> Self {
        let schema = RowSchema::of(table);
        let mut features = vec![None; schema.columns().len()];
        for (hash, feature) in table.by_hash() {
            if let Some(column) = schema.find(hash) {
                features[column] = Some(feature);
            }
        }
        Self { any_type: schema.of_any_type(), schema, features }
    }

    /// The schema that rows have as a rule.
    pub(in super::super) fn schema(&self) -> &RowSchema {
        &self.schema
    }

    /// The cell of a row in a column.
    pub(super) fn cell<'r>(&self, rows: &'r WriteRows, at: usize, column: usize) -> Cell<'r> {
        self.features[column].map_or(Cell::Missing, |feature| rows.cell(at, feature))
    }

    /// The cell of a row in each column.
    fn cells<'r>(&self, rows: &'r WriteRows, at: usize) -> impl Iterator<Item = Cell<'r>> + Clone {
        (0..self.features.len()).map(move |column| self.cell(rows, at, column))
    }

    /// Packs a row into `packed`; the schema that it has.
    ///
    /// # Errors
    /// `Invalid` for a row of more than 4 GiB.
    pub(in super::super) fn pack(
        &self,
        rows: &WriteRows,
        at: usize,
        packed: &mut Vec<u8>,
    ) -> Result<&RowSchema> {
        let times = rows.times(at);
        if encode(&self.schema, times, &self.cells(rows, at), packed)? {
            return Ok(&self.schema);
        }
        encode(&self.any_type, times, &self.cells(rows, at), packed)?;
        Ok(&self.any_type)
    }
}

/// Encodes a row whose cells stand in the order of the columns; false when one of them is not of its column's type.
pub(super) fn encode<'r>(
    schema: &RowSchema,
    times: RowTimes,
    cells: &(impl Iterator<Item = Cell<'r>> + Clone),
    packed: &mut Vec<u8>,
) -> Result<bool> {
    packed.clear();
    packed.push(FORMAT | if times.created.is_some() { HAS_CREATED } else { 0 });
    packed.extend(schema.digest());
    packed.extend(times.event.to_le_bytes());
    packed.extend(times.created.iter().flat_map(|created| created.to_le_bytes()));
    let columns = || schema.columns().iter().zip(cells.clone());
    let nulls =
        columns().map(|(column, cell)| column.form() != Form::Variable && cell == Cell::Null);
    put_bits(HAS_NULLS, nulls, packed);
    put_bits(LEAVES_OUT, cells.clone().map(|cell| cell == Cell::Missing), packed);
    let mut scratch = Vec::new();
    for (column, cell) in columns().filter(|(column, _)| column.form() != Form::Variable) {
        let form = column.form();
        let raw = match cell {
            Cell::Value(value) => match form.raw(value, &mut scratch) {
                Some(raw) => raw,
                None => return Ok(false),
            },
            Cell::Null | Cell::Missing => [0; 8],
        };
        packed.extend_from_slice(&raw[..form.width()]);
    }
    for (_, cell) in columns().filter(|(column, _)| column.form() == Form::Variable) {
        let value = cell.bytes().unwrap_or_default();
        put_length(value.len(), packed);
        packed.extend_from_slice(value);
    }
    if u32::try_from(packed.len()).is_err() {
        return Err(Error::invalid("one row holds more than 4 GiB"));
    }
    Ok(true)
}

/// Appends a bit per column and sets the flag, if one of them is set.
fn put_bits(flag: u8, bits: impl Iterator<Item = bool>, packed: &mut Vec<u8>) {
    let start = packed.len();
    let mut any = false;
    for (at, is_set) in bits.enumerate() {
        if at % 8 == 0 {
            packed.push(0);
        }
        packed[start + at / 8] |= u8::from(is_set) << (at % 8);
        any |= is_set;
    }
    if any {
        packed[0] |= flag;
    } else {
        packed.truncate(start);
    }
}
