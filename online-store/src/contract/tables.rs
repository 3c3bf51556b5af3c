use larder_core::ErrorKind;

use super::fixture::{
    Row, Store, entity_key, expect, expect_absent, expect_row, int, make, rows, write,
};
use crate::{ViewRead, ViewTable, WriteGuard};

/// For stores that make tables: what was never made is not found, and the hint says what to do.
pub async fn a_table_never_made_is_not_found(store: &Store) {
    let table = store.table("never_made", ["a"]);
    let given = rows(&table, &[Row::new("k", 1, [int(1)])]);
    for _ in 0..2 {
        let failed = [
            store.read(&table, &[&entity_key("k")]).await.unwrap_err(),
            store.write(&table, &given, WriteGuard::EventTime).await.unwrap_err(),
        ];
        for error in failed {
            assert_eq!(error.kind(), ErrorKind::NotFound);
            assert!(error.hint().is_some_and(|hint| hint.contains("fs apply")));
        }
        // Once before and once after the store itself exists.
        make(store, "another", &["a"]).await;
    }
    store.teardown(&[table]).await.unwrap();
}

/// For stores that make tables: a view of a request that was never made fails, the others are answered.
pub async fn a_view_that_fails_does_not_fail_the_others(store: &Store) {
    let made = make(store, "made", &["a"]).await;
    let never_made = store.table("never_made", ["a"]);
    write(store, &made, &[Row::new("k", 1, [int(1)])]).await;
    let key = entity_key("k");
    let keys: &[&[u8]] = &[&key];
    let reads = [&made, &never_made, &made].map(|table| ViewRead { table, keys });
    let answers = store.read_views(&reads).await;
    assert_eq!(answers[1].as_ref().unwrap_err().kind(), ErrorKind::NotFound);
    for answer in [&answers[0], &answers[2]] {
        expect_row(answer.as_ref().unwrap(), 0, Some(1), &[int(1)]);
    }
}

/// `update` is idempotent.
pub async fn making_a_table_twice_keeps_its_rows(store: &Store) {
    let table = make(store, "twice", &["a"]).await;
    write(store, &table, &[Row::new("k", 100, [int(1)])]).await;
    make(store, "twice", &["a"]).await;
    expect(store, &table, "k", 100, &[int(1)]).await;
}

/// Two views of one project share no row, though they share keys and feature names.
pub async fn views_with_the_same_key_are_independent(store: &Store) {
    let one = make(store, "one", &["a"]).await;
    let other = make(store, "one_v2", &["a"]).await;
    write(store, &one, &[Row::new("k", 100, [int(1)])]).await;
    expect_absent(store, &other, "k").await;
    write(store, &other, &[Row::new("k", 50, [int(2)])]).await;
    expect(store, &one, "k", 100, &[int(1)]).await;
    expect(store, &other, "k", 50, &[int(2)]).await;
}

/// Two projects share no row, though their views have the same name.
pub async fn projects_with_the_same_view_are_independent(store: &Store) {
    let [shop, workshop] = ["", "work"].map(|prefix| of_project(store, prefix, "", "stats"));
    store.update(&[shop.clone(), workshop.clone()], &[]).await.unwrap();
    write(store, &shop, &[Row::new("k", 100, [int(1)])]).await;
    expect_absent(store, &workshop, "k").await;
    store.update(&[], &[workshop]).await.unwrap();
    expect(store, &shop, "k", 100, &[int(1)]).await;
}

/// Removing a table removes its rows, also more than one sweep takes; making it again brings none of them back.
pub async fn a_table_made_again_starts_empty(store: &Store) {
    let table = make(store, "again_empty", &["a"]).await;
    let kept = make(store, "kept", &["a"]).await;
    let given: Vec<Row> =
        (0..12_000_u32).map(|n| Row::new(n.to_be_bytes(), 100, [int(n.into())])).collect();
    write(store, &table, &given).await;
    write(store, &kept, &given[..1]).await;
    store.update(&[], std::slice::from_ref(&table)).await.unwrap();
    store.update(std::slice::from_ref(&table), &[]).await.unwrap();
    expect_absent(store, &table, 0_u32.to_be_bytes()).await;
    expect_absent(store, &table, 11_999_u32.to_be_bytes()).await;
    expect(store, &kept, 0_u32.to_be_bytes(), 100, &[int(0)]).await;
    write(store, &table, &[Row::new(0_u32.to_be_bytes(), 1, [int(7)])]).await;
    expect(store, &table, 0_u32.to_be_bytes(), 1, &[int(7)]).await;
}

/// Tearing one project down leaves every other (Feast 0.67 removes the file, or keys of projects with the same ending).
pub async fn teardown_touches_only_its_own(store: &Store) {
    let mine = ["users", "items"].map(|view| of_project(store, "", "", view));
    // A project whose name ends like ours, one whose name begins like ours, and one without name.
    let nameless = ViewTable::new("", format!("users_{}", store.project()), ["a"]).unwrap();
    let others = [
        of_project(store, "work", "", "users"),
        of_project(store, "", "2", "items"),
        nameless.clone(),
    ];
    for table in mine.iter().chain(&others) {
        store.update(std::slice::from_ref(table), &[]).await.unwrap();
        write(store, table, &[Row::new("k", 100, [int(1)])]).await;
    }
    for _ in 0..2 {
        store.teardown(&mine).await.unwrap();
        for table in &others {
            expect(store, table, "k", 100, &[int(1)]).await;
        }
    }
    store.update(&mine, &[]).await.unwrap();
    for table in &mine {
        expect_absent(store, table, "k").await;
    }
    store.teardown(&[nameless]).await.unwrap();
}

fn of_project(store: &Store, before: &str, after: &str, view: &str) -> ViewTable {
    ViewTable::new(format!("{before}{}{after}", store.project()), view, ["a"]).unwrap()
}
