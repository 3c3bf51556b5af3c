//! The contract of online stores on `remote`, with `fs serve` behind it, alone and under the layers.
//!
//! What cannot hold because the protocol has no words for it:
//!
//! - `missing_null_and_value_stay_apart`, `names_and_keys_may_be_any_text`, `rows_of_five_hundred_features_come_back`,
//!   `features_left_out_keep_their_value_under_the_new_time`, `an_older_partial_row_changes_nothing`: rows leave features
//!   out; here [`a_row_that_leaves_features_out_is_refused_and_nothing_is_written`] says what happens instead;
//! - `a_changed_schema_reads_old_rows`: answers have one word for null and never written, see
//!   [`a_feature_that_was_added_is_null_in_old_rows`];
//! - `projects_with_the_same_view_are_independent`, `teardown_touches_only_its_own`: requests name no project, a server
//!   has one;
//! - `at_equal_event_times_the_later_created_row_wins`, `rows_written_again_count_by_their_created_times`: answers do not
//!   say what the server's guard kept out, so the store promises nothing across calls.
#![expect(clippy::unwrap_used, reason = "a failing step fails the test")]

mod every_type;
mod recorded;
mod served;
mod through;

use std::sync::Arc;
use std::time::Duration;

use larder_core::ErrorKind;
use larder_online_store::{
    CacheConfig, CacheLayer, Cell, DeadlineConfig, DeadlineLayer, MetricsLayer, OnlineStore,
    RetryConfig, RetryLayer, StoreCall, StoreObserver, ViewRead, ViewTable, WriteGuard,
    WriteRowsBuilder, online_store_contract,
};
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use self::served::{Served, entity_key};

/// The resolution of the server's store.
const SECOND: i64 = 1_000_000;

/// Everything of the contract that the protocol can say.
macro_rules! what_a_feature_server_can {
    ($make:expr) => {
        online_store_contract! { @each $make;
            // reading
            read_after_write
            keys_without_row_are_absent
            answers_follow_the_order_of_keys_and_features
            views_of_one_request_are_answered_in_their_order
            empty_batches_do_nothing
            the_store_says_that_it_is_well
            // guarding
            an_older_row_never_replaces_a_newer_one_across_writes
            an_older_row_never_replaces_a_newer_one_inside_a_batch
            at_equal_event_times_the_row_written_last_wins
            at_equal_event_times_the_later_created_row_of_a_write_wins
            writing_the_same_rows_again_changes_nothing
            rows_before_1970_are_guarded_too
            without_guard_the_last_write_wins
            rows_of_another_table_are_refused
            // tables
            making_a_table_twice_keeps_its_rows
            views_with_the_same_key_are_independent
            a_table_made_again_starts_empty
            // sizes
            ten_thousand_keys_in_one_batch
            keys_of_five_kilobytes_are_kept_apart
            values_of_one_megabyte_come_back
            // concurrency
            concurrent_writers_lose_nothing
            concurrent_writers_of_one_key_leave_the_newest_row
            readers_see_whole_rows_while_others_write
        }
    };
}

mod alone {
    use super::*;

    what_a_feature_server_can!(((), Arc::new(Served::start()) as Arc<dyn OnlineStore>));
}

mod under_the_layers {
    use super::*;

    what_a_feature_server_can!(((), stack(Arc::new(Served::start()))));
}

#[derive(Debug)]
struct Nobody;

impl StoreObserver for Nobody {
    fn observe(&self, _call: &StoreCall) {}
}

/// Every layer, in the order of `fs`.
fn stack(store: Arc<dyn OnlineStore>) -> Arc<dyn OnlineStore> {
    let store = Arc::new(MetricsLayer::new(store, Arc::new(Nobody)));
    let store = RetryLayer::new(store, RetryConfig::default(), StdRng::seed_from_u64(1));
    let minute = Some(Duration::from_mins(1));
    let store = DeadlineLayer::new(Arc::new(store), DeadlineConfig { read: minute, write: minute });
    let ttl = Duration::from_hours(1);
    let cache = CacheConfig { max_bytes: 64 << 20, max_entries: 1 << 20, ttl };
    Arc::new(CacheLayer::new(Arc::new(store), cache))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_leaves_features_out_is_refused_and_nothing_is_written() {
    let store = Served::start();
    let table = ViewTable::new("any", "partial", ["a", "b"]).unwrap();
    store.update(std::slice::from_ref(&table), &[]).await.unwrap();
    let [whole, partial] = [b"1", b"2"].map(|key| entity_key(key));
    let mut rows = WriteRowsBuilder::new(&table);
    for (key, features) in [(&whole, 2), (&partial, 1)] {
        rows.begin_row(key, 1, None).unwrap();
        for feature in 0..features {
            rows.set(feature, &[0x20, 7]).unwrap();
        }
    }
    let error = store.write(&table, &rows.finish(), WriteGuard::EventTime).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    let answer = store.read(&table, &[&whole, &partial]).await.unwrap();
    assert_eq!(answer.event_timestamps(), [None, None]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_view_that_the_server_does_not_know_is_not_found_and_fails_no_other() {
    let store = Served::start();
    let [known, unknown] =
        ["known", "unknown"].map(|view| ViewTable::new("any", view, ["a"]).unwrap());
    store.update(std::slice::from_ref(&known), &[]).await.unwrap();
    let key = entity_key(b"1");
    let write = |table: &ViewTable| {
        let mut rows = WriteRowsBuilder::new(table);
        rows.begin_row(&key, SECOND, None).unwrap();
        rows.set(0, &[0x20, 7]).unwrap();
        rows.finish()
    };
    store.write(&known, &write(&known), WriteGuard::EventTime).await.unwrap();
    let refused = store.write(&unknown, &write(&unknown), WriteGuard::EventTime).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::NotFound);
    let keys: &[&[u8]] = &[&key];
    let reads = [&known, &unknown].map(|table| ViewRead { table, keys });
    let answers = store.read_views(&reads).await;
    assert_eq!(answers[0].as_ref().unwrap().event_timestamps(), [Some(SECOND)]);
    assert_eq!(answers[1].as_ref().unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feature_that_was_added_is_null_in_old_rows() {
    let store = Served::start();
    let [before, after] = [&["gone", "kept"], &["added", "kept"]]
        .map(|features| ViewTable::new("any", "schema", *features).unwrap());
    store.update(std::slice::from_ref(&before), &[]).await.unwrap();
    let key = entity_key(b"1");
    let mut rows = WriteRowsBuilder::new(&before);
    rows.begin_row(&key, SECOND, None).unwrap();
    for feature in 0..2 {
        rows.set(feature, &[0x20, 7]).unwrap();
    }
    store.write(&before, &rows.finish(), WriteGuard::EventTime).await.unwrap();
    store.update(std::slice::from_ref(&after), &[]).await.unwrap();
    let answer = store.read(&after, &[&key]).await.unwrap();
    assert_eq!(answer.event_timestamps(), [Some(SECOND)]);
    assert_eq!((answer.cell(0, 0), answer.cell(0, 1)), (Cell::Null, Cell::Value(&[0x20, 7])));
}
