//! The log of a Delta table: which files its newest version has, and which of their rows are deleted.
//!
//! [`TableVersion`] is what a reader of files needs to know. The log is read by the kernel of the Delta project; what this
//! crate is not: it reads no data file, and it writes nothing.

mod columns;
mod failure;
mod runtime;
mod table;

pub use table::{LiveFile, TableRoot, TableVersion};
