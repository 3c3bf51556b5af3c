//! The LMDB environment: opening, transactions, growth, dead readers.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use heed::types::Bytes;
use heed::{Database, Env, EnvOpenOptions, RoTxn, RwTxn, WithoutTls};
use larder_core::{Error, ErrorKind, Result};

use super::error::{Fault, Remedy, lmdb_error};
use super::layout::{FIRST_FORMAT, FORMAT, FORMAT_KEY};
use super::upgrade::upgrade;

/// The unnamed database, which holds everything.
pub(super) type Rows = Database<Bytes, Bytes>;

/// Map sizes are multiples of this, which every page size divides.
const MAP_STEP: u64 = 1 << 20;
/// More doublings than any address space has room for.
const MAX_REMEDIES: usize = 64;
/// Write transactions between two checks for readers that died.
const WRITES_PER_CHECK: u32 = 256;

/// One open LMDB environment, remapped when it grows.
#[derive(Debug)]
pub(super) struct Environment {
    path: PathBuf,
    max_map_size: u64,
    max_readers: u32,
    mapped: RwLock<Option<Mapped>>,
    writes: AtomicU32,
}

#[derive(Debug)]
struct Mapped {
    env: Env<WithoutTls>,
    rows: Rows,
    size: u64,
}

impl Environment {
    /// Opens the environment in this existing folder, making its files when there are none.
    pub(super) fn open(
        path: &Path,
        map_size: u64,
        max_map_size: u64,
        max_readers: u32,
    ) -> Result<Self> {
        let size = with_room(path, map_size, max_map_size);
        let mapped =
            Mapped::open(path, size, max_readers).map_err(|fault| fault.into_error(path))?;
        let environment = Self {
            path: path.to_owned(),
            max_map_size,
            max_readers,
            mapped: RwLock::new(Some(mapped)),
            writes: AtomicU32::new(0),
        };
        upgrade(&environment)?;
        Ok(environment)
    }

    /// Runs `work` in a read transaction; it may run again when another process has grown the file.
    pub(super) fn read<T>(&self, work: impl Fn(Rows, &RoTxn<'_>) -> Result<T, Fault>) -> Result<T> {
        self.attempt(|mapped| {
            let txn = mapped.snapshot()?;
            work(mapped.rows, &txn)
        })
    }

    /// Runs `work` in a write transaction and commits it to disk; nothing is kept when it fails.
    ///
    /// Waits for the writers of all processes. `work` runs again, from the start, when the map was too small.
    pub(super) fn write<T>(
        &self,
        mut work: impl FnMut(Rows, &mut RwTxn<'_>) -> Result<T, Fault>,
    ) -> Result<T> {
        self.attempt(|mapped| {
            if self.writes.fetch_add(1, Ordering::Relaxed).is_multiple_of(WRITES_PER_CHECK) {
                mapped.env.clear_stale_readers()?;
            }
            let mut txn = mapped.env.write_txn()?;
            let done = work(mapped.rows, &mut txn)?;
            txn.commit()?;
            Ok(done)
        })
    }

    /// Frees the reader slots of dead processes, which would keep old pages from being used again.
    pub(super) fn free_dead_readers(&self) -> Result<()> {
        self.attempt(|mapped| mapped.env.clear_stale_readers().map_err(Fault::from)).map(drop)
    }

    /// Bytes of address space mapped now.
    #[cfg(test)]
    pub(super) fn map_size(&self) -> u64 {
        self.lock().as_ref().map_or(0, |mapped| mapped.size)
    }

    fn attempt<T>(&self, mut run: impl FnMut(&Mapped) -> Result<T, Fault>) -> Result<T> {
        for _ in 0..MAX_REMEDIES {
            let (fault, size) = match &*self.lock() {
                Some(mapped) => match run(mapped) {
                    Ok(done) => return Ok(done),
                    Err(fault) => (fault, mapped.size),
                },
                // An earlier attempt to map the file failed; try again.
                None => (Fault::Lmdb(heed::Error::Mdb(heed::MdbError::MapResized)), 0),
            };
            match fault.remedy() {
                Some(Remedy::Grow) => self.grow(size)?,
                Some(Remedy::Follow) => {
                    self.remap(size, with_room(&self.path, size.max(MAP_STEP), self.max_map_size))?;
                }
                Some(Remedy::FreeReaders) if self.freed_a_reader()? => {}
                _ => return Err(fault.into_error(&self.path)),
            }
        }
        let path = self.path.display();
        let message = format!("the embedded online store in \"{path}\" keeps changing its size");
        Err(Error::new(ErrorKind::Unavailable, message))
    }

    fn freed_a_reader(&self) -> Result<bool> {
        match &*self.lock() {
            Some(mapped) => {
                let freed = mapped.env.clear_stale_readers();
                freed.map(|slots| slots > 0).map_err(|cause| lmdb_error(cause, &self.path))
            }
            None => Ok(true),
        }
    }

    fn grow(&self, size: u64) -> Result<()> {
        if size >= self.max_map_size {
            return Err(Error::new(
                ErrorKind::Unavailable,
                format!("the embedded online store in \"{}\" is full", self.path.display()),
            )
            .with_hint(format!("raise max_map_size, now {} bytes", self.max_map_size)));
        }
        self.remap(size, size.saturating_mul(2).min(self.max_map_size))
    }

    /// Maps the file with another size, once all transactions of this process have ended.
    fn remap(&self, seen: u64, size: u64) -> Result<()> {
        let mut slot = self.lock_alone();
        if slot.as_ref().is_some_and(|mapped| mapped.size != seen) {
            return Ok(()); // somebody else was faster
        }
        // Reopening instead of resizing in place keeps `unsafe` to one line. The old map must be gone first.
        *slot = None;
        let mapped = Mapped::open(&self.path, size, self.max_readers)
            .map_err(|fault| fault.into_error(&self.path))?;
        tracing::info!(path = %self.path.display(), bytes = mapped.size, "mapped the online store anew");
        *slot = Some(mapped);
        Ok(())
    }

    fn lock(&self) -> RwLockReadGuard<'_, Option<Mapped>> {
        self.mapped.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_alone(&self) -> RwLockWriteGuard<'_, Option<Mapped>> {
        self.mapped.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `size`, or more when the file is large: room to double, lest every page that another process adds needs a new map.
fn with_room(path: &Path, size: u64, max_map_size: u64) -> u64 {
    let on_disk = std::fs::metadata(path.join("data.mdb")).map_or(0, |file| file.len());
    size.max(on_disk.saturating_mul(2)).min(max_map_size).max(on_disk)
}

impl Mapped {
    fn open(path: &Path, size: u64, max_readers: u32) -> Result<Self, Fault> {
        let env = open_when_closed(path, size, max_readers)?;
        env.clear_stale_readers()?;
        let rows = open_rows(&env)?;
        let size = env.info().map_size as u64;
        Ok(Self { env, rows, size })
    }

    /// Begins a read transaction that sees nothing newer than its own number.
    ///
    /// LMDB keeps two root pages and overwrites the older one with each commit. It looks the last commit's number up and
    /// copies that commit's root in two steps: a reader that loses the processor in between for two commits copies the
    /// root of one that is still on its way to the disk, and its next read would go back to the one before.
    fn snapshot(&self) -> Result<RoTxn<'_, WithoutTls>, Fault> {
        loop {
            let txn = self.env.read_txn()?;
            if self.env.info().last_txn_id <= txn.id() + 1 {
                return Ok(txn);
            }
        }
    }
}

/// Opens the environment, waiting for one that this process is just closing.
fn open_when_closed(path: &Path, size: u64, max_readers: u32) -> Result<Env<WithoutTls>, Fault> {
    const PATIENCE: Duration = Duration::from_secs(5);
    match open_env(path, size, max_readers) {
        Err(Fault::Lmdb(heed::Error::EnvAlreadyOpened)) => {
            if let Some(closing) = heed::env_closing_event(path) {
                closing.wait_timeout(PATIENCE);
            }
            open_env(path, size, max_readers)
        }
        opened => opened,
    }
}

#[expect(unsafe_code, reason = "LMDB maps a file, which only its own lock protects from change")]
fn open_env(path: &Path, size: u64, max_readers: u32) -> Result<Env<WithoutTls>, Fault> {
    let rounded = size.div_ceil(MAP_STEP).saturating_mul(MAP_STEP);
    let size = usize::try_from(rounded).map_err(|_| {
        Error::invalid(format!("a map of {size} bytes does not fit the address space"))
    })?;
    let mut options = EnvOpenOptions::new().read_txn_without_tls();
    options.map_size(size).max_readers(max_readers);
    // SAFETY: the flags are LMDB's defaults, so its lock file orders all processes; this process opens a folder once
    // at a time (heed refuses a second time), and nothing else writes into the folder.
    Ok(unsafe { options.open(path) }?)
}

/// Opens the unnamed database and makes sure that it has our format.
fn open_rows(env: &Env<WithoutTls>) -> Result<Rows, Fault> {
    let txn = env.read_txn()?;
    let rows: Rows = env.open_database(&txn, None)?.ok_or_else(not_ours)?;
    let found = rows.get(&txn, FORMAT_KEY)?.map(<[u8]>::to_vec);
    txn.commit()?;
    if let Some(found) = found {
        return check_format(&found).map(|()| rows);
    }
    let mut txn = env.write_txn()?;
    match rows.get(&txn, FORMAT_KEY)?.map(<[u8]>::to_vec) {
        Some(found) => check_format(&found)?,
        None if rows.is_empty(&txn)? => rows.put(&mut txn, FORMAT_KEY, &[FORMAT])?,
        None => return Err(not_ours().into()),
    }
    txn.commit()?;
    Ok(rows)
}

fn check_format(found: &[u8]) -> Result<(), Fault> {
    if found == [FORMAT] || found == [FIRST_FORMAT] {
        return Ok(());
    }
    Err(Error::data("the embedded online store has an unknown format")
        .with_hint("it was written by a newer version of fs: upgrade this one")
        .into())
}

fn not_ours() -> Error {
    Error::data("the folder holds an LMDB environment of another program")
        .with_hint("give the online store a folder of its own")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(folder: &tempfile::TempDir, size: u64, max: u64) -> Result<Environment> {
        Environment::open(folder.path(), size, max, 16)
    }

    fn put(environment: &Environment, key: u32, bytes: usize) -> Result<()> {
        environment.write(|rows, txn| Ok(rows.put(txn, &key.to_be_bytes(), &vec![7; bytes])?))
    }

    #[test]
    fn the_map_grows_until_the_rows_fit() {
        let folder = tempfile::tempdir().unwrap();
        let environment = open(&folder, MAP_STEP, 1 << 30).unwrap();
        assert_eq!(environment.map_size(), MAP_STEP);
        put(&environment, 1, 20 << 20).unwrap();
        assert!(environment.map_size() >= 20 << 20);
        let kept =
            environment.read(|rows, txn| Ok(rows.get(txn, &1_u32.to_be_bytes())?.map(<[u8]>::len)));
        assert_eq!(kept.unwrap(), Some(20 << 20));
    }

    #[test]
    fn a_full_store_refuses_and_keeps_what_it_has() {
        let folder = tempfile::tempdir().unwrap();
        let environment = open(&folder, MAP_STEP, 2 * MAP_STEP).unwrap();
        put(&environment, 1, 100).unwrap();
        assert_eq!(put(&environment, 2, 4 << 20).unwrap_err().kind(), ErrorKind::Unavailable);
        put(&environment, 3, 100).unwrap();
        let kept = environment.read(|rows, txn| Ok(rows.len(txn)?)).unwrap();
        assert_eq!(kept, 3); // the format and two rows
    }

    /// More readers than processors, so that some lose theirs while they begin.
    #[test]
    fn no_read_goes_back_behind_the_read_before() {
        const READERS: usize = 16;
        const COMMITS: u32 = 1_000;
        let folder = tempfile::tempdir().unwrap();
        let environment = open(&folder, MAP_STEP, 1 << 30).unwrap();
        let set = |count: u32| {
            environment.write(|rows, txn| Ok(rows.put(txn, b"count", &count.to_be_bytes())?))
        };
        let get = || {
            environment.read(|rows, txn| {
                Ok(rows
                    .get(txn, b"count")?
                    .map(|found| u32::from_be_bytes(found.try_into().unwrap())))
            })
        };
        set(0).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..READERS {
                scope.spawn(|| {
                    let mut last = 0;
                    while last < COMMITS {
                        let count = get().unwrap().unwrap();
                        assert!(count >= last, "{count} after {last}");
                        last = count;
                    }
                });
            }
            (1..=COMMITS).for_each(|count| set(count).unwrap());
        });
    }

    #[test]
    fn an_environment_of_another_program_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        {
            let environment = open(&folder, MAP_STEP, MAP_STEP).unwrap();
            put(&environment, 9, 1).unwrap();
            environment.write(|rows, txn| Ok(rows.delete(txn, FORMAT_KEY)?)).unwrap();
        }
        assert_eq!(open(&folder, MAP_STEP, MAP_STEP).unwrap_err().kind(), ErrorKind::Data);
    }

    #[test]
    fn an_unknown_format_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        {
            let environment = open(&folder, MAP_STEP, MAP_STEP).unwrap();
            environment.write(|rows, txn| Ok(rows.put(txn, FORMAT_KEY, &[9])?)).unwrap();
        }
        assert_eq!(open(&folder, MAP_STEP, MAP_STEP).unwrap_err().kind(), ErrorKind::Data);
    }

    #[test]
    fn rows_of_the_first_format_are_moved_however_many_there_are() {
        let folder = tempfile::tempdir().unwrap();
        {
            let environment = open(&folder, MAP_STEP, 1 << 30).unwrap();
            let first = |environment: &Environment| {
                environment.write(|rows, txn| {
                    for row in 0..25_000_u32 {
                        let key = [&[2, 0, 0, 0, 5, 0][..], &row.to_be_bytes()].concat();
                        rows.put(txn, &key, &row.to_le_bytes())?;
                    }
                    Ok(rows.put(txn, FORMAT_KEY, &[FIRST_FORMAT])?)
                })
            };
            first(&environment).unwrap();
        }
        let environment = open(&folder, MAP_STEP, 1 << 30).unwrap();
        let found = environment.read(|rows, txn| {
            assert_eq!(rows.get(txn, FORMAT_KEY)?, Some(&[FORMAT][..]));
            assert_eq!(rows.prefix_iter(txn, &[2])?.count(), 0);
            let rows = rows.prefix_iter(txn, &[4])?.map(|row| {
                let (key, value) = row?;
                let entity = u32::from_be_bytes(key[2..6].try_into().unwrap());
                assert_eq!((&key[..2], &key[6..]), (&[4, 0][..], &[0, 0, 0, 5][..]));
                assert_eq!(value, entity.to_le_bytes());
                Ok(entity)
            });
            rows.collect::<Result<Vec<u32>, Fault>>()
        });
        assert_eq!(found.unwrap(), (0..25_000).collect::<Vec<u32>>());
    }

    #[test]
    fn garbage_in_place_of_the_file_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("data.mdb"), vec![0xab; 10_000]).unwrap();
        assert_eq!(open(&folder, MAP_STEP, MAP_STEP).unwrap_err().kind(), ErrorKind::Data);
    }
}
