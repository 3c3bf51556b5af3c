//! Connections to one file: a pool of readers and one writer.

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use tokio::sync::Mutex as Turn;

use super::SqliteConfig;
use super::error::Fault;
use crate::PoolUse;

/// Readers kept open while idle; more are opened under load and closed afterwards.
const MAX_IDLE: usize = 32;
/// Statements kept prepared per connection: read statements of this many views.
const STATEMENTS: usize = 256;

/// Connections to one SQLite file.
#[derive(Debug)]
pub(super) struct Connections {
    path: PathBuf,
    busy_timeout: Duration,
    write_ahead_log: bool,
    map_size: u64,
    idle: Mutex<Vec<Opened>>,
    /// Reads that are running, each with a connection.
    reading: AtomicUsize,
    /// The only connection of this store that writes.
    pub(super) writer: Arc<Turn<Option<Opened>>>,
}

/// A connection and the file it was opened on, which a teardown by Feast replaces.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) connection: Connection,
    file: FileId,
}

impl Connections {
    pub(super) fn new(config: &SqliteConfig) -> Self {
        Self {
            path: config.path.clone(),
            busy_timeout: config.busy_timeout,
            write_ahead_log: config.write_ahead_log,
            map_size: config.map_size,
            idle: Mutex::default(),
            reading: AtomicUsize::new(0),
            writer: Arc::default(),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Runs `work` on a connection that does not write, `None` when there is no file.
    ///
    /// Waits for writers of the file at most `patience`, by default the configured time.
    pub(super) fn read<T>(
        &self,
        patience: Option<Duration>,
        work: impl FnOnce(&Connection) -> Result<T, Fault>,
    ) -> Result<Option<T>, Fault> {
        let Some(file) = FileId::of(&self.path) else { return Ok(None) };
        let _reading = Counted::new(&self.reading);
        let pooled = self.pooled(&file);
        let opened = match pooled {
            Some(opened) => opened,
            None => Opened { connection: self.open_reader()?, file },
        };
        opened.connection.busy_timeout(patience.unwrap_or(self.busy_timeout))?;
        // A connection on which something failed may still be in a transaction; it is closed.
        let done = work(&opened.connection)?;
        let mut idle = self.idle();
        if idle.len() < MAX_IDLE {
            idle.push(opened);
        }
        Ok(Some(done))
    }

    /// How busy it is; a write has the writer's connection, readers have their own.
    pub(super) fn pool(&self) -> PoolUse {
        let (reading, idle) = (self.reading.load(Ordering::Relaxed), self.idle().len());
        let (open, writing) = match self.writer.try_lock() {
            Ok(writer) => (usize::from(writer.is_some()), 0),
            Err(_) => (1, 1),
        };
        PoolUse { connections: Some(idle + reading + open), calls: reading + writing, limit: None }
    }

    /// An idle reader of this file; those of a file that it replaced are closed.
    fn pooled(&self, file: &FileId) -> Option<Opened> {
        let mut idle = self.idle();
        idle.retain(|opened| opened.file == *file);
        idle.pop()
    }

    /// The writer in `slot`, opened if need be; `None` when there is no file and `create` is not set.
    pub(super) fn writer<'s>(
        &self,
        slot: &'s mut Option<Opened>,
        create: bool,
    ) -> Result<Option<&'s mut Connection>, Fault> {
        let file = FileId::of(&self.path);
        if file.is_none() && !create {
            return Ok(None);
        }
        if slot.as_ref().is_none_or(|opened| Some(&opened.file) != file.as_ref()) {
            *slot = None;
            let connection = self.open_writer(create)?;
            let file = FileId::of(&self.path).unwrap_or_default();
            *slot = Some(Opened { connection, file });
        }
        Ok(slot.as_mut().map(|opened| &mut opened.connection))
    }

    fn open_reader(&self) -> Result<Connection, Fault> {
        let connection = self.open(OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.pragma_update(None, "query_only", true)?;
        connection.pragma_update(None, "cache_size", -16_384)?;
        // Copying pages took half of the time of a read of 100 keys from a file of 90 MB.
        connection.pragma_update(None, "mmap_size", i64::try_from(self.map_size).unwrap_or(0))?;
        Ok(connection)
    }

    fn open_writer(&self, create: bool) -> Result<Connection, Fault> {
        let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
        flags.set(OpenFlags::SQLITE_OPEN_CREATE, create);
        let connection = self.open(flags)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        if self.write_ahead_log {
            // Busy readers or a file system without shared memory refuse it; the old journal is as safe.
            let mode = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| {
                row.get::<_, String>(0)
            });
            if let Err(cause) = mode {
                tracing::debug!(path = %self.path.display(), %cause, "kept the rollback journal");
            }
        }
        Ok(connection)
    }

    fn open(&self, flags: OpenFlags) -> Result<Connection, Fault> {
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(self.busy_timeout)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        Ok(connection)
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Opened>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts as long as it lives.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What tells a file from the one that later takes its place.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct FileId(u64, u64);

impl FileId {
    fn of(path: &Path) -> Option<Self> {
        std::fs::metadata(path).ok().map(|file| Self::from_metadata(&file))
    }

    #[cfg(unix)]
    fn from_metadata(file: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        Self(file.dev(), file.ino())
    }

    #[cfg(not(unix))]
    fn from_metadata(_: &Metadata) -> Self {
        Self::default() // an open file cannot be replaced there
    }
}
