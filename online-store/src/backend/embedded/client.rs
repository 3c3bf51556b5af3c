//! What the embedded store writes inside its transactions.

use std::ops::Range;

use heed::{RoTxn, RwTxn};
use larder_core::Result;

use super::environment::{Environment, Rows};
use super::error::Fault;
use super::layout::{
    NEXT_TABLE_KEY, RowKey, RowKeys, damaged, put_in_bucket, sweep_key, table_key,
};
use super::sweep::sweep;
use crate::backend::never_made;
use crate::backend::packed_row::{PackedRow, Selection};
use crate::{ViewTable, WriteGuard, WriteRows, WriteSummary};

/// A range of the rows of one write.
#[derive(Debug, Clone)]
pub(super) struct Slice<'a> {
    pub(super) table: &'a ViewTable,
    pub(super) rows: &'a WriteRows,
    pub(super) range: Range<usize>,
    pub(super) guard: WriteGuard,
}

/// Writes slices in order in one transaction: all of them or, on failure, none.
pub(super) fn write(environment: &Environment, slices: &[Slice<'_>]) -> Result<Vec<WriteSummary>> {
    environment.write(|rows, txn| slices.iter().map(|slice| put_slice(rows, txn, slice)).collect())
}

fn put_slice(rows: Rows, txn: &mut RwTxn<'_>, slice: &Slice<'_>) -> Result<WriteSummary, Fault> {
    let name = table_key(slice.table)?;
    let number = table_number(rows, txn, &name)?.ok_or_else(|| never_made(slice.table))?;
    let mut row_keys = RowKeys::new();
    let selection = Selection::new(slice.table);
    let mut summary = WriteSummary::default();
    let mut packed = Vec::new();
    for at in slice.range.clone() {
        let entity_key = slice.rows.key(at);
        let row_key = row_keys.of(entity_key, number);
        let key = row_key.bytes();
        let found = rows.get(txn, key)?;
        let stored = match found {
            Some(found) => row_key.locate(found, entity_key)?.map(PackedRow::parse).transpose()?,
            None => None,
        };
        let admitted = slice.guard.admits(stored.map(|row| row.times()), slice.rows.times(at));
        summary.count(admitted);
        if !admitted {
            continue;
        }
        selection.pack(slice.rows, at, stored.as_ref(), &mut packed)?;
        if matches!(row_key, RowKey::Hashed(_)) {
            packed = put_in_bucket(found.unwrap_or_default(), entity_key, &packed)?;
        }
        rows.put(txn, key, &packed)?;
    }
    Ok(summary)
}

/// Makes tables, marks others for removal, and sweeps what is marked.
pub(super) fn update(
    environment: &Environment,
    create: &[ViewTable],
    delete: &[ViewTable],
) -> Result<()> {
    let names = |tables: &[ViewTable]| tables.iter().map(table_key).collect::<Result<Vec<_>>>();
    let (create, delete) = (names(create)?, names(delete)?);
    environment.write(|rows, txn| {
        for name in &create {
            if rows.get(txn, name)?.is_none() {
                let number = next_table(rows, txn)?;
                rows.put(txn, name, &number.to_le_bytes())?;
            }
        }
        for name in &delete {
            if let Some(number) = table_number(rows, txn, name)? {
                rows.delete(txn, name)?;
                rows.put(txn, &sweep_key(number), &[])?;
            }
        }
        Ok(())
    })?;
    sweep(environment)
}

pub(super) fn table_number(rows: Rows, txn: &RoTxn<'_>, name: &[u8]) -> Result<Option<u32>, Fault> {
    let Some(bytes) = rows.get(txn, name)? else { return Ok(None) };
    let number = bytes.try_into().map_err(|_| damaged("the list of tables"))?;
    Ok(Some(u32::from_le_bytes(number)))
}

fn next_table(rows: Rows, txn: &mut RwTxn<'_>) -> Result<u32, Fault> {
    let number = table_number(rows, txn, NEXT_TABLE_KEY)?.unwrap_or(0);
    let next = number.checked_add(1).ok_or_else(|| damaged("the count of tables"))?;
    rows.put(txn, NEXT_TABLE_KEY, &next.to_le_bytes())?;
    Ok(number)
}
