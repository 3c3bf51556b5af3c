//! Feast's classes, decorators and modules, as the evaluator's library.

mod collect;
mod field;
mod formats;
mod names;
mod service;
mod sources;
mod types;
mod views;

pub(super) use collect::Collector;
pub(super) use names::Feast;
