//! Feast's classes, decorators and modules, as the evaluator's library.

mod collect;
mod field;
mod formats;
mod names;
mod service;
mod sources;
pub(super) mod types;
mod views;

pub(super) use collect::Collector;
pub(crate) use collect::definition;
pub(super) use names::{Feast, class, members};
pub(crate) use service::Reference;
pub(super) use service::resources;
pub(super) use views::warn_of_names;
