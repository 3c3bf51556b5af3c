//! Delta tables: the files that the newest version of the log has, read as other files are.

#[cfg(feature = "delta")]
mod types;
#[cfg(feature = "delta")]
mod with;
#[cfg(not(feature = "delta"))]
mod without;

#[cfg(feature = "delta")]
pub(super) use with::open;
#[cfg(not(feature = "delta"))]
pub(super) use without::open;

use datafusion::datasource::table_schema::TableSchema;

/// The folder of a table's log.
pub(crate) const LOG: &str = "_delta_log";

/// What of a Delta table its files do not say.
#[derive(Debug)]
pub(crate) struct Version {
    pub(crate) number: u64,
    /// The columns under the names that files have for them, where those are others.
    pub(crate) mapped: Option<TableSchema>,
    /// Per file its deleted rows.
    pub(crate) deleted: Vec<crate::scan::Deleted>,
}
