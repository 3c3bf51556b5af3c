//! What a job keeps between runs.

use std::fs::{File, TryLockError};
use std::path::PathBuf;

use larder_core::{Error, ErrorKind, Result};
use larder_registry::RepoConfig;
use larder_stream_features::{CheckpointStore, JobProgress};

use crate::compose;

/// The folder of a job's state, which no other process has at the same time.
#[derive(Debug)]
pub(super) struct JobState {
    folder: PathBuf,
    job: String,
    _lock: File,
}

const LOCK: &str = "lock";
/// Beside the folder with the state of runs over a topic, which a run may remove.
const TOPIC_LOCK: &str = "kafka.lock";
const CHECKPOINTS: &str = "checkpoints";

impl JobState {
    /// Takes the state of a job.
    ///
    /// # Errors
    /// `Conflict` when another process has it; `Unavailable` when its folder cannot be written.
    pub(super) fn lock(config: &RepoConfig, job: &str) -> Result<Self> {
        let folder = compose::stream_folder(config, job);
        let path = folder.join(LOCK);
        let failed = |error: std::io::Error| {
            let message = format!("{} cannot be written", path.display());
            Error::new(ErrorKind::Unavailable, message).with_source(error)
        };
        let made = std::fs::create_dir_all(&folder);
        let lock = made.and_then(|()| File::create(&path)).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { folder, job: job.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                let message = format!("job \"{job}\" is run by another process");
                Err(Error::new(ErrorKind::Conflict, message))
            }
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// Where its checkpoints are.
    ///
    /// # Errors
    /// `Unavailable` when their folder cannot be made.
    pub(super) fn checkpoints(&self) -> Result<CheckpointStore> {
        CheckpointStore::local(&self.folder.join(CHECKPOINTS))
    }

    /// Forgets its progress: the next run begins anew, with its outputs.
    ///
    /// # Errors
    /// `Unavailable` when the files cannot be removed.
    pub(super) fn forget(&self) -> Result<()> {
        let folder = self.folder.join(CHECKPOINTS);
        match std::fs::remove_dir_all(&folder) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => {
                let message = format!(
                    "the state of job \"{}\" cannot be removed from {}",
                    self.job,
                    folder.display()
                );
                Err(Error::new(ErrorKind::Unavailable, message).with_source(error))
            }
        }
    }
}

/// That a job runs over its topic, here: instances beside each other, and nobody else. On other machines the brokers see
/// to it.
#[derive(Debug)]
pub(super) struct TopicLock(#[expect(dead_code, reason = "it is held")] File);

impl TopicLock {
    /// Takes it together with other instances.
    ///
    /// # Errors
    /// `Conflict` while letters are replayed; `Unavailable` when the folder of the job cannot be written.
    pub(super) fn shared(config: &RepoConfig, job: &str) -> Result<Self> {
        Self::take(config, job, File::try_lock_shared, "is given its dead letters again")
    }

    /// Takes it alone.
    ///
    /// # Errors
    /// `Conflict` while an instance runs; as [`shared`](Self::shared).
    pub(super) fn alone(config: &RepoConfig, job: &str) -> Result<Self> {
        Self::take(config, job, File::try_lock, "runs: end it first")
    }

    fn take(
        config: &RepoConfig,
        job: &str,
        lock: fn(&File) -> std::result::Result<(), TryLockError>,
        otherwise: &str,
    ) -> Result<Self> {
        let path = compose::stream_folder(config, job).join(TOPIC_LOCK);
        let failed = |error: std::io::Error| {
            let message = format!("{} cannot be written", path.display());
            Error::new(ErrorKind::Unavailable, message).with_source(error)
        };
        let folder = compose::stream_folder(config, job);
        let made = std::fs::create_dir_all(folder).and_then(|()| File::create(&path));
        let file = made.map_err(failed)?;
        match lock(&file) {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => {
                Err(Error::new(ErrorKind::Conflict, format!("job \"{job}\" {otherwise}")))
            }
            // A folder that is shared without locks; the brokers still let only one of both commit.
            Err(TryLockError::Error(error)) if error.kind() == std::io::ErrorKind::Unsupported => {
                Ok(Self(file))
            }
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }
}

/// How far a job has come; `None` before its first commit. Another process may be running it.
///
/// # Errors
/// `Data` for a checkpoint that cannot be understood; `Unavailable` when it cannot be read.
pub(super) async fn progress(config: &RepoConfig, job: &str) -> Result<Option<JobProgress>> {
    let folder = compose::stream_folder(config, job).join(CHECKPOINTS);
    if !folder.is_dir() {
        return Ok(None);
    }
    let store = CheckpointStore::local(&folder)?;
    JobProgress::read(&store, job).await
}
