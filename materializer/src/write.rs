//! Writes to tables that nobody may have made yet.

use larder_core::{ErrorKind, Result};
use larder_online_store::{OnlineStore, ViewTable, WriteGuard, WriteRows, WriteSummary};

/// Writes rows of a computed view or vectors; a table that does not exist is made first.
///
/// `fs apply` makes these tables, Feast 0.67 does not: for it such rows live in stores without tables only.
///
/// # Errors
/// As [`OnlineStore::write`].
pub async fn write_rows(
    store: &dyn OnlineStore,
    table: &ViewTable,
    rows: &WriteRows,
    guard: WriteGuard,
) -> Result<WriteSummary> {
    match store.write(table, rows, guard).await {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            store.update(std::slice::from_ref(table), &[]).await?;
            store.write(table, rows, guard).await
        }
        written => written,
    }
}
