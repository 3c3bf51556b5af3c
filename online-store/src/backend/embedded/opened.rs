//! Folders that this process has open: LMDB must open each only once.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};

use larder_core::Result;

use super::EmbeddedConfig;
use super::commit_queue::CommitQueue;
use super::environment::Environment;
use super::error::io_error;

/// One open folder, shared by every store of this process on it.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) environment: Arc<Environment>,
    pub(super) queue: CommitQueue,
}

static OPENED: LazyLock<Mutex<HashMap<PathBuf, Weak<Opened>>>> = LazyLock::new(Mutex::default);

/// Opens the folder, or joins whoever has it open in this process; the first one's settings hold.
pub(super) fn open(config: &EmbeddedConfig) -> Result<Arc<Opened>> {
    let path = make_folder(&config.path)
        .map_err(|cause| io_error(&cause, &config.path).with_source(cause))?;
    let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(shared) = opened.get(&path).and_then(Weak::upgrade) {
        return Ok(shared);
    }
    let environment =
        Environment::open(&path, config.map_size, config.max_map_size, config.max_readers)?;
    let shared = Arc::new(Opened { environment: Arc::new(environment), queue: CommitQueue::new() });
    opened.retain(|_, other| other.strong_count() > 0);
    opened.insert(path, Arc::downgrade(&shared));
    Ok(shared)
}

fn make_folder(path: &Path) -> std::io::Result<PathBuf> {
    std::fs::create_dir_all(path)?;
    path.canonicalize()
}
