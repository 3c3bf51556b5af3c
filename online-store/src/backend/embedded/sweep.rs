//! Removing the rows of removed tables, a few at a time: they lie among the rows of others.

use std::collections::HashSet;
use std::ops::Bound;

use heed::{RoTxn, RwTxn};
use larder_core::Result;

use super::environment::{Environment, Rows};
use super::error::Fault;
use super::layout::{ROW_PREFIX, SWEEP_PREFIX, damaged, sweep_key, table_of};

/// Rows looked at in one transaction, so that other writers wait for milliseconds only.
const STEP: usize = 10_000;

/// Removes the rows of all tables that are marked; one that is interrupted begins anew with the next.
pub(super) fn sweep(environment: &Environment) -> Result<()> {
    let marked = environment.read(marked)?;
    if marked.is_empty() {
        return Ok(());
    }
    let mut at = ROW_PREFIX.to_vec();
    while let Some(next) = environment.write(|rows, txn| step(rows, txn, &marked, &at))? {
        at = next;
    }
    environment.write(|rows, txn| {
        for table in &marked {
            rows.delete(txn, &sweep_key(*table))?;
        }
        Ok(())
    })
}

fn marked(rows: Rows, txn: &RoTxn<'_>) -> Result<HashSet<u32>, Fault> {
    let tables = rows.prefix_iter(txn, SWEEP_PREFIX)?.map(|marked| {
        let number = table_of(marked?.0).ok_or_else(|| damaged("the list of removed tables"));
        Ok(number?)
    });
    tables.collect()
}

/// Removes what is to go among the next rows; the key after them, if there are more.
fn step(
    rows: Rows,
    txn: &mut RwTxn<'_>,
    marked: &HashSet<u32>,
    from: &[u8],
) -> Result<Option<Vec<u8>>, Fault> {
    let mut removed = Vec::new();
    let mut next = None;
    for (seen, row) in rows.range(txn, &(Bound::Included(from), Bound::Unbounded))?.enumerate() {
        let (key, _) = row?;
        if !key.starts_with(ROW_PREFIX) {
            break;
        }
        if seen == STEP {
            next = Some(key.to_vec());
            break;
        }
        if table_of(key).is_some_and(|table| marked.contains(&table)) {
            removed.push(key.to_vec());
        }
    }
    for key in removed {
        rows.delete(txn, &key)?;
    }
    Ok(next)
}
