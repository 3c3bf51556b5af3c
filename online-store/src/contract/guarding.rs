use larder_core::ErrorKind;

use super::fixture::{
    Row, Store, after_older, expect, int, make, null, rows, summary, summary_across, write,
};
use crate::{GuardScope, ViewTable, WriteGuard};

/// Later writes of older rows are skipped and counted, as far as the store's guard reaches.
pub async fn an_older_row_never_replaces_a_newer_one_across_writes(store: &Store) {
    let table = make(store, "across", &["a"]).await;
    for (event, value, newest) in [
        (100, 1, (100, 1)),
        (99, 2, (100, 1)),
        (101, 3, (101, 3)),
        (100, 4, (101, 3)),
        (-1, 5, (101, 3)),
    ] {
        let written = write(store, &table, &[Row::new("k", event, [int(value)])]).await;
        let admitted = (event, value) == newest;
        let (one, other) = (usize::from(admitted), usize::from(!admitted));
        assert_eq!(written, summary_across(store, one, other), "event {event}");
        let (shown, value) = after_older(store, newest, (event, value));
        expect(store, &table, "k", shown, &[int(value)]).await;
    }
}

/// Rows of one batch behave as if written one after the other.
pub async fn an_older_row_never_replaces_a_newer_one_inside_a_batch(store: &Store) {
    let table = make(store, "inside", &["a"]).await;
    let given = [
        Row::new("k", 100, [int(1)]),
        Row::new("other", 5, [int(9)]),
        Row::new("k", 102, [int(2)]),
        Row::new("k", 101, [int(3)]),
        Row::new("k", 102, [int(4)]),
    ];
    assert_eq!(write(store, &table, &given).await, summary(4, 1));
    expect(store, &table, "k", 102, &[int(4)]).await;
    expect(store, &table, "other", 5, &[int(9)]).await;
}

/// Equal event timestamps: the later created one, or, when one of them is unknown, the one written last.
pub async fn at_equal_event_times_the_later_created_row_wins(store: &Store) {
    let table = make(store, "created", &["a"]).await;
    let row = |value, created: Option<i64>| {
        let row = Row::new("k", 100, [int(value)]);
        match created {
            Some(seconds) => row.created(seconds),
            None => row,
        }
    };
    for (value, created, shown) in [
        (1, Some(20), 1),
        (2, Some(10), 1),
        (3, Some(20), 3),
        (4, Some(30), 4),
        (5, None, 5),
        (6, Some(1), 6),
        (7, Some(0), 6),
    ] {
        write(store, &table, &[row(value, created)]).await;
        match store.guard_scope() {
            GuardScope::Row => expect(store, &table, "k", 100, &[int(shown)]).await,
            GuardScope::Call => expect(store, &table, "k", 100, &[int(value)]).await,
            // Either may stay.
            GuardScope::Value => {}
        }
    }
    let later_event = Row::new("k", 101, [int(8)]).created(-5);
    write(store, &table, &[later_event]).await;
    expect(store, &table, "k", 101, &[int(8)]).await;
}

/// The same among the rows of one write, whatever a store keeps.
pub async fn at_equal_event_times_the_later_created_row_of_a_write_wins(store: &Store) {
    let table = make(store, "created_in_batch", &["a"]).await;
    let row = |value, created| Row::new("k", 100, [int(value)]).created(created);
    let given = [row(1, 20), row(2, 10), row(3, 20), row(4, 19)];
    assert_eq!(write(store, &table, &given).await, summary(2, 2));
    expect(store, &table, "k", 100, &[int(3)]).await;
}

/// For stores that keep no created timestamps: at equal event timestamps the row written last wins.
pub async fn at_equal_event_times_the_row_written_last_wins(store: &Store) {
    let table = make(store, "last_of_equals", &["a"]).await;
    for value in [1, 2, 3] {
        let row = Row::new("k", 100, [int(value)]).created(-value);
        assert_eq!(write(store, &table, &[row]).await, summary(1, 0));
        expect(store, &table, "k", 100, &[int(value)]).await;
    }
}

/// Materializing the same interval twice leaves the same rows.
pub async fn writing_the_same_rows_again_changes_nothing(store: &Store) {
    let table = make(store, "again", &["a", "b"]).await;
    let expected = [("x", [int(4), int(5)]), ("y", [int(2), int(3)])];
    for _ in 0..2 {
        write(store, &table, &rows_to_repeat()).await;
        for (key, cells) in &expected {
            expect(store, &table, key, 100, cells).await;
        }
    }
}

/// For stores that keep created timestamps: the second time, rows that were replaced the first time count as older.
pub async fn rows_written_again_count_by_their_created_times(store: &Store) {
    let table = make(store, "counted", &["a", "b"]).await;
    for written in [summary(3, 0), summary_across(store, 2, 1)] {
        assert_eq!(write(store, &table, &rows_to_repeat()).await, written);
    }
}

fn rows_to_repeat() -> [Row; 3] {
    [
        Row::new("x", 100, [int(1), null()]).created(5),
        Row::new("y", 100, [int(2), int(3)]),
        Row::new("x", 100, [int(4), int(5)]).created(6),
    ]
}

/// Negative times protect a row as any other (Feast 0.67, redis: they do not).
pub async fn rows_before_1970_are_guarded_too(store: &Store) {
    let table = make(store, "early", &["a"]).await;
    write(store, &table, &[Row::new("k", -100, [int(1)]), Row::new("zero", 0, [int(1)])]).await;
    let older = [Row::new("k", -101, [int(2)]), Row::new("zero", -1, [int(2)])];
    assert_eq!(write(store, &table, &older).await, summary_across(store, 0, 2));
    for (key, newer, older) in [("k", -100, -101), ("zero", 0, -1)] {
        let (event, value) = after_older(store, (newer, 1), (older, 2));
        expect(store, &table, key, event, &[int(value)]).await;
    }
}

/// The guard can be left off, as in Feast's sqlite store.
pub async fn without_guard_the_last_write_wins(store: &Store) {
    let table = make(store, "unguarded", &["a"]).await;
    write(store, &table, &[Row::new("k", 100, [int(1)])]).await;
    let given = [Row::new("k", 60, [int(2)]), Row::new("k", 50, [int(3)])];
    let written = store.write(&table, &rows(&table, &given), WriteGuard::LastWriteWins).await;
    assert_eq!(written.unwrap(), summary(2, 0));
    expect(store, &table, "k", 50, &[int(3)]).await;
}

/// A row touches only the features it carries; the row's time is the time of all of them.
pub async fn features_left_out_keep_their_value_under_the_new_time(store: &Store) {
    let table = make(store, "partial", &["a", "b", "c"]).await;
    write(store, &table, &[Row::new("k", 100, [int(1), null(), None])]).await;
    write(store, &table, &[Row::new("k", 101, [None, int(2), None])]).await;
    expect(store, &table, "k", 101, &[int(1), int(2), None]).await;
    let narrow = ViewTable::new(table.project(), table.view(), ["c"]).unwrap();
    write(store, &narrow, &[Row::new("k", 102, [int(3)])]).await;
    expect(store, &table, "k", 102, &[int(1), int(2), int(3)]).await;
    let only_first = ViewTable::new(table.project(), table.view(), ["a"]).unwrap();
    expect(store, &only_first, "k", 102, &[int(1)]).await;
}

/// A guard of rows keeps an older row from even filling features that are missing; others let it.
pub async fn an_older_partial_row_changes_nothing(store: &Store) {
    let table = make(store, "older_partial", &["a", "b"]).await;
    write(store, &table, &[Row::new("k", 100, [int(1), None])]).await;
    let written = write(store, &table, &[Row::new("k", 99, [None, int(2)])]).await;
    assert_eq!(written, summary_across(store, 0, 1));
    let filled = if store.guard_scope() == GuardScope::Row { None } else { int(2) };
    expect(store, &table, "k", 100, &[int(1), filled]).await;
}

/// Rows built for a table with another number of features are a caller's bug, not a misplaced value.
pub async fn rows_of_another_table_are_refused(store: &Store) {
    let table = make(store, "other_shape", &["a", "b"]).await;
    let narrow = ViewTable::new(table.project(), table.view(), ["a"]).unwrap();
    let given = rows(&narrow, &[Row::new("k", 100, [int(1)])]);
    let refused = store.write(&table, &given, WriteGuard::EventTime).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Internal);
}
