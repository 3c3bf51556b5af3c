//! Changes to a registry other than an apply: materialization records, deletion, teardown.

mod delete;
mod materialization;

pub use delete::{Deleted, delete_object, delete_project, find_object, teardown};
pub use materialization::{abandon_materialization, begin_materialization, record_materialization};
