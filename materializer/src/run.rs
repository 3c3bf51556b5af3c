//! The run itself: read, encode, write, record.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use larder_core::{Clock, Error, Interval, Result};
use larder_offline_store::{BatchStream, OfflineStore, PullRequest};
use larder_online_store::{GuardScope, OnlineStore, ViewTable, WriteGuard, WriteRows};
use larder_proto::wire::entity_key::EntityKeyVersion;

use crate::ahead::EncodedBatches;
use crate::checkpoint::{Checkpoints, Marker, Resumption, still_fits};
use crate::on_demand::{Entities, OnDemandRows};
use crate::progress::{Counts, Progress};
use crate::recorder::IntervalRecorder;
use crate::rows::{EncodedRows, RowEncoder};
use crate::share::Share;
use crate::task::ViewTask;
use crate::write::write_rows;

/// Settings of a run; data only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaterializerSettings {
    /// Layout of entity keys.
    pub entity_key_version: EntityKeyVersion,
    /// Whether older rows are kept from replacing newer ones.
    pub guard: WriteGuard,
    /// Most rows of one write to the online store; at least 1.
    pub batch_rows: usize,
    /// Views worked on at once; at least 1.
    pub views_at_once: usize,
    /// Bytes that choosing and reading the rows of one view may take; `None` for what the offline store allows itself.
    pub memory_limit: Option<usize>,
    /// Whether a run that was cut off is gone on with.
    pub resume: bool,
    /// Between two records of how far a run has come: what one that is cut off does again at most.
    pub checkpoint_interval: Duration,
}

impl Default for MaterializerSettings {
    fn default() -> Self {
        Self {
            entity_key_version: EntityKeyVersion::V3,
            guard: WriteGuard::EventTime,
            batch_rows: 8_192,
            views_at_once: 1,
            memory_limit: None,
            resume: true,
            checkpoint_interval: Duration::from_millis(500),
        }
    }
}

/// What became of one view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewReport {
    /// The view.
    pub view: String,
    /// The interval that was recorded.
    pub interval: Interval,
    /// Rows of this run.
    pub counts: Counts,
    /// Rows that a run which was cut off had written before; 0 for a run from the beginning.
    pub resumed_at: u64,
    /// From the first read to the recorded interval.
    pub elapsed: Duration,
}

/// Moves the latest rows of an interval from the offline to the online store.
#[derive(Debug, Clone)]
pub struct Materializer {
    offline: Arc<dyn OfflineStore>,
    online: Arc<dyn OnlineStore>,
    recorder: Arc<dyn IntervalRecorder>,
    clock: Arc<dyn Clock>,
    settings: MaterializerSettings,
    checkpoints: Option<Arc<dyn Checkpoints>>,
}

impl Materializer {
    /// A materializer over these parts.
    pub fn new(
        offline: Arc<dyn OfflineStore>,
        online: Arc<dyn OnlineStore>,
        recorder: Arc<dyn IntervalRecorder>,
        clock: Arc<dyn Clock>,
        settings: MaterializerSettings,
    ) -> Self {
        Self { offline, online, recorder, clock, settings, checkpoints: None }
    }

    /// The same, with a place where runs write down how far they have come.
    #[must_use]
    pub fn with_checkpoints(self, checkpoints: Arc<dyn Checkpoints>) -> Self {
        Self { checkpoints: Some(checkpoints), ..self }
    }

    /// Runs the tasks in order, `views_at_once` at a time, and reports the finished views in task order.
    ///
    /// # Errors
    /// The first error, naming its view. Views finished before keep their interval, views in progress are
    /// finished, the failing one gets no interval (its rows written so far stay, and are newer or equal to
    /// what they replaced), views not begun are left.
    ///
    /// # Behavior
    /// A view's interval is recorded only after all its rows are durable. A run that is cut off anywhere,
    /// also by a kill, leaves a state from which the same run gives the same result: writes are guarded by
    /// event time and idempotent. With [checkpoints](Self::with_checkpoints) it goes on where the first one was cut off,
    /// unless definition, range or source files have changed or the store has lost what was written.
    pub async fn run(
        &self,
        project: &str,
        tasks: &[ViewTask],
        progress: &dyn Progress,
    ) -> Result<Vec<ViewReport>> {
        self.tell_of_guard();
        let mut waiting = tasks.iter().enumerate();
        let mut running = FuturesUnordered::new();
        let mut done = Vec::new();
        let mut first_error = None;
        loop {
            while first_error.is_none() && running.len() < self.settings.views_at_once.max(1) {
                let Some((index, task)) = waiting.next() else { break };
                running.push(async move { (index, self.view(project, task, progress).await) });
            }
            match running.next().await {
                None => break,
                Some((index, Ok(report))) => done.push((index, report)),
                Some((_, Err(error))) => first_error = first_error.or(Some(error)),
            }
        }
        done.sort_by_key(|(index, _)| *index);
        match first_error {
            Some(error) => Err(error),
            None => Ok(done.into_iter().map(|(_, report)| report).collect()),
        }
    }

    /// A guard that the store cannot carry across writes is worth a line.
    fn tell_of_guard(&self) {
        let store = self.online.name();
        if self.settings.guard == WriteGuard::EventTime
            && self.online.guard_scope() == GuardScope::Call
        {
            tracing::info!(store, "older rows are held back within one write only");
        }
    }

    async fn view(
        &self,
        project: &str,
        task: &ViewTask,
        progress: &dyn Progress,
    ) -> Result<ViewReport> {
        let name = &task.view.name;
        progress.started(name);
        let began = Instant::now();
        let moved = async {
            let mut moved = self.move_rows(project, task, progress).await?;
            // Feast 0.67 records nothing of on-demand views: every incremental run computes them anew.
            if task.computation.is_none() {
                let recorded = self.recorder.record(&task.view, moved.interval).await;
                moved.end(recorded.is_ok()).await;
                recorded?;
            }
            Ok(moved)
        };
        match moved.await {
            Ok(Moved { interval, counts, resumed_at, .. }) => {
                progress.finished(name, counts);
                let elapsed = began.elapsed();
                Ok(ViewReport { view: name.clone(), interval, counts, resumed_at, elapsed })
            }
            Err(error) => {
                progress.failed(name);
                Err(named(error, name))
            }
        }
    }

    async fn move_rows(
        &self,
        project: &str,
        task: &ViewTask,
        progress: &dyn Progress,
    ) -> Result<Moved> {
        let mut moved = Moved::nothing(task.interval);
        let Interval { start, end } = task.interval;
        // A reversed interval holds no instant (mat09).
        if start > end {
            return Ok(moved);
        }
        match &task.computation {
            None => {
                let pulled = self.pulled(project, task, &mut moved).await?;
                let written = self.write_all(task, pulled, &mut moved, progress).await;
                if let (Err(_), Some(marker)) = (&written, &mut moved.marker) {
                    marker.save().await;
                }
                written?;
            }
            Some(computation) => {
                self.compute(project, (task, computation.as_ref()), &mut moved, progress).await?;
            }
        }
        warn_of_null_keys(&task.view.name, moved.counts);
        Ok(moved)
    }

    async fn write_all(
        &self,
        task: &ViewTask,
        (encoder, batches): (RowEncoder, BatchStream),
        moved: &mut Moved,
        progress: &dyn Progress,
    ) -> Result<()> {
        if let Some(rows) = batches.rows() {
            progress.planned(&task.view.name, moved.resumed_at + rows, moved.resumed_at);
        }
        let table = encoder.table().clone();
        let mut encoded = EncodedBatches::start(batches, encoder, self.settings.batch_rows);
        while let Some(batch) = encoded.next().await {
            let batch = batch?;
            let (read, rows) = (batch.read, batch.rows.len());
            let last_key = rows.checked_sub(1).map(|last| batch.rows.key(last).to_vec());
            self.write(task, &table, batch, &mut moved.counts).await?;
            if let Some(marker) = &mut moved.marker {
                marker.advance(read, last_key).await;
            }
            progress.advanced(&task.view.name, moved.counts);
        }
        Ok(())
    }

    /// The rows of a view in its batch source, less those that were written before.
    async fn pulled(
        &self,
        project: &str,
        task: &ViewTask,
        moved: &mut Moved,
    ) -> Result<(RowEncoder, BatchStream)> {
        let view = task.view.as_ref();
        let table = ViewTable::of_view(project, task.table.as_str(), view, &view.features)?;
        let mut request = self.begin(project, task, &table, moved).await?;
        request.options.memory_limit = self.settings.memory_limit;
        let encoder = RowEncoder::new(view, table, &request, self.settings.entity_key_version)?;
        let mut rows = self.offline.pull_latest(request.clone()).await?;
        if let Some(marker) = moved.marker.as_mut().filter(|marker| marker.rows() > 0) {
            if still_fits(marker, task, &request, self.offline.as_ref()).await? {
                moved.resumed_at = marker.rows();
            } else {
                // The files were replaced just now.
                marker.start_over();
                request.options.skip = 0;
                rows = self.offline.pull_latest(request).await?;
            }
        }
        Ok((encoder, rows))
    }

    /// What is read, and from where on.
    async fn begin(
        &self,
        project: &str,
        task: &ViewTask,
        table: &ViewTable,
        moved: &mut Moved,
    ) -> Result<PullRequest> {
        let Some(checkpoints) = &self.checkpoints else {
            let (from, end) = (Some(task.read_from), Some(task.interval.end));
            return PullRequest::of_view(&task.view, from, end);
        };
        let resumption = Resumption {
            checkpoints,
            project,
            resume: self.settings.resume,
            interval: self.settings.checkpoint_interval,
        };
        let (offline, online) = (self.offline.as_ref(), self.online.as_ref());
        let beginning = resumption.begin(task, table, offline, online).await?;
        moved.interval = beginning.interval;
        moved.marker = beginning.marker;
        Ok(beginning.request)
    }

    /// Computes the rows of an on-demand view for the entities of its sources and writes them, share by share where the
    /// entities are too many for the memory.
    async fn compute(
        &self,
        project: &str,
        (task, computation): (&ViewTask, &dyn OnDemandRows),
        moved: &mut Moved,
        progress: &dyn Progress,
    ) -> Result<()> {
        let MaterializerSettings { entity_key_version: version, memory_limit, .. } = self.settings;
        let (view, offline) = (task.view.as_ref(), self.offline.as_ref());
        let interval = task.interval;
        let entities = Entities { view, computation, offline, interval, version, memory_limit };
        let (now, mut shares) = (self.clock.now(), vec![Share::ALL]);
        while let Some(share) = shares.pop() {
            let Some(frame) = entities.frame(share).await? else {
                shares.extend(share.halves());
                continue;
            };
            moved.counts.read += frame.null_keys;
            moved.counts.null_keys += frame.null_keys;
            let table = ViewTable::of_view(project, task.table.as_str(), view, &view.features)?;
            let encoder = RowEncoder::of_computed(view, table, version, now)?;
            let rows = computation.compute(offline, frame.rows, memory_limit).await?;
            self.write_all(task, (encoder, rows), moved, progress).await?;
        }
        Ok(())
    }

    async fn write(
        &self,
        task: &ViewTask,
        table: &ViewTable,
        encoded: EncodedRows,
        counts: &mut Counts,
    ) -> Result<()> {
        let (store, guard) = (self.online.as_ref(), self.settings.guard);
        let summary = match task.computation {
            None => store.write(table, &encoded.rows, guard).await?,
            Some(_) => write_rows(store, table, &encoded.rows, guard).await?,
        };
        self.refresh(task, &encoded.rows).await?;
        counts.read += encoded.read;
        counts.null_keys += encoded.null_keys;
        counts.written += summary.written as u64;
        counts.older += summary.skipped_older as u64;
        Ok(())
    }

    /// Makes the vectors of the entities that rows were written for.
    async fn refresh(&self, task: &ViewTask, written: &WriteRows) -> Result<()> {
        let keys: Vec<&[u8]> = (0..written.len()).map(|row| written.key(row)).collect();
        for service in &task.services {
            let (store, guard) = (self.online.as_ref(), self.settings.guard);
            service.refresh(&task.view.name, &keys, store, self.clock.as_ref(), guard).await?;
        }
        Ok(())
    }
}

/// What a run has done for a view.
struct Moved {
    /// What is recorded.
    interval: Interval,
    counts: Counts,
    resumed_at: u64,
    marker: Option<Marker>,
}

impl Moved {
    fn nothing(interval: Interval) -> Self {
        Self { interval, counts: Counts::default(), resumed_at: 0, marker: None }
    }

    /// All rows are durable; when the interval is recorded too, nothing is left to go on with.
    async fn end(&mut self, is_recorded: bool) {
        match self.marker.take() {
            Some(marker) if is_recorded => marker.remove().await,
            Some(mut marker) => marker.save().await,
            None => {}
        }
    }
}

fn warn_of_null_keys(view: &str, counts: Counts) {
    if counts.null_keys > 0 {
        let rows = counts.null_keys;
        tracing::warn!(view, rows, "rows with a null join key were left out");
    }
}

/// The error with the view's name in its message, unless it is there already.
fn named(error: Error, view: &str) -> Error {
    if error.message().contains(&format!("\"{view}\"")) {
        return error;
    }
    error.context(format_args!("feature view \"{view}\""))
}
