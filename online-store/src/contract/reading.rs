use super::fixture::{
    Row, Store, entity_key, expect, expect_absent, expect_row, int, make, null, read, rows,
    summary, write,
};
use crate::{ViewRead, ViewTable, WriteGuard, WriteSummary};

/// What was written is read.
pub async fn read_after_write(store: &Store) {
    let table = make(store, "read_after_write", &["a", "b"]).await;
    let written = write(store, &table, &[Row::new("k", 100, [int(1), int(-2)])]).await;
    assert_eq!(written, summary(1, 0));
    expect(store, &table, "k", 100, &[int(1), int(-2)]).await;
}

/// A feature that was never written, a null and a value are three things.
pub async fn missing_null_and_value_stay_apart(store: &Store) {
    let table = make(store, "three_states", &["value", "null", "missing"]).await;
    write(store, &table, &[Row::new("k", 100, [int(0), null(), None])]).await;
    expect(store, &table, "k", 100, &[int(0), null(), None]).await;
}

/// A key without row has no event timestamp and no cells, between keys that have.
pub async fn keys_without_row_are_absent(store: &Store) {
    let table = make(store, "absent", &["a"]).await;
    write(store, &table, &[Row::new("one", 100, [int(1)]), Row::new("three", 0, [int(3)])]).await;
    let answer = read(store, &table, &["one", "two", "three"]).await;
    expect_row(&answer, 0, Some(100), &[int(1)]);
    expect_row(&answer, 1, None, &[None]);
    expect_row(&answer, 2, Some(0), &[int(3)]);
}

/// Rows come in the order of the keys, also when one is asked twice; cells in the order of the table's features.
pub async fn answers_follow_the_order_of_keys_and_features(store: &Store) {
    let table = make(store, "order", &["a", "b", "c"]).await;
    let given: Vec<Row> =
        (0..5).map(|n| Row::new([n], 100, [int(10), int(20 + i64::from(n)), int(30)])).collect();
    write(store, &table, &given).await;
    let chosen = ViewTable::new(table.project(), table.view(), ["c", "b"]).unwrap();
    let answer = read(store, &chosen, &[[4], [0], [4], [2]]).await;
    for (row, n) in [4, 0, 4, 2].into_iter().enumerate() {
        expect_row(&answer, row, Some(100), &[int(30), int(20 + n)]);
    }
    let column: Vec<_> = answer.column(0).collect();
    assert_eq!(column.len(), 4);
    assert!(column.iter().all(|cell| cell.bytes() == int(30).as_deref()));
}

/// The views of one request are answered in their order, whichever of them share keys.
pub async fn views_of_one_request_are_answered_in_their_order(store: &Store) {
    let one = make(store, "request_one", &["a", "b"]).await;
    let other = make(store, "request_other", &["a"]).await;
    write(store, &one, &[Row::new("x", 100, [int(1), null()])]).await;
    write(store, &other, &[Row::new("x", 50, [int(2)]), Row::new("y", 60, [int(3)])]).await;
    let narrow = ViewTable::new(one.project(), one.view(), ["b"]).unwrap();
    let (x, y) = (entity_key("x"), entity_key("y"));
    let [both, only_y]: [&[&[u8]]; 2] = [&[&y, &x], &[&y]];
    let reads = [
        ViewRead { table: &other, keys: both },
        ViewRead { table: &one, keys: both },
        ViewRead { table: &other, keys: only_y },
        ViewRead { table: &other, keys: &[] },
        ViewRead { table: &narrow, keys: both },
        ViewRead { table: &other, keys: both },
    ];
    let answers: Vec<_> = store.read_views(&reads).await.into_iter().map(Result::unwrap).collect();
    let rows: Vec<_> = answers.iter().map(|answer| (answer.len(), answer.features())).collect();
    assert_eq!(rows, [(2, 1), (2, 2), (1, 1), (0, 1), (2, 1), (2, 1)]);
    for answer in [&answers[0], &answers[5]] {
        expect_row(answer, 0, Some(60), &[int(3)]);
        expect_row(answer, 1, Some(50), &[int(2)]);
    }
    expect_row(&answers[1], 0, None, &[None, None]);
    expect_row(&answers[1], 1, Some(100), &[int(1), null()]);
    expect_row(&answers[2], 0, Some(60), &[int(3)]);
    expect_row(&answers[4], 0, None, &[None]);
    expect_row(&answers[4], 1, Some(100), &[null()]);
    assert!(store.read_views(&[]).await.is_empty());
}

/// No keys, no rows, no tables: no effect, no error.
pub async fn empty_batches_do_nothing(store: &Store) {
    let table = make(store, "empty", &["a"]).await;
    assert_eq!(write(store, &table, &[]).await, WriteSummary::default());
    assert!(store.read(&table, &[]).await.unwrap().is_empty());
    store.update(&[], &[]).await.unwrap();
    store.teardown(&[]).await.unwrap();
    let no_features = ViewTable::new(table.project(), table.view(), [""; 0]).unwrap();
    assert_eq!(read(store, &no_features, &["k"]).await.event_timestamps(), [None]);
}

const ODD_NAMES: [&str; 8] =
    ["größe", "a b", "quote\"quote", "semi;colon", "日本語", "-dash", "UPPER", "%_"];

/// Feature names and keys are not restricted to what needs no quoting.
pub async fn names_and_keys_may_be_any_text(store: &Store) {
    let table = make(store, "odd_names", &ODD_NAMES).await;
    write_and_read_odd_keys(store, &table).await;
}

/// For stores that hold any name: neither are the names of projects and views.
pub async fn views_may_have_any_name(store: &Store) {
    for view in ODD_NAMES {
        let table = ViewTable::new(format!("{}-é", store.project()), view, ODD_NAMES).unwrap();
        store.update(std::slice::from_ref(&table), &[]).await.unwrap();
        write_and_read_odd_keys(store, &table).await;
    }
}

async fn write_and_read_odd_keys(store: &Store, table: &ViewTable) {
    let cells: Vec<_> = (0..8).map(int).collect();
    for key in ODD_NAMES {
        let given = [Row::new(key, 100, cells.clone()), Row::new([key, "\0"].concat(), 7, [])];
        store.write(table, &rows(table, &given), WriteGuard::EventTime).await.unwrap();
        expect(store, table, key, 100, &cells).await;
    }
    expect_absent(store, table, "größE").await;
}

/// Features that were added are missing in old rows, removed ones are not shown.
pub async fn a_changed_schema_reads_old_rows(store: &Store) {
    let before = make(store, "schema", &["gone", "kept"]).await;
    write(store, &before, &[Row::new("k", 100, [int(1), int(2)])]).await;
    let after = make(store, "schema", &["added", "kept"]).await;
    expect(store, &after, "k", 100, &[None, int(2)]).await;
    write(store, &after, &[Row::new("k", 101, [int(3), int(4)])]).await;
    expect(store, &after, "k", 101, &[int(3), int(4)]).await;
}

/// A store that answers says so.
pub async fn the_store_says_that_it_is_well(store: &Store) {
    make(store, "well", &["a"]).await;
    store.health().await.unwrap();
    assert!(!store.name().is_empty());
}
