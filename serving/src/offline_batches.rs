//! Rows pushed to batch sources that are written together: Feast's `offline_push_batching`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::RecordBatch;
use larder_core::{DataSource, Error, ErrorKind, Result};
use larder_offline_store::OfflineStore;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::running::stopped;

/// Pushes that may wait to be looked at.
const QUEUE: usize = 256;

/// Rows that may wait for a source that cannot be written; no push is taken beyond them.
const MOST_ROWS: usize = 1_000_000;

/// How often sources are looked at, at most.
const SHORTEST: Duration = Duration::from_millis(10);

/// When rows that wait are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfflineBatching {
    /// As soon as a source has this many.
    pub rows: usize,
    /// At the latest this long after the first of them came.
    pub interval: Duration,
}

/// Where rows are handed in; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct OfflineBatches(mpsc::Sender<Taken>);

/// Rows for one source, in its columns.
#[derive(Debug)]
struct Taken {
    source: DataSource,
    rows: RecordBatch,
}

/// What writes them.
#[derive(Debug)]
pub(crate) struct BatchWriter {
    queue: mpsc::Receiver<Taken>,
    settings: OfflineBatching,
    waiting: BTreeMap<String, Waiting>,
}

/// Rows of one source.
#[derive(Debug)]
struct Waiting {
    source: DataSource,
    batches: Vec<RecordBatch>,
    due: Instant,
}

/// A queue and what empties it.
pub(crate) fn offline_batches(settings: OfflineBatching) -> (OfflineBatches, BatchWriter) {
    let (sender, queue) = mpsc::channel(QUEUE);
    (OfflineBatches(sender), BatchWriter { queue, settings, waiting: BTreeMap::new() })
}

impl OfflineBatches {
    /// Takes rows that will be written. They come back when the server stops: they are to be written at once then.
    ///
    /// # Errors
    /// `Unavailable` when too many wait.
    pub(crate) fn take(
        &self,
        source: &DataSource,
        rows: RecordBatch,
    ) -> Result<Option<RecordBatch>> {
        match self.0.try_send(Taken { source: source.clone(), rows }) {
            Ok(()) => Ok(None),
            Err(TrySendError::Closed(taken)) => Ok(Some(taken.rows)),
            Err(TrySendError::Full(_)) => {
                let message = "too many rows wait for the offline store";
                Err(Error::new(ErrorKind::Unavailable, message).with_hint("push again later"))
            }
        }
    }
}

impl Waiting {
    fn rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }
}

impl BatchWriter {
    /// Writes until `stop`, and then all that was taken. What may be written later is tried again.
    pub(crate) async fn run(
        mut self,
        offline: Arc<dyn OfflineStore>,
        mut stop: watch::Receiver<bool>,
    ) {
        let mut tick = interval(self.settings.interval.clamp(SHORTEST, Duration::from_secs(1)));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let has_room = self.waiting.values().map(Waiting::rows).sum::<usize>() < MOST_ROWS;
            tokio::select! {
                biased;
                () = stopped(&mut stop) => break,
                _ = tick.tick() => {}
                Some(taken) = self.queue.recv(), if has_room => self.add(taken),
            }
            self.write(offline.as_ref(), |waiting, full| {
                waiting.rows() >= full || waiting.due <= Instant::now()
            })
            .await;
        }
        self.queue.close();
        while let Some(taken) = self.queue.recv().await {
            self.add(taken);
        }
        self.write(offline.as_ref(), |_, _| true).await;
        for (source, waiting) in &self.waiting {
            tracing::error!(source, rows = waiting.rows(), "pushed rows were not written");
        }
    }

    fn add(&mut self, Taken { source, rows }: Taken) {
        let due = Instant::now() + self.settings.interval;
        let waiting = self.waiting.entry(source.name.clone());
        let waiting = waiting.or_insert_with(|| Waiting { source, batches: Vec::new(), due });
        waiting.batches.push(rows);
    }

    /// Writes the rows of the sources that are to be; those of one that cannot be written wait for the next interval.
    async fn write(
        &mut self,
        offline: &dyn OfflineStore,
        is_due: impl Fn(&Waiting, usize) -> bool,
    ) {
        let full = self.settings.rows;
        let due = self.waiting.extract_if(.., |_, waiting| is_due(waiting, full));
        let due: Vec<(String, Waiting)> = due.collect();
        for (name, mut waiting) in due {
            let written = offline.write(&waiting.source, waiting.batches.clone()).await;
            let rows = waiting.rows();
            match written {
                Ok(_) => tracing::debug!(source = name, rows, "pushed rows are written"),
                Err(error) if !error.kind().is_retryable() => {
                    tracing::error!(source = name, rows, %error, "pushed rows cannot be written");
                }
                Err(error) => {
                    tracing::warn!(source = name, rows, %error, "pushed rows are not written yet");
                    waiting.due = Instant::now() + self.settings.interval;
                    self.waiting.insert(name, waiting);
                }
            }
        }
    }
}
