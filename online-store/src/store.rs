//! The seam of the online plane.

use std::fmt::Debug;

use async_trait::async_trait;
use larder_core::Result;

use crate::{ReadRows, ViewTable, WriteGuard, WriteRows, WriteSummary};

/// A store that keeps the newest row of every entity key, per view.
///
/// Every method takes a batch; callers make one call per (view, request). A view is addressed by project and storage
/// name; two projects never see each other's rows. Contract: `larder_online_store::contract` (feature `contract`).
#[async_trait]
pub trait OnlineStore: Debug + Send + Sync {
    /// The backend's name in configuration, logs and metrics, for instance `sqlite`.
    fn name(&self) -> &'static str;

    /// Reads the table's features of every key: one row per key, in the order of `keys`, all from one snapshot.
    ///
    /// `keys` are serialized entity keys; a key that occurs twice is answered twice. A key without row has no event
    /// timestamp and only missing cells. A feature that was never written is missing, also in a row that exists.
    ///
    /// # Errors
    /// `NotFound` when the store makes tables and this one was never made, with the hint to run `fs apply`;
    /// `Unavailable` when the store does not answer; `Data` when stored bytes cannot be understood.
    async fn read(&self, table: &ViewTable, keys: &[&[u8]]) -> Result<ReadRows>;

    /// Writes rows in order, each guarded by `guard`; when it returns `Ok`, the rows survive a crash of the process
    /// and, as far as the disk keeps its promises, of the machine.
    ///
    /// A row touches only the features it carries: one that is left out keeps its value, under the row's new event
    /// timestamp. A failed or cancelled call may have stored any prefix of the rows; writing them again is safe.
    ///
    /// # Errors
    /// As [`read`](Self::read); `Invalid` for rows above a limit of the store.
    async fn write(
        &self,
        table: &ViewTable,
        rows: &WriteRows,
        guard: WriteGuard,
    ) -> Result<WriteSummary>;

    /// Makes the tables that do not exist yet, then removes others with their rows; both idempotent.
    ///
    /// # Errors
    /// `Invalid` for names that the store cannot hold; `Unavailable` when it does not answer.
    async fn update(&self, create: &[ViewTable], delete: &[ViewTable]) -> Result<()>;

    /// Removes these tables with their rows and nothing else.
    ///
    /// (Feast 0.67 deletes the whole SQLite file, and on Redis other views' rows too.)
    ///
    /// # Errors
    /// `Unavailable` when the store does not answer.
    async fn teardown(&self, tables: &[ViewTable]) -> Result<()>;

    /// Whether the store answers now.
    ///
    /// # Errors
    /// `Unavailable` or `Data`, saying why not.
    async fn health(&self) -> Result<()>;
}
