//! The entity rows of a retrieval, whatever they come from.

mod csv;
mod table;
mod time;
mod window;

pub(crate) use table::EntityTable;
