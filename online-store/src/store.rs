//! The seam of the online plane.

use std::fmt::Debug;

use async_trait::async_trait;
use larder_core::Result;

use crate::{GuardScope, PoolUse, ReadRows, ViewTable, WriteGuard, WriteRows, WriteSummary};

/// What one view contributes to a request.
#[derive(Debug, Clone, Copy)]
pub struct ViewRead<'a> {
    /// The view and the features to read.
    pub table: &'a ViewTable,
    /// Serialized entity keys. Views that share their keys should share the slice: a store may then read them together.
    pub keys: &'a [&'a [u8]],
}

/// A store that keeps the newest row of every entity key, per view.
///
/// Every method takes a batch; callers make one call per request. A view is addressed by project and storage
/// name; two projects never see each other's rows. Contract: `larder_online_store::contract` (feature `contract`).
#[async_trait]
pub trait OnlineStore: Debug + Send + Sync {
    /// The backend's name in configuration, logs and metrics, for instance `sqlite`.
    fn name(&self) -> &'static str;

    /// How far the store carries [`WriteGuard::EventTime`]; the whole way unless it says otherwise.
    fn guard_scope(&self) -> GuardScope {
        GuardScope::Row
    }

    /// How busy the store's connections are; `None` for a store without any. Waits for nothing.
    fn pool(&self) -> Option<PoolUse> {
        None
    }

    /// Reads the table's features of every key: one row per key, in the order of `keys`, each as one write left it.
    ///
    /// All rows come from one snapshot where the database has one for many keys (embedded, sqlite).
    ///
    /// `keys` are serialized entity keys; a key that occurs twice is answered twice. A key without row has no event
    /// timestamp and only missing cells. A feature that was never written is missing, also in a row that exists.
    ///
    /// # Errors
    /// `NotFound` when the store makes tables and this one was never made, with the hint to run `fs apply`;
    /// `Unavailable` when the store does not answer; `Data` when stored bytes cannot be understood.
    async fn read(&self, table: &ViewTable, keys: &[&[u8]]) -> Result<ReadRows>;

    /// Reads several views for one request: an answer per item of `reads`, in their order, each as by
    /// [`read`](Self::read).
    ///
    /// Each view has its own result, so one that fails does not fail the others. A view that occurs twice is answered
    /// twice. Rows of different views need not come from one snapshot.
    ///
    /// This implementation reads one view after the other, which is right for stores that answer at once; one that
    /// waits for a server sends everything together instead.
    async fn read_views(&self, reads: &[ViewRead<'_>]) -> Vec<Result<ReadRows>> {
        let mut answers = Vec::with_capacity(reads.len());
        for read in reads {
            answers.push(self.read(read.table, read.keys).await);
        }
        answers
    }

    /// Writes rows in order, each guarded by `guard`; when it returns `Ok`, the rows survive a crash of the process
    /// and, as far as the disk keeps its promises, of the machine.
    ///
    /// A row touches only the features it carries: one that is left out keeps its value, under the row's new event
    /// timestamp. A failed or cancelled call may have stored any of the rows; writing them again is safe.
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
