//! From format 1, which had a table's rows side by side, to the present one, which has an entity's.

use heed::{RoTxn, RwTxn};
use larder_core::Result;

use super::environment::{Environment, Rows};
use super::error::Fault;
use super::layout::{
    FIRST_FORMAT, FIRST_ROW_PREFIX, FORMAT, FORMAT_KEY, damaged, row_key_of_first_format,
};

/// Rows moved in one transaction: one that is interrupted goes on where it was.
const STEP: usize = 10_000;

/// Brings an environment of format 1 up to date, row by row; all others are left alone.
///
/// Rows of both formats may lie in it until the last transaction says that none of the old is left. Nothing is read
/// before that: whoever opens the folder comes through here.
pub(super) fn upgrade(environment: &Environment) -> Result<()> {
    let is_first =
        |rows: Rows, txn: &RoTxn<'_>| Ok(rows.get(txn, FORMAT_KEY)? == Some(&[FIRST_FORMAT]));
    if environment.read(is_first)? {
        while environment.write(step)? {}
    }
    Ok(())
}

/// Moves some rows; whether there may be more.
fn step(rows: Rows, txn: &mut RwTxn<'_>) -> Result<bool, Fault> {
    if rows.get(txn, FORMAT_KEY)? != Some(&[FIRST_FORMAT]) {
        return Ok(false);
    }
    let mut old = Vec::new();
    for row in rows.prefix_iter(txn, FIRST_ROW_PREFIX)?.take(STEP) {
        let (key, value) = row?;
        old.push((key.to_vec(), value.to_vec()));
    }
    for (key, value) in &old {
        let new = row_key_of_first_format(key).ok_or_else(|| damaged("a key"))?;
        rows.put(txn, &new, value)?;
        rows.delete(txn, key)?;
    }
    if old.len() < STEP {
        rows.put(txn, FORMAT_KEY, &[FORMAT])?;
        tracing::info!("brought the embedded online store up to format {FORMAT}");
    }
    Ok(old.len() == STEP)
}
