//! Tables, rows and values for the contract.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use larder_core::Value;
use larder_proto::wire::entity_key::{EntityKeyLayout, EntityKeyVersion};
use larder_proto::wire::value::put_int64;

use crate::{
    Cell, GuardScope, OnlineStore, ReadRows, ViewTable, WriteGuard, WriteRows, WriteRowsBuilder,
    WriteSummary,
};

/// The store under test, and a project of its own: other tests may use the same database at the same time.
#[derive(Debug, Clone)]
pub struct Store {
    store: Arc<dyn OnlineStore>,
    project: Arc<str>,
}

impl Store {
    /// A store that no other test of this process shares its project with.
    pub fn new(store: Arc<dyn OnlineStore>) -> Self {
        static TESTS: AtomicU32 = AtomicU32::new(0);
        let test = TESTS.fetch_add(1, Ordering::Relaxed);
        Self { store, project: format!("contract_{}_{test}", std::process::id()).into() }
    }

    /// The project.
    pub(super) fn project(&self) -> &str {
        &self.project
    }

    /// A table of the project, not made.
    pub(super) fn table<Name: Into<Arc<str>>>(
        &self,
        view: &str,
        features: impl IntoIterator<Item = Name>,
    ) -> ViewTable {
        ViewTable::new(self.project(), view, features).unwrap()
    }
}

impl Deref for Store {
    type Target = dyn OnlineStore;

    fn deref(&self) -> &Self::Target {
        self.store.as_ref()
    }
}

/// The serialized key of an entity whose only join key has these bytes.
pub(super) fn entity_key(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let layout = EntityKeyLayout::new(EntityKeyVersion::V3, &["k"]).unwrap();
    layout.encode(&[Value::Bytes(bytes.as_ref().to_vec())]).unwrap()
}

/// A cell to write: `None` is left out, empty is null.
pub(super) type Given = Option<Vec<u8>>;

const MICROS: i64 = 1_000_000;

/// An encoded integer value.
#[expect(clippy::unnecessary_wraps, reason = "reads as a cell in the lists of the tests")]
pub(super) fn int(number: i64) -> Given {
    let mut bytes = Vec::new();
    put_int64(number, &mut bytes);
    Some(bytes)
}

/// A null.
#[expect(clippy::unnecessary_wraps, reason = "reads as a cell in the lists of the tests")]
pub(super) fn null() -> Given {
    Some(Vec::new())
}

/// A table of the store's project, made.
pub(super) async fn make(store: &Store, view: &str, features: &[&'static str]) -> ViewTable {
    let table = store.table(view, features.iter().copied());
    store.update(std::slice::from_ref(&table), &[]).await.unwrap();
    table
}

/// A row to write; times are seconds.
#[derive(Debug, Clone)]
pub(super) struct Row {
    key: Vec<u8>,
    event: i64,
    created: Option<i64>,
    cells: Vec<Given>,
}

impl Row {
    pub(super) fn new(key: impl AsRef<[u8]>, event: i64, cells: impl Into<Vec<Given>>) -> Self {
        Self { key: entity_key(key), event, created: None, cells: cells.into() }
    }

    pub(super) fn created(mut self, seconds: i64) -> Self {
        self.created = Some(seconds);
        self
    }
}

pub(super) fn rows(table: &ViewTable, given: &[Row]) -> WriteRows {
    let mut rows = WriteRowsBuilder::with_capacity(table, given.len());
    for row in given {
        let created = row.created.map(|seconds| seconds * MICROS);
        rows.begin_row(&row.key, row.event * MICROS, created).unwrap();
        for (feature, cell) in row.cells.iter().enumerate() {
            if let Some(value) = cell {
                rows.set(feature, value).unwrap();
            }
        }
    }
    rows.finish()
}

/// Writes with the event-time guard.
pub(super) async fn write(store: &Store, table: &ViewTable, given: &[Row]) -> WriteSummary {
    store.write(table, &rows(table, given), WriteGuard::EventTime).await.unwrap()
}

pub(super) async fn read<Key: AsRef<[u8]>>(
    store: &Store,
    table: &ViewTable,
    keys: &[Key],
) -> ReadRows {
    let keys: Vec<Vec<u8>> = keys.iter().map(entity_key).collect();
    let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
    let answer = store.read(table, &keys).await.unwrap();
    assert_eq!((answer.len(), answer.features()), (keys.len(), table.features().len()));
    answer
}

/// Asserts a key's event timestamp in seconds and its cells.
pub(super) async fn expect(
    store: &Store,
    table: &ViewTable,
    key: impl AsRef<[u8]>,
    event: i64,
    cells: &[Given],
) {
    let answer = read(store, table, &[key]).await;
    expect_row(&answer, 0, Some(event), cells);
}

pub(super) fn expect_row(answer: &ReadRows, row: usize, event: Option<i64>, cells: &[Given]) {
    assert_eq!(answer.event_timestamp(row), event.map(|seconds| seconds * MICROS), "row {row}");
    let found: Vec<Cell<'_>> = (0..cells.len()).map(|at| answer.cell(row, at)).collect();
    let expected: Vec<Cell<'_>> = cells.iter().map(|cell| Cell::from(cell.as_deref())).collect();
    assert_eq!(found, expected, "row {row}");
}

/// Asserts that a key has no row.
pub(super) async fn expect_absent(store: &Store, table: &ViewTable, key: impl AsRef<[u8]>) {
    let answer = read(store, table, &[key]).await;
    expect_row(&answer, 0, None, &vec![None; table.features().len()]);
}

/// What stays of a newer row after an older one was written in another call.
pub(super) fn after_older<Kept>(store: &Store, newer: Kept, older: Kept) -> Kept {
    match store.guard_scope() {
        GuardScope::Row | GuardScope::Value => newer,
        GuardScope::Call => older,
    }
}

/// The summary of a write that a store with a full guard would have skipped rows of.
pub(super) fn summary_across(store: &Store, written: usize, skipped_older: usize) -> WriteSummary {
    match store.guard_scope() {
        GuardScope::Row => summary(written, skipped_older),
        GuardScope::Value | GuardScope::Call => summary(written + skipped_older, 0),
    }
}

pub(super) fn summary(written: usize, skipped_older: usize) -> WriteSummary {
    WriteSummary { written, skipped_older }
}
