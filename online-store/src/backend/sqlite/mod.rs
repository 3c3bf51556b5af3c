//! `sqlite`: Feast's file. Layers, from the outside: `connections` (pooled readers, one writer), `client` (what happens
//! on a connection), `layout` (statements and columns).

mod client;
mod config;
mod connections;
mod error;
mod layout;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use larder_core::{Error, ErrorKind, Result};

pub use self::config::SqliteConfig;
use self::connections::{Connections, Opened};
use self::error::Fault;
use self::layout::Statements;
use super::{interrupted, never_made};
use crate::{
    OnlineStore, PoolUse, ReadRows, ViewRead, ViewTable, WriteGuard, WriteRows, WriteSummary,
};

/// Table rows up to which a read runs on the caller's thread: about half a millisecond.
const INLINE_ROWS: usize = 500;

/// The SQLite online store: Feast's file, which Feast may read and write at the same time.
///
/// Feast keeps whole seconds, so two rows of one second tie across writes (within one write microseconds decide). The
/// event-time guard holds between processes that use it; Feast's own writes know none. Without guard
/// ([`WriteGuard::LastWriteWins`]) features that a row leaves out keep their own time, as in Feast; a row's time is the
/// latest of its features. Clones share connections.
#[derive(Debug, Clone)]
pub struct SqliteStore(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    connections: Connections,
    value_num: bool,
}

impl SqliteStore {
    /// A store on the file of `config`, which may not exist yet: the first `update` makes it.
    ///
    /// # Errors
    /// `Invalid` when the path names a folder.
    pub fn open(config: &SqliteConfig) -> Result<Self> {
        if config.path.is_dir() {
            let path = config.path.display();
            return Err(Error::invalid(format!("the online store's path \"{path}\" is a folder"))
                .with_hint("give the path of a file, for instance data/online.db"));
        }
        let connections = Connections::new(config);
        Ok(Self(Arc::new(Shared { connections, value_num: config.value_num })))
    }

    /// Runs `work` on a blocking thread with the writer's slot, one call at a time.
    async fn writing<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shared, &mut Option<Opened>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let shared = Arc::clone(&self.0);
        let mut slot = Arc::clone(&shared.connections.writer).lock_owned().await;
        let task = tokio::task::spawn_blocking(move || {
            let done = work(&shared, &mut slot);
            if done.is_err() {
                *slot = None; // whatever state the connection is in
            }
            done
        });
        task.await.map_err(interrupted)?
    }
}

impl Shared {
    /// Reads views on one connection, each with a result of its own.
    ///
    /// # Errors
    /// What fails for all: a name that cannot stand in SQL, a file that another holds for longer than `patience`.
    fn read(
        &self,
        reads: &[ViewRead<'_>],
        patience: Option<Duration>,
    ) -> Result<Vec<Result<ReadRows>>, Fault> {
        let statements: Vec<Statements> = reads
            .iter()
            .map(|read| Statements::new(read.table, self.value_num))
            .collect::<Result<_>>()?;
        let prepared: Vec<client::Read<'_>> = reads
            .iter()
            .zip(&statements)
            .map(|(read, statements)| client::Read {
                statements,
                table: read.table,
                keys: read.keys,
            })
            .collect();
        let answers =
            self.connections.read(patience, |connection| client::read(connection, &prepared))?;
        let Some(answers) = answers else {
            return Ok(reads.iter().map(|read| Err(never_made(read.table))).collect());
        };
        let of_view = |(answer, read): (Result<ReadRows, Fault>, &ViewRead<'_>)| {
            answer.map_err(|fault| self.error(fault, Some(read.table)))
        };
        Ok(answers.into_iter().zip(reads).map(of_view).collect())
    }

    /// As [`read`](Self::read), waiting for writers as long as the configuration says.
    fn read_patiently(&self, reads: &[ViewRead<'_>]) -> Vec<Result<ReadRows>> {
        self.read(reads, None).unwrap_or_else(|fault| {
            let error = self.error(fault, reads.first().map(|read| read.table));
            reads.iter().map(|_| Err(error.again())).collect()
        })
    }

    fn write(
        &self,
        slot: &mut Option<Opened>,
        table: &ViewTable,
        rows: &WriteRows,
        guard: WriteGuard,
    ) -> Result<WriteSummary> {
        let statements = Statements::new(table, self.value_num)?;
        let connection = self.connections.writer(slot, false);
        let connection = connection.map_err(|fault| self.error(fault, Some(table)))?;
        let connection = connection.ok_or_else(|| never_made(table))?;
        client::write(connection, &statements, table, rows, guard)
            .map_err(|fault| self.error(fault, Some(table)))
    }

    fn update(
        &self,
        slot: &mut Option<Opened>,
        create: &[ViewTable],
        delete: &[ViewTable],
    ) -> Result<()> {
        let statements = |tables: &[ViewTable]| -> Result<Vec<Statements>> {
            tables.iter().map(|table| Statements::new(table, self.value_num)).collect()
        };
        let (make, drop) = (statements(create)?, statements(delete)?);
        if !create.is_empty() {
            self.make_folder()?;
        }
        let connection = self.connections.writer(slot, !create.is_empty());
        let Some(connection) = connection.map_err(|fault| self.error(fault, None))? else {
            return Ok(()); // no file, nothing to remove
        };
        client::update(connection, &make, &drop).map_err(|fault| self.error(fault, None))
    }

    fn make_folder(&self) -> Result<()> {
        let path = self.connections.path();
        let Some(folder) = path.parent() else { return Ok(()) };
        std::fs::create_dir_all(folder).map_err(|cause| {
            let folder = folder.display();
            Error::new(ErrorKind::Unavailable, format!("cannot make the folder \"{folder}\""))
                .with_source(cause)
        })
    }

    fn health(&self) -> Result<()> {
        let path = self.connections.path();
        let tables = self.connections.read(None, |connection| {
            Ok(connection.query_row("SELECT count(*) FROM sqlite_master", (), |_| Ok(()))?)
        });
        tables.map_err(|fault| self.error(fault, None))?.ok_or_else(|| {
            let message = format!("the online store \"{}\" does not exist", path.display());
            Error::new(ErrorKind::Unavailable, message).with_hint("run `fs apply`")
        })
    }

    fn error(&self, fault: Fault, table: Option<&ViewTable>) -> Error {
        fault.into_error(self.connections.path(), table)
    }
}

#[async_trait]
impl OnlineStore for SqliteStore {
    fn name(&self) -> &'static str {
        "sqlite"
    }

    fn pool(&self) -> Option<PoolUse> {
        Some(self.0.connections.pool())
    }

    async fn read(&self, table: &ViewTable, keys: &[&[u8]]) -> Result<ReadRows> {
        let mut answers = self.read_views(&[ViewRead { table, keys }]).await;
        answers.pop().expect("an answer per view")
    }

    async fn read_views(&self, reads: &[ViewRead<'_>]) -> Vec<Result<ReadRows>> {
        let rows: usize =
            reads.iter().map(|read| read.keys.len() * read.table.features().len()).sum();
        if rows <= INLINE_ROWS {
            match self.0.read(reads, Some(Duration::ZERO)) {
                Err(fault) if fault.is_busy() => {} // wait elsewhere
                Ok(answers) => return answers,
                Err(_) => return self.0.read_patiently(reads),
            }
        }
        let shared = Arc::clone(&self.0);
        let owned: Vec<(ViewTable, Vec<Vec<u8>>)> = reads
            .iter()
            .map(|read| (read.table.clone(), read.keys.iter().map(|key| key.to_vec()).collect()))
            .collect();
        let task = tokio::task::spawn_blocking(move || {
            let keys: Vec<Vec<&[u8]>> =
                owned.iter().map(|(_, keys)| keys.iter().map(Vec::as_slice).collect()).collect();
            let reads: Vec<ViewRead<'_>> = owned
                .iter()
                .zip(&keys)
                .map(|((table, _), keys)| ViewRead { table, keys })
                .collect();
            shared.read_patiently(&reads)
        });
        task.await.unwrap_or_else(|cause| {
            let error = interrupted(cause);
            reads.iter().map(|_| Err(error.again())).collect()
        })
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
        let (table, rows) = (table.clone(), rows.clone());
        self.writing(move |shared, slot| shared.write(slot, &table, &rows, guard)).await
    }

    async fn update(&self, create: &[ViewTable], delete: &[ViewTable]) -> Result<()> {
        let (create, delete) = (create.to_vec(), delete.to_vec());
        self.writing(move |shared, slot| shared.update(slot, &create, &delete)).await
    }

    async fn teardown(&self, tables: &[ViewTable]) -> Result<()> {
        self.update(&[], tables).await
    }

    async fn health(&self) -> Result<()> {
        let shared = Arc::clone(&self.0);
        tokio::task::spawn_blocking(move || shared.health()).await.map_err(interrupted)?
    }
}
