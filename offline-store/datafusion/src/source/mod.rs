//! A source as a table: its files, its columns and a scan of them.

mod bounds;
mod delta;
mod files;
pub(crate) mod footer;
mod hive;
mod location;
mod merge;
mod open;
mod opened;
mod remote;
mod table;
mod tables;

pub(crate) use bounds::TimeBounds;
pub(crate) use delta::LOG;
pub(crate) use location::{Location, Place};
pub(crate) use merge::plain_type;
pub(crate) use open::Files;
pub(crate) use remote::RemoteFile;
pub(crate) use table::SourceTable;
pub(crate) use tables::Tables;
