//! Moving the rows of a project from one layout to the other, while others may go on writing.
//!
//! Per key: look up the rows in the old layout, write them in the new one under the event-time guard, and remove those
//! that nobody changed in between; a row that changed is moved again. What is interrupted can be started again: rows
//! are in the old layout, in both, or in the new one, and never in none.

use larder_core::{Error, ErrorKind, Result};
use redis::Cmd;

use super::client::{Client, parse};
use super::config::{RedisConfig, RedisGuard, RedisLayout};
use super::error::Fault;
use super::hmget::Answers;
use super::layout::{entity_key_of, hex, row_fields, row_key};
use super::read::{LookUps, ViewLookUp, send};
use super::scan::Scan;
use super::schemas::Schemas;
use super::script::{self, REMOVE_UNCHANGED};
use super::write;
use crate::{
    Cell, ReadRows, RedisStore, ViewRead, ViewTable, WriteGuard, WriteRows, WriteRowsBuilder,
};

/// Keys that are moved together: their rows are held in memory.
const KEYS_AT_ONCE: usize = 128;

/// Bytes of the rows that one pipeline compares and removes, unless a single row has more.
const BYTES_PER_PIPELINE: usize = 1 << 20;

/// How often a row may change under our hands while it is moved.
const ATTEMPTS: usize = 100;

/// How rows move between the layouts of Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayoutMigration {
    /// The layout that they get; they are looked for in the other one.
    pub to: RedisLayout,
    /// Whether the rows of the old layout stay.
    pub keep: bool,
    /// Whether rows are only counted.
    pub dry_run: bool,
}

/// What became of the rows of one view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MigratedRows {
    /// Rows in the old layout.
    pub found: u64,
    /// Rows written in the new layout; one that changed meanwhile counts every time.
    pub written: u64,
    /// Rows left alone because the new layout has a newer one.
    pub older: u64,
    /// Rows removed from the old layout.
    pub removed: u64,
}

impl RedisStore {
    /// Moves the rows of these tables, which belong to one project, to another layout; counts in the order of `tables`.
    ///
    /// `progress` is told the counts so far, every few keys. Event times and times to live stay; created times are lost
    /// on the way to Feast's layout, which has no place for them. Only the features of the tables move. At equal event
    /// times the row of the old layout wins. Keys before version 3 are not found, as by
    /// [`update`](crate::OnlineStore::update).
    ///
    /// # Errors
    /// `Data` for a stored row that cannot be understood, naming its key; `Conflict` for one that changes too often, or
    /// when slots of a cluster do not stop moving; otherwise as [`write`](crate::OnlineStore::write). Whatever it is, no row is lost, and the same call goes on
    /// where it stopped.
    pub async fn migrate(
        &self,
        tables: &[ViewTable],
        migration: LayoutMigration,
        progress: &(dyn Fn(&[MigratedRows]) + Sync),
    ) -> Result<Vec<MigratedRows>> {
        let mut counts = vec![MigratedRows::default(); tables.len()];
        let Some(first) = tables.first() else { return Ok(counts) };
        let project = first.project();
        if tables.iter().any(|table| table.project() != project) {
            return Err(Error::internal("tables of several projects cannot be moved together"));
        }
        let moving = Move::new(self, tables, migration);
        let mut scan = Scan::new(moving.client, project);
        let mut pass = 1;
        while let Some(keys) = scan.next().await? {
            if scan.pass() > pass && (migration.keep || migration.dry_run) {
                // The rows of the pass before are still there.
                counts.fill(MigratedRows::default());
            }
            pass = scan.pass();
            let keys: Vec<&[u8]> =
                keys.iter().filter_map(|key| entity_key_of(key, project)).collect();
            for keys in keys.chunks(KEYS_AT_ONCE) {
                moving.keys(keys, &mut counts).await?;
                progress(&counts);
            }
        }
        moving.finish().await?;
        Ok(counts)
    }
}

/// One migration.
struct Move<'a> {
    client: &'a Client,
    schemas: &'a Schemas,
    /// Settings of the store, with the layout to move to.
    config: RedisConfig,
    from: RedisLayout,
    tables: &'a [ViewTable],
    migration: LayoutMigration,
}

/// Rows of one view as they stand in the old layout.
struct Found<'k> {
    keys: Vec<&'k [u8]>,
    /// The fields of each row, in the order of [`row_fields`]; `None` where one is not set.
    fields: Vec<Vec<Option<Vec<u8>>>>,
    rows: ReadRows,
}

impl<'a> Move<'a> {
    fn new(store: &'a RedisStore, tables: &'a [ViewTable], migration: LayoutMigration) -> Self {
        let config = RedisConfig {
            layout: migration.to,
            guard: RedisGuard::EventTime,
            // The key keeps the time to live that it has.
            key_ttl_seconds: None,
            ..store.0.config.clone()
        };
        let from = match migration.to {
            RedisLayout::Feast => RedisLayout::Packed,
            RedisLayout::Packed => RedisLayout::Feast,
        };
        Self { client: &store.0.client, schemas: &store.0.schemas, config, from, tables, migration }
    }

    /// The schemas of packed rows go after these. Somebody who still writes such rows stores them again.
    async fn finish(&self) -> Result<()> {
        let is_last = !self.migration.keep && !self.migration.dry_run;
        if is_last && self.from == RedisLayout::Packed {
            for table in self.tables {
                self.schemas.remove(self.client, table).await?;
            }
        }
        Ok(())
    }

    async fn keys(&self, keys: &[&[u8]], counts: &mut [MigratedRows]) -> Result<()> {
        let found = self.look_up(self.tables, keys).await?;
        for ((table, found), counts) in self.tables.iter().zip(found).zip(counts) {
            counts.found += found.keys.len() as u64;
            if !self.migration.dry_run {
                self.rows(table, found, counts).await?;
            }
        }
        Ok(())
    }

    /// Moves rows of one view until none is left that changed meanwhile.
    async fn rows(
        &self,
        table: &ViewTable,
        mut found: Found<'_>,
        counts: &mut MigratedRows,
    ) -> Result<()> {
        for _ in 0..ATTEMPTS {
            if found.keys.is_empty() {
                return Ok(());
            }
            let rows = found.to_write(table)?;
            let to = (self.client, self.schemas);
            let written =
                write::write(to, &self.config, table, &rows, WriteGuard::EventTime).await?;
            counts.written += written.written as u64;
            counts.older += written.skipped_older as u64;
            if self.migration.keep {
                return Ok(());
            }
            let changed = self.remove(table, &found).await?;
            counts.removed += (found.keys.len() - changed.len()) as u64;
            let again = self.look_up(std::slice::from_ref(table), &changed).await?;
            found = again.into_iter().next().unwrap_or_else(Found::none);
        }
        let message = format!("a row of {table} changes too often to be moved");
        Err(Error::new(ErrorKind::Conflict, message)
            .with_hint("run the same command again when less is written"))
    }

    /// The rows of tables that these keys have in the old layout, table by table.
    async fn look_up<'k>(&self, tables: &[ViewTable], keys: &[&'k [u8]]) -> Result<Vec<Found<'k>>> {
        let reads: Vec<ViewRead<'_>> =
            tables.iter().map(|table| ViewRead { table, keys }).collect();
        let mut groups = LookUps::group(&reads, self.from);
        let answers = send(self.client, &groups).await;
        let mut found: Vec<Found<'k>> = tables.iter().map(Found::of).collect();
        let Some(group) = groups.first_mut() else { return Ok(found) };
        let count = group.fields();
        let mut rows = Vec::with_capacity(keys.len());
        for answer in answers.iter().flat_map(Answers::iter) {
            let mut fields = Vec::new();
            let answer = answer.map_err(|fault| self.client.error(&fault))?;
            answer.fields(count, &mut fields)?;
            rows.push(fields);
        }
        let mut first = 0;
        for (view, found) in group.views().zip(&mut found) {
            let own = first..first + view.width();
            first = own.end;
            let exist: Vec<Option<&[u8]>> = rows.iter().map(|fields| fields[own.end - 1]).collect();
            view.learn(self.client, self.schemas, &exist).await?;
            for (key, fields) in keys.iter().copied().zip(&rows) {
                found.push(view, key, &fields[own.clone()])?;
            }
        }
        Ok(found)
    }

    /// Removes rows from the old layout; keys of those that are not as they were found.
    async fn remove<'k>(&self, table: &ViewTable, found: &Found<'k>) -> Result<Vec<&'k [u8]>> {
        let fields = row_fields(table, self.from);
        let mut changed = Vec::new();
        let mut first = 0;
        while first < found.keys.len() {
            let last = found.pipeline(first);
            let rows: Vec<usize> = (first..last).collect();
            let command = |row: &usize, whole| {
                let key = row_key(found.keys[*row], table.project());
                remove_unchanged(whole, &key, &fields, &found.fields[*row])
            };
            for (row, answer) in rows.iter().zip(script::run(self.client, &rows, command).await) {
                let removed: Result<bool, Fault> =
                    answer.and_then(|value| redis::from_redis_value(value).map_err(parse));
                if !removed.map_err(|fault| self.client.error(&fault))? {
                    changed.push(found.keys[*row]);
                }
            }
            first = last;
        }
        Ok(changed)
    }
}

impl<'k> Found<'k> {
    fn none() -> Self {
        Self { keys: Vec::new(), fields: Vec::new(), rows: ReadRows::default() }
    }

    fn of(table: &ViewTable) -> Self {
        Self { rows: ReadRows::with_capacity(0, table.features().len()), ..Self::none() }
    }

    /// Adds the row that a key has, if it has one.
    fn push(
        &mut self,
        view: &mut ViewLookUp<'_>,
        key: &'k [u8],
        fields: &[Option<&[u8]>],
    ) -> Result<()> {
        if fields.last().copied().flatten().is_none() {
            return Ok(());
        }
        view.push_row(fields, &mut self.rows)
            .map_err(|error| error.context(format_args!("the row with entity key {}", hex(key))))?;
        self.keys.push(key);
        self.fields.push(fields.iter().map(|value| value.map(<[u8]>::to_vec)).collect());
        Ok(())
    }

    /// The same rows, to be written.
    fn to_write(&self, table: &ViewTable) -> Result<WriteRows> {
        let mut rows = WriteRowsBuilder::with_capacity(table, self.keys.len());
        for (row, key) in self.keys.iter().enumerate() {
            let event = self.rows.event_timestamp(row);
            let event = event.ok_or_else(|| Error::internal("a row that exists has no time"))?;
            rows.begin_row(key, event, None)?;
            for feature in 0..self.rows.features() {
                match self.rows.cell(row, feature) {
                    Cell::Missing => {}
                    cell => rows.set(feature, cell.bytes().unwrap_or_default())?,
                }
            }
        }
        Ok(rows.finish())
    }

    /// The end of the rows from `first` on that one pipeline takes.
    fn pipeline(&self, first: usize) -> usize {
        let mut bytes = 0;
        let fit = self.fields[first..].iter().take_while(|fields| {
            bytes += bytes_of(fields);
            bytes <= BYTES_PER_PIPELINE
        });
        first + fit.count().max(1)
    }
}

/// About what a row takes in a command.
fn bytes_of(fields: &[Option<Vec<u8>>]) -> usize {
    fields.iter().map(|value| value.as_ref().map_or(8, |value| value.len() + 16)).sum()
}

fn remove_unchanged(whole: bool, key: &[u8], fields: &[Vec<u8>], seen: &[Option<Vec<u8>>]) -> Cmd {
    let mut command = REMOVE_UNCHANGED.call(whole, 1);
    command.arg(key).arg(fields.len());
    for field in fields {
        command.arg(field.as_slice());
    }
    let marks: String = seen.iter().map(|value| if value.is_some() { '1' } else { '0' }).collect();
    command.arg(marks);
    for value in seen.iter().flatten() {
        command.arg(value.as_slice());
    }
    command
}
