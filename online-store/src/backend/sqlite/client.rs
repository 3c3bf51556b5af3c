//! What the SQLite store does with a connection.

use std::collections::HashMap;

use larder_core::Result;
use rusqlite::{CachedStatement, Connection, ToSql, TransactionBehavior};

use super::error::Fault;
use super::layout::{Statements, micros, seconds, stored_micros, text_and_number};
use crate::{Cell, ReadRows, RowTimes, ViewTable, WriteGuard, WriteRows, WriteSummary};

/// Rows and bytes of one transaction, so that other writers of the file wait for a second at most.
const MAX_ROWS: usize = 4096;
const MAX_BYTES: usize = 16 << 20;

/// One view of a request with its statements.
pub(super) struct Read<'a> {
    pub(super) statements: &'a Statements,
    pub(super) table: &'a ViewTable,
    pub(super) keys: &'a [&'a [u8]],
}

/// Reads views in one transaction, that is from one snapshot of the file; each has a result of its own.
///
/// # Errors
/// That another connection holds the file, or that the transaction cannot be made.
pub(super) fn read(
    connection: &Connection,
    reads: &[Read<'_>],
) -> Result<Vec<Result<ReadRows, Fault>>, Fault> {
    let lone = matches!(reads, [read] if read.keys.len() <= 1);
    if lone {
        return Ok(vec![read_view(connection, &reads[0])]);
    }
    connection.prepare_cached("BEGIN")?.execute(())?;
    let mut answers = Vec::with_capacity(reads.len());
    for read in reads {
        match read_view(connection, read) {
            Err(fault) if fault.is_busy() => return Err(fault),
            answer => answers.push(answer),
        }
    }
    connection.prepare_cached("COMMIT")?.execute(())?;
    Ok(answers)
}

fn read_view(connection: &Connection, read: &Read<'_>) -> Result<ReadRows, Fault> {
    let mut answer = ReadRows::with_capacity(read.keys.len(), read.table.features().len());
    let mut statement = connection.prepare_cached(&read.statements.read())?;
    for key in read.keys {
        read_key(&mut statement, read.table, key, &mut answer)?;
    }
    Ok(answer)
}

/// Appends one key's row; stored features and the table's are both in the order of their names.
fn read_key(
    statement: &mut CachedStatement<'_>,
    table: &ViewTable,
    key: &[u8],
    answer: &mut ReadRows,
) -> Result<(), Fault> {
    answer.begin_row(None);
    let mut features = table.by_name().peekable();
    let mut found = statement.query([key])?;
    while let Some(row) = found.next()? {
        // Feast 0.67 fails on a row without time; we show 1970.
        answer.raise_event_timestamp(stored_micros(row.get_ref(2)?)?.unwrap_or(0));
        let name = row.get_ref(0)?.as_bytes_or_null().map_err(rusqlite::Error::from)?;
        let name = name.unwrap_or_default();
        while features.next_if(|(before, _)| before.as_bytes() < name).is_some() {}
        if let Some((_, feature)) = features.next_if(|(same, _)| same.as_bytes() == name) {
            let value = row.get_ref(1)?.as_bytes_or_null().map_err(rusqlite::Error::from)?;
            answer.set(feature, value.unwrap_or_default())?;
        }
    }
    Ok(())
}

/// Writes rows in order, in transactions of bounded size that exclude other writers of the file.
pub(super) fn write(
    connection: &mut Connection,
    statements: &Statements,
    table: &ViewTable,
    rows: &WriteRows,
    guard: WriteGuard,
) -> Result<WriteSummary, Fault> {
    let mut summary = WriteSummary::default();
    let mut remembered = HashMap::new();
    for range in rows.chunks(MAX_ROWS, MAX_BYTES) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut writer = Writer::prepare(&transaction, statements, table)?;
        for at in range {
            let (key, times) = (rows.key(at), rows.times(at));
            let stored = match guard {
                WriteGuard::LastWriteWins => None,
                WriteGuard::EventTime => writer.newest(key)?,
            };
            let admitted = admits(guard, stored, remembered.get(key).copied(), times);
            summary.count(admitted);
            if admitted {
                writer.put(rows, at, stored.is_some())?;
                remembered.insert(key, times);
            }
        }
        drop(writer);
        transaction.commit()?;
    }
    Ok(summary)
}

/// The guard's answer, with the precision there is: microseconds within one write, seconds against the file.
fn admits(
    guard: WriteGuard,
    stored: Option<RowTimes>,
    remembered: Option<RowTimes>,
    incoming: RowTimes,
) -> bool {
    let precise = remembered.filter(|times| Some(whole_seconds(*times)) == stored);
    match precise {
        Some(stored) => guard.admits(Some(stored), incoming),
        None => guard.admits(stored, whole_seconds(incoming)),
    }
}

fn whole_seconds(times: RowTimes) -> RowTimes {
    let cut = |time| micros(seconds(time));
    RowTimes { event: cut(times.event), created: times.created.map(cut) }
}

/// Prepared statements of one transaction.
struct Writer<'c> {
    newest: CachedStatement<'c>,
    upsert: CachedStatement<'c>,
    carry: CachedStatement<'c>,
    table: &'c ViewTable,
    width: usize,
}

impl<'c> Writer<'c> {
    fn prepare(
        connection: &'c Connection,
        statements: &Statements,
        table: &'c ViewTable,
    ) -> Result<Self, Fault> {
        Ok(Self {
            newest: connection.prepare_cached(&statements.newest())?,
            upsert: connection.prepare_cached(&statements.upsert())?,
            carry: connection.prepare_cached(&statements.carry())?,
            table,
            width: statements.upsert_width(),
        })
    }

    fn newest(&mut self, key: &[u8]) -> Result<Option<RowTimes>, Fault> {
        let mut found = self.newest.query([key])?;
        let Some(row) = found.next()? else { return Ok(None) };
        let Some(event) = stored_micros(row.get_ref(0)?)? else { return Ok(None) };
        Ok(Some(RowTimes { event, created: stored_micros(row.get_ref(1)?)? }))
    }

    /// Stores the row's features and, when the key has others, brings these to the same time.
    fn put(&mut self, rows: &WriteRows, at: usize, carry: bool) -> Result<(), Fault> {
        let (key, times) = (rows.key(at), rows.times(at));
        let (event, created) = (seconds(times.event), times.created.map(seconds));
        for (position, feature) in self.table.features().iter().enumerate() {
            let value = match rows.cell(at, position) {
                Cell::Missing => continue,
                cell => cell.bytes().unwrap_or_default(),
            };
            // A value that is no message of Feast's is stored as it came, without text.
            let (text, number) = text_and_number(value).unwrap_or_default();
            let name = feature.name.as_ref();
            let columns: [&dyn ToSql; 7] = [&key, &name, &value, &text, &event, &created, &number];
            self.upsert.execute(&columns[..self.width])?;
        }
        if carry {
            self.carry.execute((key, event, created))?;
        }
        Ok(())
    }
}

/// Makes and removes tables in one transaction.
pub(super) fn update(
    connection: &mut Connection,
    create: &[Statements],
    delete: &[Statements],
) -> Result<(), Fault> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for statements in create {
        transaction.execute(&statements.create(), ())?;
        transaction.execute(&statements.create_index(), ())?;
        add_column(&transaction, &statements.add_value_text())?;
        if let Some(add) = statements.add_value_num() {
            add_column(&transaction, &add)?;
        }
    }
    for statements in delete {
        transaction.execute(&statements.drop(), ())?;
    }
    transaction.commit()?;
    Ok(())
}

/// Adds a column unless it is there; SQLite has no `IF NOT EXISTS` for columns.
fn add_column(connection: &Connection, statement: &str) -> Result<(), Fault> {
    match connection.execute(statement, ()) {
        Err(cause) if cause.to_string().contains("duplicate column name") => Ok(()),
        done => Ok(done.map(drop)?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_one_write_are_compared_to_the_microsecond() {
        let times = |event| RowTimes { event, created: None };
        let guard = WriteGuard::EventTime;
        let stored = Some(times(1_000_000));
        let known = Some(times(1_500_000));
        assert!(!admits(guard, stored, known, times(1_400_000)));
        assert!(admits(guard, stored, known, times(1_600_000)));
        // What another writer stored since is known to the second only.
        assert!(admits(guard, stored, None, times(1_400_000)));
        assert!(!admits(guard, Some(times(2_000_000)), known, times(1_600_000)));
        assert!(admits(guard, None, None, times(-5)));
    }
}
