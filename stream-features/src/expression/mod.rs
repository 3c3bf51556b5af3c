//! Filters and derived columns: a small part of SQL over the fields of one event.

mod compile;
mod evaluate;
mod list;

pub(crate) use compile::{Columns, compile};
pub(crate) use evaluate::{Expression, Failure, Row};

#[cfg(test)]
mod tests;
