//! The suite that every offline store, and every layer around one, must pass.
//!
//! A test runs each of [`CASES`] with a function that makes a store whose relative source paths start from the given
//! folder. A case panics when the store breaks the contract.

mod failures;
mod fixture;
mod joins;
mod pulls;
mod saves;
mod writes;

use std::path::Path;
use std::sync::Arc;

use futures::future::BoxFuture;

use crate::OfflineStore;

/// Makes the store under test for a folder.
pub type MakeStore = fn(&Path) -> Arc<dyn OfflineStore>;

/// One rule of the contract.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// The rule as a sentence in snake case.
    pub name: &'static str,
    /// Checks it.
    pub run: fn(MakeStore) -> BoxFuture<'static, ()>,
}

macro_rules! cases {
    ($($module:ident::$name:ident),+ $(,)?) => {
        /// Every rule.
        pub const CASES: &[Case] = &[
            $(Case { name: stringify!($name), run: |make| Box::pin($module::$name(make)) }),+
        ];
    };
}

cases![
    pulls::an_interval_includes_both_ends,
    pulls::without_bounds_every_row_is_pulled,
    pulls::the_latest_row_has_the_greatest_event_time_then_created_time,
    pulls::null_keys_are_kept_and_equal_each_other,
    pulls::a_view_without_entities_pulls_under_the_dummy_key,
    pulls::without_named_features_every_column_is_pulled,
    pulls::a_push_source_is_read_through_its_batch_source,
    joins::every_entity_row_comes_once_and_in_order,
    joins::both_ends_of_the_ttl_are_included,
    joins::the_winner_answers_even_with_null,
    joins::a_null_key_or_time_has_no_features,
    joins::rows_created_later_can_be_hidden,
    joins::views_are_joined_each_on_its_own,
    joins::a_view_without_entities_answers_every_row,
    joins::no_entity_rows_give_an_empty_answer_with_its_columns,
    joins::a_window_asks_for_every_key_seen_in_it,
    joins::reads_run_in_parallel,
    writes::appended_rows_are_read_back,
    writes::a_folder_gets_a_new_file,
    writes::rows_with_other_columns_are_refused_and_change_nothing,
    writes::writers_of_one_file_wait_for_each_other,
    writes::readers_of_a_file_see_one_version_of_it,
    saves::saved_rows_are_read_back,
    saves::replaced_rows_are_gone,
    saves::a_folder_with_other_things_is_not_replaced,
    saves::added_rows_are_files_of_their_own,
    saves::added_rows_go_to_the_folders_of_their_partitions,
    saves::rows_that_cannot_be_partitioned_are_refused,
    saves::rows_that_end_in_an_error_leave_the_target_as_it_was,
    failures::a_missing_file_is_not_found,
    failures::a_source_that_cannot_be_read_is_unsupported,
    failures::a_corrupt_file_is_bad_data,
    failures::a_missing_column_is_invalid,
    failures::a_missing_join_key_is_invalid,
    failures::keys_of_different_kinds_are_invalid,
    failures::an_unclear_event_timestamp_is_invalid,
    failures::a_feature_named_like_an_entity_column_is_invalid,
];
