//! The entity rows of a retrieval, whatever they come from.

mod file;
mod gathered;
mod newest;
mod query;
mod table;
mod text;
mod time;
mod window;

pub(crate) use table::{EntityTable, Extent};
