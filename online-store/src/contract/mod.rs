//! What every online store and every layer around one must do, as test functions.
//!
//! [`online_store_contract!`](crate::online_store_contract) makes one test of each. Times are whole seconds, the
//! coarsest resolution of any backend.
#![expect(clippy::unwrap_used, reason = "a broken contract fails the test that runs it")]
#![expect(clippy::missing_panics_doc, reason = "test functions panic when the contract is broken")]

mod concurrency;
mod fixture;
mod guarding;
mod reading;
mod sizes;
mod tables;

pub use concurrency::*;
pub use fixture::Store;
pub use guarding::*;
pub use reading::*;
pub use sizes::*;
pub use tables::*;

/// Makes a `#[tokio::test]` of every function of the contract.
///
/// `$make` is an expression (it may await) of `(anything to keep alive, Arc<dyn OnlineStore>)`, a fresh store each time.
/// The caller needs tokio with `macros` and `rt-multi-thread`. A store whose layout has no place for created timestamps
/// says `without_created_times` behind it.
#[macro_export]
macro_rules! online_store_contract {
    ($make:expr) => {
        $crate::online_store_contract! { @common $make }
        $crate::online_store_contract! { @each $make;
            at_equal_event_times_the_later_created_row_wins
            rows_written_again_count_by_their_created_times
        }
    };
    ($make:expr, without_created_times) => {
        $crate::online_store_contract! { @common $make }
        $crate::online_store_contract! { @each $make;
            at_equal_event_times_the_row_written_last_wins
        }
    };
    (@common $make:expr) => {
        $crate::online_store_contract! { @each $make;
            // reading
            read_after_write
            missing_null_and_value_stay_apart
            keys_without_row_are_absent
            answers_follow_the_order_of_keys_and_features
            views_of_one_request_are_answered_in_their_order
            empty_batches_do_nothing
            names_and_keys_may_be_any_text
            a_changed_schema_reads_old_rows
            the_store_says_that_it_is_well
            // guarding
            an_older_row_never_replaces_a_newer_one_across_writes
            an_older_row_never_replaces_a_newer_one_inside_a_batch
            at_equal_event_times_the_later_created_row_of_a_write_wins
            writing_the_same_rows_again_changes_nothing
            rows_before_1970_are_guarded_too
            without_guard_the_last_write_wins
            features_left_out_keep_their_value_under_the_new_time
            an_older_partial_row_changes_nothing
            rows_of_another_table_are_refused
            // tables
            making_a_table_twice_keeps_its_rows
            views_with_the_same_key_are_independent
            projects_with_the_same_view_are_independent
            a_table_made_again_starts_empty
            teardown_touches_only_its_own
            // sizes
            ten_thousand_keys_in_one_batch
            keys_of_five_kilobytes_are_kept_apart
            values_of_one_megabyte_come_back
            rows_of_five_hundred_features_come_back
            // concurrency
            concurrent_writers_lose_nothing
            concurrent_writers_of_one_key_leave_the_newest_row
            readers_see_whole_rows_while_others_write
        }
    };
    (@each $make:expr; $($name:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() {
                let (_kept, store) = $make;
                let store = $crate::contract::Store::new(store);
                $crate::contract::$name(&store).await;
            }
        )*
    };
}
