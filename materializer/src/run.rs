//! The run itself: read, encode, write, record.

use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use larder_core::{Clock, Error, FeatureView, Interval, Result};
use larder_offline_store::{BatchStream, OfflineStore, PullRequest};
use larder_online_store::{GuardScope, OnlineStore, ViewTable, WriteGuard, WriteRows};
use larder_proto::wire::entity_key::EntityKeyVersion;

use crate::ahead::EncodedBatches;
use crate::on_demand::{OnDemandRows, entity_frame};
use crate::precomputed::PrecomputedService;
use crate::progress::{Counts, Progress};
use crate::recorder::IntervalRecorder;
use crate::rows::{EncodedRows, RowEncoder};
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
}

impl Default for MaterializerSettings {
    fn default() -> Self {
        Self {
            entity_key_version: EntityKeyVersion::V3,
            guard: WriteGuard::EventTime,
            batch_rows: 8_192,
            views_at_once: 1,
        }
    }
}

/// One view and the closed interval to materialize.
#[derive(Debug, Clone)]
pub struct ViewTask {
    /// The view.
    pub view: Arc<FeatureView>,
    /// Name of its online table, see [`ViewTask::new`].
    pub table: String,
    /// Event times to read, both ends included.
    pub interval: Interval,
    /// What computes the rows of an on-demand view; `None` for a view whose rows stand in its batch source.
    pub computation: Option<Arc<dyn OnDemandRows>>,
    /// Services whose vectors hold features of the view; they are made anew for every entity written.
    pub services: Vec<Arc<PrecomputedService>>,
}

impl ViewTask {
    /// A task for the view's current version; with `online_versioning` its table carries the version number.
    pub fn new(view: Arc<FeatureView>, online_versioning: bool, interval: Interval) -> Self {
        let table = view.table_name(online_versioning);
        Self { table, view, interval, computation: None, services: Vec::new() }
    }

    /// The task of an on-demand view (in the form of [`OnDemandFeatureView::stored`](larder_core::OnDemandFeatureView::stored)).
    pub fn computed(self, computation: Arc<dyn OnDemandRows>) -> Self {
        Self { computation: Some(computation), ..self }
    }

    /// The task with those of a catalog's services that hold features of the view.
    pub fn with_services(self, all: &[Arc<PrecomputedService>]) -> Self {
        let own = all.iter().filter(|service| service.has(&self.view.name));
        Self { services: own.cloned().collect(), ..self }
    }
}

/// What became of one view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewReport {
    /// The view.
    pub view: String,
    /// The interval that was recorded.
    pub interval: Interval,
    /// Rows.
    pub counts: Counts,
}

/// Moves the latest rows of an interval from the offline to the online store.
#[derive(Debug, Clone)]
pub struct Materializer {
    offline: Arc<dyn OfflineStore>,
    online: Arc<dyn OnlineStore>,
    recorder: Arc<dyn IntervalRecorder>,
    clock: Arc<dyn Clock>,
    settings: MaterializerSettings,
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
        Self { offline, online, recorder, clock, settings }
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
    /// event time and idempotent.
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
        let moved = async {
            let counts = self.move_rows(project, task, progress).await?;
            // Feast 0.67 records nothing of on-demand views: every incremental run computes them anew.
            if task.computation.is_none() {
                self.recorder.record(&task.view, task.interval).await?;
            }
            Ok(counts)
        };
        match moved.await {
            Ok(counts) => {
                progress.finished(name, counts);
                Ok(ViewReport { view: name.clone(), interval: task.interval, counts })
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
    ) -> Result<Counts> {
        let mut counts = Counts::default();
        let Interval { start, end } = task.interval;
        // A reversed interval holds no instant (mat09).
        if start > end {
            return Ok(counts);
        }
        let view = task.view.as_ref();
        let (encoder, batches) = match &task.computation {
            None => self.pulled(project, task).await?,
            Some(computation) => {
                self.computed(project, task, computation.as_ref(), &mut counts).await?
            }
        };
        let table = encoder.table().clone();
        let mut encoded = EncodedBatches::start(batches, encoder, self.settings.batch_rows);
        while let Some(batch) = encoded.next().await {
            self.write(task, &table, batch?, &mut counts).await?;
            progress.advanced(&view.name, counts);
        }
        warn_of_null_keys(&view.name, counts);
        Ok(counts)
    }

    /// The rows of a view in its batch source.
    async fn pulled(&self, project: &str, task: &ViewTask) -> Result<(RowEncoder, BatchStream)> {
        let view = task.view.as_ref();
        let Interval { start, end } = task.interval;
        let request = PullRequest::of_view(view, Some(start), Some(end))?;
        let table = ViewTable::of_view(project, task.table.as_str(), view, &view.features)?;
        let encoder = RowEncoder::new(view, table, &request, self.settings.entity_key_version)?;
        Ok((encoder, self.offline.pull_latest(request).await?))
    }

    /// The rows of an on-demand view, computed for the entities of its sources.
    async fn computed(
        &self,
        project: &str,
        task: &ViewTask,
        computation: &dyn OnDemandRows,
        counts: &mut Counts,
    ) -> Result<(RowEncoder, BatchStream)> {
        let (view, version) = (task.view.as_ref(), self.settings.entity_key_version);
        let offline = self.offline.as_ref();
        let frame = entity_frame(view, computation, offline, task.interval, version).await?;
        counts.read += frame.null_keys;
        counts.null_keys += frame.null_keys;
        let table = ViewTable::of_view(project, task.table.as_str(), view, &view.features)?;
        let encoder = RowEncoder::of_computed(view, table, version, self.clock.now())?;
        Ok((encoder, computation.compute(offline, frame.rows).await?))
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
