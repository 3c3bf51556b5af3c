//! What the embedded store does inside its transactions.

use std::ops::{Bound, Range};

use heed::{RoTxn, RwTxn};
use larder_core::Result;

use super::environment::{Environment, Rows};
use super::error::Fault;
use super::layout::{
    NEXT_TABLE_KEY, RowKey, RowKeys, SWEEP_PREFIX, damaged, find_in_bucket, put_in_bucket,
    row_prefix, sweep_key, table_key,
};
use crate::backend::never_made;
use crate::backend::packed_row::{PackedRow, Selection};
use crate::{ReadRows, ViewTable, WriteGuard, WriteRows, WriteSummary};

/// Rows removed in one transaction, so that other writers wait for milliseconds only.
const SWEEP_STEP: usize = 10_000;

/// Reads every key in one transaction.
pub(super) fn read(
    environment: &Environment,
    table: &ViewTable,
    keys: &[&[u8]],
) -> Result<ReadRows> {
    let name = table_key(table)?;
    let selection = Selection::new(table);
    environment.read(|rows, txn| {
        let number = table_number(rows, txn, &name)?.ok_or_else(|| never_made(table))?;
        let mut row_keys = RowKeys::new(number);
        let mut answer = ReadRows::with_capacity(keys.len(), table.features().len());
        for key in keys {
            match find(rows, txn, &mut row_keys, key)? {
                Some(row) => selection.unpack(&PackedRow::parse(row)?, &mut answer)?,
                None => answer.begin_row(None),
            }
        }
        Ok(answer)
    })
}

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
    let mut row_keys = RowKeys::new(number);
    let selection = Selection::new(slice.table);
    let mut summary = WriteSummary::default();
    let mut packed = Vec::new();
    for at in slice.range.clone() {
        let entity_key = slice.rows.key(at);
        let row_key = row_keys.of(entity_key);
        let (RowKey::Whole(key) | RowKey::Hashed(key)) = row_key;
        let found = rows.get(txn, key)?;
        let stored = locate(&row_key, found, entity_key)?.map(PackedRow::parse).transpose()?;
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
    while environment.write(sweep)? {}
    Ok(())
}

/// Removes some rows of a removed table; whether there may be more.
fn sweep(rows: Rows, txn: &mut RwTxn<'_>) -> Result<bool, Fault> {
    let Some(marked) = rows.prefix_iter(txn, SWEEP_PREFIX)?.next().transpose()? else {
        return Ok(false);
    };
    let number = marked.0.get(1..).and_then(|digits| digits.try_into().ok());
    let number = u32::from_be_bytes(number.ok_or_else(|| damaged("the list of removed tables"))?);
    let prefix = row_prefix(number);
    let last = rows.prefix_iter(txn, &prefix)?.take(SWEEP_STEP).last().transpose()?;
    match last.map(|(key, _)| key.to_vec()) {
        Some(last) => {
            let range = (Bound::Included(&prefix[..]), Bound::Included(&last[..]));
            rows.delete_range(txn, &range)?;
        }
        None => {
            rows.delete(txn, &sweep_key(number))?;
        }
    }
    Ok(true)
}

/// Reads the stored bytes of every key and adds up their lengths: the floor of any read, for benchmarks.
#[cfg(feature = "contract")]
pub(super) fn touch(environment: &Environment, table: &ViewTable, keys: &[&[u8]]) -> Result<usize> {
    let name = table_key(table)?;
    environment.read(|rows, txn| {
        let number = table_number(rows, txn, &name)?.ok_or_else(|| never_made(table))?;
        let mut row_keys = RowKeys::new(number);
        let lengths =
            keys.iter().map(|key| Ok(find(rows, txn, &mut row_keys, key)?.map_or(0, <[u8]>::len)));
        lengths.sum::<Result<usize, Fault>>()
    })
}

fn table_number(rows: Rows, txn: &RoTxn<'_>, name: &[u8]) -> Result<Option<u32>, Fault> {
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

fn find<'txn>(
    rows: Rows,
    txn: &'txn RoTxn<'_>,
    row_keys: &mut RowKeys,
    entity_key: &[u8],
) -> Result<Option<&'txn [u8]>, Fault> {
    let row_key = row_keys.of(entity_key);
    let (RowKey::Whole(key) | RowKey::Hashed(key)) = row_key;
    let found = rows.get(txn, key)?;
    Ok(locate(&row_key, found, entity_key)?)
}

/// The packed row of an entity in what lies under its key.
fn locate<'a>(
    row_key: &RowKey<'_>,
    found: Option<&'a [u8]>,
    entity_key: &[u8],
) -> Result<Option<&'a [u8]>> {
    match (row_key, found) {
        (_, None) => Ok(None),
        (RowKey::Whole(_), Some(row)) => Ok(Some(row)),
        (RowKey::Hashed(_), Some(bucket)) => find_in_bucket(bucket, entity_key),
    }
}
