//! One writer at a time, across processes.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::time::{Duration, Instant};

use larder_core::{Error, ErrorKind, Result};

/// How long a writer waits for the one before it.
const PATIENCE: Duration = Duration::from_mins(1);

/// Between two looks at the lock.
const PAUSE: Duration = Duration::from_millis(5);

/// Locks the registry at `path` for writing until the result is dropped; the system drops it when the process dies.
///
/// The lock is on a file of its own, because the registry file is replaced on every write.
pub(super) fn acquire(path: &Path) -> Result<File> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    let unavailable = |what: &str| Error::new(ErrorKind::Unavailable, what.to_owned());
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path.with_file_name(name))
        .map_err(|error| unavailable("cannot open the lock file").with_source(error))?;
    let start = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if start.elapsed() < PATIENCE => {
                std::thread::sleep(PAUSE);
            }
            Err(TryLockError::WouldBlock) => {
                return Err(unavailable("another process has been writing for a minute"));
            }
            Err(TryLockError::Error(error)) => {
                return Err(unavailable("cannot lock").with_source(error));
            }
        }
    }
}
