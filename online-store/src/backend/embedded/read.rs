//! Reading: the views of a request in one transaction, the rows of one entity in one go.

use std::ops::Bound;

use heed::RoTxn;
use larder_core::Result;

use super::client::table_number;
use super::environment::{Environment, Rows};
use super::error::Fault;
use super::layout::{RowKey, RowKeys, table_key};
use crate::backend::never_made;
use crate::backend::packed_row::{PackedRow, Selection};
use crate::{ReadRows, ViewRead, ViewTable};

/// Tables that may lie between those that are read, for each of them: walking past a row costs about an eighth of looking
/// one up.
const TABLES_PER_VIEW: u32 = 4;

/// Reads every key of one view in one transaction.
pub(super) fn read(
    environment: &Environment,
    table: &ViewTable,
    keys: &[&[u8]],
) -> Result<ReadRows> {
    let name = table_key(table)?;
    environment.read(|rows, txn| {
        let number = table_number(rows, txn, &name)?.ok_or_else(|| never_made(table))?;
        let mut view = View::new(0, number, ViewRead { table, keys });
        let mut row_keys = RowKeys::new();
        for key in keys {
            view.look_up(rows, txn, &mut row_keys, key)?;
        }
        Ok(view.answer?)
    })
}

/// Reads several views in one transaction; an answer for each.
pub(super) fn read_views(
    environment: &Environment,
    reads: &[ViewRead<'_>],
) -> Vec<Result<ReadRows>> {
    match environment.read(|rows, txn| read_all(rows, txn, reads)) {
        Ok(answers) => answers,
        // The environment failed, so all of them did; each says so itself.
        Err(_) => reads.iter().map(|view| read(environment, view.table, view.keys)).collect(),
    }
}

fn read_all(
    rows: Rows,
    txn: &RoTxn<'_>,
    reads: &[ViewRead<'_>],
) -> Result<Vec<Result<ReadRows>>, Fault> {
    let mut answers: Vec<Option<Result<ReadRows>>> = reads.iter().map(|_| None).collect();
    let mut groups: Vec<Vec<View<'_>>> = Vec::new();
    for (at, read) in reads.iter().enumerate() {
        let number = match table_key(read.table) {
            Ok(name) => table_number(rows, txn, &name)?.ok_or_else(|| never_made(read.table)),
            Err(error) => Err(error),
        };
        match number {
            Err(error) => answers[at] = Some(Err(error)),
            Ok(number) => {
                let view = View::new(at, number, *read);
                match groups.iter_mut().find(|group| std::ptr::eq(group[0].read.keys, read.keys)) {
                    Some(group) => group.push(view),
                    None => groups.push(vec![view]),
                }
            }
        }
    }
    for mut group in groups {
        read_group(rows, txn, &mut group)?;
        for view in group {
            answers[view.at] = Some(view.answer);
        }
    }
    Ok(answers.into_iter().flatten().collect())
}

/// Reads views that share their keys.
fn read_group(rows: Rows, txn: &RoTxn<'_>, group: &mut [View<'_>]) -> Result<(), Fault> {
    group.sort_by_key(|view| view.number);
    let (first, last) = (group[0].number, group[group.len() - 1].number);
    let span = last - first + 1;
    let is_dense =
        u32::try_from(group.len()).is_ok_and(|views| views > 1 && span / TABLES_PER_VIEW <= views);
    let (mut low, mut high) = (RowKeys::new(), RowKeys::new());
    for key in group[0].read.keys {
        let found = if is_dense {
            let range = (low.of(key, first), high.of(key, last));
            walk(rows, txn, group, key, range, span as usize)?
        } else {
            0
        };
        for view in &mut group[found..] {
            view.look_up(rows, txn, &mut low, key)?;
        }
    }
    Ok(())
}

/// Walks over the rows of one entity; how many of the views have got theirs.
///
/// Ends early when other keys lie in between, which none does whose length stands in it.
fn walk(
    rows: Rows,
    txn: &RoTxn<'_>,
    group: &mut [View<'_>],
    entity_key: &[u8],
    (low, high): (RowKey<'_>, RowKey<'_>),
    span: usize,
) -> Result<usize, Fault> {
    let mut at = 0;
    let range = (Bound::Included(low.bytes()), Bound::Included(high.bytes()));
    let mut entries = rows.range(txn, &range)?;
    for _ in 0..span {
        let Some(entry) = entries.next() else {
            group[at..].iter_mut().for_each(View::absent);
            return Ok(group.len());
        };
        let (key, found) = entry?;
        let Some(number) = low.sibling(key) else { return Ok(at) };
        while let Some(view) = group.get_mut(at).filter(|view| view.number <= number) {
            if view.number == number {
                view.present(low.locate(found, entity_key));
            } else {
                view.absent();
            }
            at += 1;
        }
        if at == group.len() {
            break;
        }
    }
    Ok(at)
}

/// One view that is being read.
struct View<'r> {
    /// Its place in the request.
    at: usize,
    number: u32,
    read: ViewRead<'r>,
    selection: Selection,
    answer: Result<ReadRows>,
}

impl<'r> View<'r> {
    fn new(at: usize, number: u32, read: ViewRead<'r>) -> Self {
        let answer = ReadRows::with_capacity(read.keys.len(), read.table.features().len());
        Self { at, number, read, selection: Selection::new(read.table), answer: Ok(answer) }
    }

    /// Appends the row of an entity from where it lies.
    fn look_up(
        &mut self,
        rows: Rows,
        txn: &RoTxn<'_>,
        row_keys: &mut RowKeys,
        entity_key: &[u8],
    ) -> Result<(), Fault> {
        let row_key = row_keys.of(entity_key, self.number);
        match rows.get(txn, row_key.bytes())? {
            Some(found) => self.present(row_key.locate(found, entity_key)),
            None => self.absent(),
        }
        Ok(())
    }

    fn absent(&mut self) {
        if let Ok(answer) = &mut self.answer {
            answer.begin_row(None);
        }
    }

    fn present(&mut self, row: Result<Option<&[u8]>>) {
        let Ok(answer) = &mut self.answer else { return };
        let unpacked = match row {
            Ok(Some(row)) => {
                PackedRow::parse(row).and_then(|row| self.selection.unpack(&row, answer))
            }
            Ok(None) => {
                answer.begin_row(None);
                Ok(())
            }
            Err(error) => Err(error),
        };
        if let Err(error) = unpacked {
            self.answer = Err(error);
        }
    }
}

/// Reads the stored bytes of every key and adds up their lengths: the floor of any read, for benchmarks.
#[cfg(feature = "contract")]
pub(super) fn touch(environment: &Environment, table: &ViewTable, keys: &[&[u8]]) -> Result<usize> {
    let name = table_key(table)?;
    environment.read(|rows, txn| {
        let number = table_number(rows, txn, &name)?.ok_or_else(|| never_made(table))?;
        let mut row_keys = RowKeys::new();
        let lengths = keys.iter().map(|key| {
            let row_key = row_keys.of(key, number);
            let found = rows.get(txn, row_key.bytes())?;
            let row = found.map(|found| row_key.locate(found, key)).transpose()?.flatten();
            Ok(row.map_or(0, <[u8]>::len))
        });
        lengths.sum::<Result<usize, Fault>>()
    })
}
