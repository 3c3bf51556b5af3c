//! What a run has written, so that the same run goes on there after it was cut off.
//!
//! The newest rows of an interval always come in the same order, so that a number of rows says which of them are written.
//! It holds for one definition of the view, one range and the same source files: a fingerprint of all of them stands in the
//! record. That the online store still has what was written is seen by some of the keys.

mod folder;
mod marker;
mod record;

use std::fmt::Debug;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use larder_core::{ErrorKind, Interval, Result};
use larder_offline_store::{OfflineStore, PullRequest};
use larder_online_store::{OnlineStore, ViewTable};

pub use folder::FolderCheckpoints;
pub(crate) use marker::Marker;
pub use record::Checkpoint;

use crate::task::ViewTask;

/// Keeps the record of one run per online table; implemented by [`FolderCheckpoints`].
///
/// Calls block on IO.
pub trait Checkpoints: Debug + Send + Sync {
    /// The record of a table; `None` when there is none, or none that can be read.
    ///
    /// # Errors
    /// `Unavailable` when the place cannot be read.
    fn load(&self, project: &str, table: &str) -> Result<Option<Checkpoint>>;

    /// Replaces the record of a table: whole or not at all, and on disk when this returns.
    ///
    /// # Errors
    /// `Unavailable` when the place cannot be written.
    fn save(&self, project: &str, table: &str, checkpoint: &Checkpoint) -> Result<()>;

    /// Removes the record of a table, if there is one.
    ///
    /// # Errors
    /// `Unavailable` when the place cannot be written.
    fn remove(&self, project: &str, table: &str) -> Result<()>;
}

/// Where a run of a view begins.
#[derive(Debug)]
pub(crate) struct Beginning {
    /// The interval that is recorded at the end.
    pub(crate) interval: Interval,
    /// What is read.
    pub(crate) request: PullRequest,
    /// What is written down as rows are; nothing when the offline store does not tell its files.
    pub(crate) marker: Option<Marker>,
}

/// Where the records of a run are kept, and whether they are gone by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Resumption<'a> {
    pub(crate) checkpoints: &'a Arc<dyn Checkpoints>,
    pub(crate) project: &'a str,
    pub(crate) resume: bool,
    /// Between two records.
    pub(crate) interval: Duration,
}

impl Resumption<'_> {
    /// Finds out where a run of this task begins.
    ///
    /// # Errors
    /// As the stores; `Unavailable` when the record cannot be read.
    pub(crate) async fn begin(
        self,
        task: &ViewTask,
        table: &ViewTable,
        offline: &dyn OfflineStore,
        online: &dyn OnlineStore,
    ) -> Result<Beginning> {
        let Interval { start, end } = task.interval;
        let mut request = PullRequest::of_view(&task.view, Some(task.read_from), Some(end))?;
        let Some(fingerprint) = fingerprint(task, &request, offline).await? else {
            return Ok(Beginning { interval: task.interval, request, marker: None });
        };
        let place = marker::Place {
            checkpoints: Arc::clone(self.checkpoints),
            project: self.project.to_owned(),
            table: task.table.clone(),
        };
        let found = if self.resume { place.load().await? } else { place.forget().await? };
        let fits = |found: &Checkpoint| {
            let is_range = found.start == start || (task.start_moves && found.start < start);
            found.fingerprint == fingerprint && found.end == end && is_range
        };
        let found = match found.filter(fits) {
            Some(found) if has_written(&found, table, online).await? => found,
            _ => Checkpoint::begin(fingerprint, task.interval),
        };
        if task.start_moves {
            request.start = Some(found.start);
        }
        request.options.skip = found.rows;
        let interval = Interval { start: found.start, end };
        Ok(Beginning { interval, request, marker: Some(Marker::new(place, found, self.interval)) })
    }
}

/// Whether the files are still the ones that a run goes on with.
///
/// # Errors
/// As [`OfflineStore::source_files`].
pub(crate) async fn still_fits(
    marker: &Marker,
    task: &ViewTask,
    request: &PullRequest,
    offline: &dyn OfflineStore,
) -> Result<bool> {
    Ok(fingerprint(task, request, offline).await?.as_deref() == Some(marker.fingerprint()))
}

/// What the order of the rows and their encoding depend on, but the range; `None` when the offline store cannot tell.
async fn fingerprint(
    task: &ViewTask,
    request: &PullRequest,
    offline: &dyn OfflineStore,
) -> Result<Option<String>> {
    let files = match offline.source_files(&request.source).await {
        Err(error) if error.kind() == ErrorKind::Unsupported => return Ok(None),
        files => files?,
    };
    // A release may hash in another way: then a run begins anew.
    let mut hasher = DefaultHasher::new();
    env!("CARGO_PKG_VERSION").hash(&mut hasher);
    let view = task.view.as_ref();
    format!("{:?} {:?} {:?}", view.entities, view.entity_columns, view.features).hash(&mut hasher);
    let unbounded = PullRequest {
        start: None,
        end: None,
        options: larder_offline_store::PullOptions::default(),
        ..request.clone()
    };
    format!("{unbounded:?}").hash(&mut hasher);
    // How far back late rows are taken belongs to the range.
    if !task.start_moves {
        task.read_from.hash(&mut hasher);
    }
    for file in files {
        (file.path, file.size, file.etag).hash(&mut hasher);
    }
    Ok(Some(format!("{:016x}", hasher.finish())))
}

/// Whether the store has rows for keys that were written; it may have been emptied since.
async fn has_written(
    found: &Checkpoint,
    table: &ViewTable,
    online: &dyn OnlineStore,
) -> Result<bool> {
    let keys: Vec<&[u8]> = found.witnesses.iter().map(Vec::as_slice).collect();
    if keys.is_empty() {
        return Ok(found.rows == 0);
    }
    match online.read(table, &keys).await {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        rows => Ok(rows?.event_timestamps().iter().all(Option::is_some)),
    }
}
