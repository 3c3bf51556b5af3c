//! Every backend against a model: a map, a rule and nothing else.
#![expect(clippy::unwrap_used, reason = "a failing step fails the test")]

use std::collections::BTreeMap;
use std::sync::Arc;

use larder_online_store::{
    Cell, EmbeddedConfig, EmbeddedStore, OnlineStore, RowTimes, SqliteConfig, SqliteStore,
    ViewTable, WriteGuard, WriteRowsBuilder, WriteSummary,
};
use proptest::prelude::*;

const FEATURES: [&str; 3] = ["c", "a", "b"];
const VIEWS: [&str; 2] = ["one", "two"];

#[derive(Debug, Clone)]
struct Row {
    key: Vec<u8>,
    event: i64,
    created: Option<i64>,
    cells: [Option<Vec<u8>>; 3],
}

#[derive(Debug, Clone)]
enum Step {
    Write(usize, WriteGuard, Vec<Row>),
    Remove(usize),
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Stored {
    times: Option<RowTimes>,
    cells: [Option<Vec<u8>>; 3],
}

/// What any store should hold, by view and key.
#[derive(Debug, Default)]
struct Model(BTreeMap<(usize, Vec<u8>), Stored>);

impl Model {
    fn write(&mut self, view: usize, guard: WriteGuard, rows: &[Row]) -> WriteSummary {
        let mut summary = WriteSummary::default();
        for row in rows {
            let stored = self.0.entry((view, row.key.clone())).or_default();
            let older = stored.times.is_some_and(|stored| {
                let created = stored.created.zip(row.created);
                let created_before = created.is_some_and(|(stored, written)| written < stored);
                row.event < stored.event || (row.event == stored.event && created_before)
            });
            if guard == WriteGuard::EventTime && older {
                summary.skipped_older += 1;
                continue;
            }
            summary.written += 1;
            stored.times = Some(RowTimes { event: row.event, created: row.created });
            for (stored, written) in stored.cells.iter_mut().zip(&row.cells) {
                if written.is_some() {
                    stored.clone_from(written);
                }
            }
        }
        summary
    }
}

fn table(view: usize) -> ViewTable {
    ViewTable::new("model", VIEWS[view], FEATURES).unwrap()
}

async fn run(store: &dyn OnlineStore, steps: &[Step]) -> Result<(), TestCaseError> {
    let mut model = Model::default();
    store.update(&[table(0), table(1)], &[]).await.unwrap();
    for step in steps {
        match step {
            Step::Write(view, guard, rows) => {
                let mut given = WriteRowsBuilder::new(&table(*view));
                for row in rows {
                    given.begin_row(&row.key, row.event, row.created).unwrap();
                    for (feature, cell) in row.cells.iter().enumerate() {
                        if let Some(value) = cell {
                            given.set(feature, value).unwrap();
                        }
                    }
                }
                let summary = store.write(&table(*view), &given.finish(), *guard).await.unwrap();
                prop_assert_eq!(summary, model.write(*view, *guard, rows));
            }
            Step::Remove(view) => {
                store.teardown(&[table(*view)]).await.unwrap();
                store.update(&[table(*view)], &[]).await.unwrap();
                model.0.retain(|(owner, _), _| owner != view);
            }
        }
        compare(store, &model).await?;
    }
    Ok(())
}

async fn compare(store: &dyn OnlineStore, model: &Model) -> Result<(), TestCaseError> {
    for view in 0..VIEWS.len() {
        let keys: Vec<Vec<u8>> = (0..4).map(key).collect();
        let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
        let answer = store.read(&table(view), &keys).await.unwrap();
        for (row, key) in keys.iter().enumerate() {
            let stored = model.0.get(&(view, key.to_vec())).cloned().unwrap_or_default();
            prop_assert_eq!(answer.event_timestamp(row), stored.times.map(|times| times.event));
            for (feature, cell) in stored.cells.iter().enumerate() {
                prop_assert_eq!(answer.cell(row, feature), Cell::from(cell.as_deref()));
            }
        }
    }
    Ok(())
}

/// A few keys, one of them too long for LMDB.
fn key(number: u8) -> Vec<u8> {
    if number == 3 { vec![b'k'; 700] } else { vec![number] }
}

prop_compose! {
    fn any_row()(
        number in 0..4_u8,
        event in -3..4_i64,
        created in proptest::option::of(-2..3_i64),
        // A row of the SQLite layout exists through its features, so one is always there.
        first in 0..3_usize,
        value in 0..50_u8,
        others in proptest::array::uniform3(proptest::option::of(proptest::option::of(0..50_u8))),
    ) -> Row {
        let encode = |value: Option<u8>| value.map_or_else(Vec::new, |value| vec![0x20, value]);
        let mut cells = others.map(|cell| cell.map(encode));
        cells[first] = Some(encode(Some(value)));
        let micros = |seconds: i64| seconds * 1_000_000;
        Row { key: key(number), event: micros(event), created: created.map(micros), cells }
    }
}

fn any_step() -> impl Strategy<Value = Step> {
    let guard = prop_oneof![4 => Just(WriteGuard::EventTime), 1 => Just(WriteGuard::LastWriteWins)];
    prop_oneof![
        8 => (0..2_usize, guard, proptest::collection::vec(any_row(), 0..8))
            .prop_map(|(view, guard, rows)| Step::Write(view, guard, rows)),
        1 => (0..2_usize).prop_map(Step::Remove),
    ]
}

fn check(
    make: impl Fn(&tempfile::TempDir) -> Arc<dyn OnlineStore>,
    steps: &[Step],
) -> Result<(), TestCaseError> {
    let folder = tempfile::tempdir().unwrap();
    let store = make(&folder);
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(run(store.as_ref(), steps))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_embedded_store_behaves_like_the_model(steps in proptest::collection::vec(any_step(), 1..12)) {
        let make = |folder: &tempfile::TempDir| -> Arc<dyn OnlineStore> {
            Arc::new(EmbeddedStore::open(&EmbeddedConfig::new(folder.path())).unwrap())
        };
        check(make, &steps)?;
    }

    #[test]
    fn the_sqlite_store_behaves_like_the_model_with_guard(
        steps in proptest::collection::vec(any_step(), 1..12)
    ) {
        // Feast's layout has a time per feature: without guard, features left out keep theirs.
        let guarded: Vec<Step> = steps
            .into_iter()
            .map(|step| match step {
                Step::Write(view, _, rows) => Step::Write(view, WriteGuard::EventTime, rows),
                removal @ Step::Remove(_) => removal,
            })
            .collect();
        let make = |folder: &tempfile::TempDir| -> Arc<dyn OnlineStore> {
            Arc::new(SqliteStore::open(&SqliteConfig::new(folder.path().join("online.db"))).unwrap())
        };
        check(make, &guarded)?;
    }
}
