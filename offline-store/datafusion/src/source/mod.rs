//! A source as a table: its files, its columns and a scan of them.

mod bounds;
mod files;
pub(crate) mod footer;
mod hive;
mod location;
mod merge;
mod opened;
mod table;

pub(crate) use bounds::TimeBounds;
pub(crate) use location::Location;
pub(crate) use merge::plain_type;
pub(crate) use table::SourceTable;
