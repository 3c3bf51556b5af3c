//! Runs jobs that share a source: one decoding for all of them.

mod commit;
mod group;
mod hold_back;
mod job;
mod observer;
mod options;
mod reader;
mod task;

use std::sync::Arc;

use futures::future::join_all;
use larder_core::{Clock, Error, Result, Timestamp};

use crate::checkpoint::{CheckpointStore, CommitLog};
use crate::dead_letter::DeadLetters;
use crate::decode::WriterSchemas;
use crate::definition::JobDefinition;
use crate::repartition::Stage;
use crate::sink::Sink;
use crate::source::{EventSource, ParquetEvents, Readers};
use group::Group;
pub use observer::{Committed, RunObserver, Taken};
pub use options::{RunOptions, Stop, Until};
use reader::{Reader, Step};

/// Events to run jobs over.
#[derive(Debug)]
pub enum Input {
    /// Encoded events, with the schemas of their writers.
    Source(Box<dyn EventSource>, Arc<dyn WriterSchemas>),
    /// Columns.
    Parquet(ParquetEvents),
    /// What the first stage of a job told, for its second.
    Blocks(Box<dyn EventSource>),
}

/// A job to run.
#[derive(Debug)]
pub struct JobRun {
    /// What it does.
    pub definition: JobDefinition,
    /// Where its rows go.
    pub sinks: Vec<Box<dyn Sink>>,
    /// Where events go that it cannot use.
    pub dead_letters: DeadLetters,
    /// Which part of it.
    pub stage: Stage,
}

/// Jobs that are committed together: all of them go on from the same place.
#[derive(Debug)]
pub struct JobGroup {
    /// The jobs.
    pub jobs: Vec<JobRun>,
    /// Where their progress is kept; without it the run begins at the beginning and leaves no state.
    pub progress: Option<Progress>,
}

/// Where the progress of a group is kept.
#[derive(Debug)]
pub struct Progress {
    /// Where it becomes true.
    pub log: Box<dyn CommitLog>,
    /// Where the state is that the log names.
    pub store: CheckpointStore,
}

/// What became of the events of a job.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JobReport {
    /// The job.
    pub job: String,
    /// Events that were decoded and in the range.
    pub events: u64,
    /// Events that the filter left out.
    pub filtered: u64,
    /// Events with a null in the key, which are nobody's.
    pub null_keys: u64,
    /// Events of these that the last commit does not cover: the next run reads them again.
    pub uncommitted: u64,
    /// Events that the watermark had passed and that still counted.
    pub late: u64,
    /// Rows that were told, later versions included.
    pub rows: u64,
    /// Events that could not be used.
    pub dead_letters: u64,
    /// Keys that state was kept of when the events ended.
    pub keys: u64,
    /// Event time of the latest event.
    pub latest: Option<Timestamp>,
    /// Partitions with the offset of the last event of each that was read.
    pub offsets: Vec<(String, Option<u64>)>,
}

impl JobReport {
    /// What became of the events of two runs, this one after the other.
    #[must_use]
    pub fn after(self, earlier: &Self) -> Self {
        Self {
            events: self.events + earlier.events,
            filtered: self.filtered + earlier.filtered,
            null_keys: self.null_keys + earlier.null_keys,
            late: self.late + earlier.late,
            rows: self.rows + earlier.rows,
            dead_letters: self.dead_letters + earlier.dead_letters,
            latest: self.latest.max(earlier.latest),
            ..self
        }
    }
}

/// Runs jobs that [share a source](JobDefinition::shares_source) until its events end or the run is told to stop. A source
/// knows the groups by their positions.
///
/// A group with progress goes on where its last commit was. What is open when the events end, windows and sessions that
/// only time would close, is told without being committed: a later run with more events tells it again. A run that is told
/// to stop while a store does not answer gives up what it has not committed.
///
/// # Errors
/// What the source, a schema registry, a checkpoint store or a sink answers; failures of stores that may pass are waited
/// for instead. What was committed stays, and running again goes on from there.
pub async fn run_jobs(
    groups: Vec<JobGroup>,
    input: Input,
    options: RunOptions,
    clock: &dyn Clock,
) -> Result<Vec<JobReport>> {
    let definitions = || groups.iter().flat_map(|group| &group.jobs).map(|job| &job.definition);
    let Some(first) = definitions().next() else { return Ok(Vec::new()) };
    if let Some(stranger) = definitions().find(|definition| !definition.shares_source(first)) {
        let name = stranger.name();
        return Err(Error::internal(format!("job \"{name}\" does not share the source")));
    }
    let (mut event, format) = (first.event().clone(), first.format());
    let mut compiled = Vec::new();
    for group in groups {
        compiled.push(Group::compile(group, &mut event, &options)?);
    }
    let reader = Reader::new(input, event, format);
    let mut run = Run { reader, groups: compiled, options, clock };
    match run.run().await {
        // Nothing is lost: whoever asks the run to end does not wait for a store.
        Err(error) if run.options.stop.is_requested() && error.kind().is_retryable() => {
            Ok(run.give_up(&error))
        }
        ended => ended,
    }
}

struct Run<'a> {
    reader: Reader,
    groups: Vec<Group>,
    options: RunOptions,
    clock: &'a dyn Clock,
}

impl Run<'_> {
    /// Reads to the end, or until the run is to stop; answers which of them it was.
    async fn read(&mut self) -> Result<bool> {
        while !self.options.stop.is_requested() {
            match self.reader.next().await? {
                Step::Assigned(readers, partitions) => self.assigned(readers, &partitions).await?,
                Step::Revoked(readers, partitions) => self.revoked(readers, &partitions).await?,
                Step::Finished if self.options.until == Until::End => return Ok(true),
                Step::Finished => return Ok(false),
                Step::Read => {
                    self.take().await?;
                    // Sources of files never wait, and whoever listens for signals has to have a turn.
                    tokio::task::yield_now().await;
                }
            }
        }
        Ok(false)
    }

    async fn assigned(&mut self, readers: Readers, partitions: &[usize]) -> Result<()> {
        let now = self.clock.now().micros();
        for group in chosen(&mut self.groups, readers) {
            group.assigned(partitions, self.reader.partitions(), now).await?;
            for partition in partitions {
                if group.next_offset(*partition).is_none()
                    && let Some(offset) = self.reader.beginning(*partition).await?
                {
                    group.begin_at(*partition, offset);
                }
            }
        }
        // All groups see the same batches, so the one that is furthest behind knows whose turn it is.
        let has_some = |group: &&Group| partitions.iter().any(|partition| group.owns(*partition));
        let groups = self.groups.iter().filter(has_some);
        let behind = groups.min_by_key(|group| group.progress_of(partitions));
        let turn = behind.and_then(Group::last_read);
        let mut order = partitions.to_vec();
        order.sort_unstable();
        if let Some(turn) = turn {
            let next = order.partition_point(|partition| *partition <= turn);
            order.rotate_left(next);
        }
        for partition in order {
            let owners = self.groups.iter().filter(|group| group.owns(partition));
            let next = owners.map(|group| group.next_offset(partition)).min().flatten();
            self.reader.start(partition, next).await?;
            self.groups.iter_mut().for_each(|group| group.started(partition, next));
        }
        Ok(())
    }

    async fn revoked(&mut self, readers: Readers, partitions: &[usize]) -> Result<()> {
        let all = self.reader.partitions().len();
        for group in chosen(&mut self.groups, readers) {
            group.commit(self.reader.partitions(), self.clock).await?;
            group.drop_partitions(partitions);
        }
        self.reader.release(readers, partitions).await?;
        chosen(&mut self.groups, readers).iter().try_for_each(|group| group.refuse_half(all))
    }

    /// Gives what was read to all groups: one computes while others wait for their stores.
    async fn take(&mut self) -> Result<()> {
        let (read, names, clock) = (&self.reader.read, self.reader.partitions(), self.clock);
        let takes = self.groups.iter_mut().map(|group| group.take(read, names, clock));
        join_all(takes).await.into_iter().collect::<Result<()>>()?;
        let now = clock.now().micros();
        if self.groups.iter().any(|group| group.is_due(now)) { self.commit().await } else { Ok(()) }
    }

    /// Commits all groups side by side: a log over a broker waits more than it works.
    async fn commit(&mut self) -> Result<()> {
        let (names, clock) = (self.reader.partitions(), self.clock);
        // None of them is given up half way for the failure of another.
        let commits = self.groups.iter_mut().map(|group| group.commit(names, clock));
        join_all(commits).await.into_iter().collect()
    }

    /// Reads, commits and ends.
    async fn run(&mut self) -> Result<Vec<JobReport>> {
        let is_finished = self.read().await?;
        self.commit().await?;
        let offsets = self.reader.offsets();
        let mut reports = Vec::new();
        for group in &mut self.groups {
            reports.extend(group.finish(is_finished, &offsets).await?);
        }
        Ok(reports)
    }

    /// Ends with the last commits as they are.
    fn give_up(&mut self, error: &Error) -> Vec<JobReport> {
        let offsets = self.reader.offsets();
        let jobs = self.groups.iter_mut().flat_map(|group| &mut group.jobs);
        jobs.map(|job| job.give_up(error, &offsets)).collect()
    }
}

fn chosen(groups: &mut [Group], readers: Readers) -> &mut [Group] {
    match readers {
        Readers::All => groups,
        Readers::One(at) => groups.get_mut(at..=at).unwrap_or_default(),
    }
}
