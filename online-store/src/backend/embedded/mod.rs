//! `embedded`: the default store, LMDB in a folder.
//!
//! Reads are zero-copy inside the store and copied once into the answer. Layers, from the outside: `opened` (one
//! environment per folder and process), `commit_queue` (group commit), `client`, `read` and `sweep` (what happens in a
//! transaction), `environment` (transactions, growth, dead readers), `layout` (keys) and `upgrade` (from older ones); rows
//! are [`packed_row`](super::packed_row)s.

mod client;
mod commit_queue;
mod config;
mod environment;
mod error;
mod layout;
mod opened;
mod read;
mod sweep;
mod upgrade;

use std::sync::Arc;

use async_trait::async_trait;
use larder_core::Result;

pub use self::config::EmbeddedConfig;
use self::opened::Opened;
use super::interrupted;
use crate::{OnlineStore, ReadRows, ViewRead, ViewTable, WriteGuard, WriteRows, WriteSummary};

/// Keys up to which a read runs on the caller's thread.
const INLINE_KEYS: usize = 1024;

/// The embedded online store: LMDB in a folder, the default.
///
/// Several processes may use one folder at the same time. One writer at a time over all of them makes the event-time
/// guard atomic, and readers never wait for it. Reads run where they are called, for they take microseconds; writes of
/// one process share transactions, which are on disk before they are answered. Clones and further stores on the same
/// folder share it.
#[derive(Debug, Clone)]
pub struct EmbeddedStore(Arc<Opened>);

impl EmbeddedStore {
    /// Opens the store in the folder of `config`, making it when it does not exist.
    ///
    /// A folder that this process has open already is shared, with the settings of the first opening.
    ///
    /// # Errors
    /// `PermissionDenied`, `Invalid` or `Unavailable` when the folder cannot be used; `Data` when it holds something
    /// else or a format that this version does not know.
    pub fn open(config: &EmbeddedConfig) -> Result<Self> {
        opened::open(config).map(Self)
    }

    /// Looks every key up without unpacking and adds up the stored bytes: the floor of any read, for benchmarks.
    ///
    /// # Errors
    /// As [`OnlineStore::read`].
    #[cfg(feature = "contract")]
    pub fn touch(&self, table: &ViewTable, keys: &[&[u8]]) -> Result<usize> {
        read::touch(&self.0.environment, table, keys)
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Opened) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let opened = Arc::clone(&self.0);
        tokio::task::spawn_blocking(move || work(&opened)).await.map_err(interrupted)?
    }
}

#[async_trait]
impl OnlineStore for EmbeddedStore {
    fn name(&self) -> &'static str {
        "embedded"
    }

    async fn read(&self, table: &ViewTable, keys: &[&[u8]]) -> Result<ReadRows> {
        if keys.len() <= INLINE_KEYS {
            return read::read(&self.0.environment, table, keys);
        }
        let table = table.clone();
        let keys: Vec<Vec<u8>> = keys.iter().map(|key| key.to_vec()).collect();
        self.blocking(move |opened| {
            let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
            read::read(&opened.environment, &table, &keys)
        })
        .await
    }

    async fn read_views(&self, reads: &[ViewRead<'_>]) -> Vec<Result<ReadRows>> {
        if reads.iter().all(|read| read.keys.len() <= INLINE_KEYS) {
            return read::read_views(&self.0.environment, reads);
        }
        let mut answers = Vec::with_capacity(reads.len());
        for view in reads {
            answers.push(self.read(view.table, view.keys).await);
        }
        answers
    }

    async fn write(
        &self,
        table: &ViewTable,
        rows: &WriteRows,
        guard: WriteGuard,
    ) -> Result<WriteSummary> {
        rows.check(table)?;
        if rows.is_empty() {
            return Ok(WriteSummary::default());
        }
        self.0.queue.write(&self.0.environment, table.clone(), rows.clone(), guard).await
    }

    async fn update(&self, create: &[ViewTable], delete: &[ViewTable]) -> Result<()> {
        let (create, delete) = (create.to_vec(), delete.to_vec());
        self.blocking(move |opened| client::update(&opened.environment, &create, &delete)).await
    }

    async fn teardown(&self, tables: &[ViewTable]) -> Result<()> {
        self.update(&[], tables).await
    }

    async fn health(&self) -> Result<()> {
        self.blocking(|opened| {
            opened.environment.free_dead_readers()?;
            opened.environment.read(|rows, txn| Ok(rows.len(txn)?)).map(drop)
        })
        .await
    }
}
