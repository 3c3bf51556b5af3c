//! Writing down how far a run has come, now and then.

use std::sync::Arc;
use std::time::{Duration, Instant};

use larder_core::{Error, Result};

use super::{Checkpoint, Checkpoints};

/// Where the record of one view is.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) checkpoints: Arc<dyn Checkpoints>,
    pub(super) project: String,
    pub(super) table: String,
}

/// The record of a running view.
#[derive(Debug)]
pub(crate) struct Marker {
    place: Place,
    record: Checkpoint,
    /// Of what was written since the record was saved.
    last_key: Option<Vec<u8>>,
    saved: Instant,
    /// Between two records.
    interval: Duration,
}

impl Place {
    pub(super) async fn load(&self) -> Result<Option<Checkpoint>> {
        self.blocking(|place| place.checkpoints.load(&place.project, &place.table)).await
    }

    /// Removes the record, so that no later run goes on with it.
    pub(super) async fn forget(&self) -> Result<Option<Checkpoint>> {
        self.blocking(|place| place.checkpoints.remove(&place.project, &place.table)).await?;
        Ok(None)
    }

    async fn blocking<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Self) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let place = self.clone();
        let done = tokio::task::spawn_blocking(move || call(&place)).await;
        done.map_err(|error| Error::internal("a checkpoint was given up").with_source(error))?
    }
}

impl Marker {
    pub(super) fn new(place: Place, record: Checkpoint, interval: Duration) -> Self {
        Self { place, record, last_key: None, saved: Instant::now(), interval }
    }

    pub(super) fn fingerprint(&self) -> &str {
        &self.record.fingerprint
    }

    /// Rows that were written before this run began.
    pub(crate) fn rows(&self) -> u64 {
        self.record.rows
    }

    /// Forgets what was written.
    pub(crate) fn start_over(&mut self) {
        self.record.rows = 0;
        self.record.witnesses.clear();
        self.last_key = None;
    }

    /// More rows of the answer are durable, the last of them under this key, if any has one.
    pub(crate) async fn advance(&mut self, rows: u64, last_key: Option<Vec<u8>>) {
        self.record.rows += rows;
        if last_key.is_some() {
            self.last_key = last_key;
        }
        if self.saved.elapsed() >= self.interval {
            self.save().await;
        }
    }

    /// Writes the record down. A run goes on without: then it begins at an earlier place when it is cut off.
    pub(crate) async fn save(&mut self) {
        if self.record.rows == 0 {
            return;
        }
        if let Some(key) = self.last_key.take() {
            self.record.witness(&key);
        }
        let record = self.record.clone();
        let saved = self
            .place
            .blocking(move |place| place.checkpoints.save(&place.project, &place.table, &record));
        if let Err(error) = saved.await {
            tracing::warn!(table = self.place.table, %error, "how far the run has come is not written down");
        }
        self.saved = Instant::now();
    }

    /// Removes the record: the run is done.
    pub(crate) async fn remove(self) {
        if let Err(error) = self.place.forget().await {
            tracing::warn!(table = self.place.table, %error, "the record of a finished run stays");
        }
    }
}
