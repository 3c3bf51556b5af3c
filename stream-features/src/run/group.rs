//! Jobs that go on from the same place, and their commits.

use std::collections::{BTreeMap, BTreeSet};

use larder_core::{Clock, Error, Result};

use super::job::{RunningJob, changed};
use super::reader::Read;
use super::task::TaskKey;
use super::{JobGroup, JobReport, Progress, RunOptions};
use crate::checkpoint::{Chain, StateFile};
use crate::schema::EventType;

/// A group while it runs.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) jobs: Vec<RunningJob>,
    pub(super) progress: Option<Progress>,
    pub(super) options: RunOptions,
    pub(super) chains: BTreeMap<TaskKey, Chain>,
    pub(super) owned: BTreeSet<usize>,
    /// Where reading goes on, by partition; `None` before anything is known.
    pub(super) next: Vec<Option<u64>>,
    /// Where the source is.
    source: Vec<u64>,
    pub(super) last_read: Option<usize>,
    /// Number of the last checkpoint.
    pub(super) number: u64,
    /// Sum of the offsets as of the last commit.
    pub(super) covered: u64,
    pub(super) committed_at: i64,
    /// Whether the outputs are as the last commit left them, and what was written since.
    are_outputs_restored: bool,
}

impl Group {
    pub(super) fn compile(
        group: JobGroup,
        event: &mut EventType,
        options: &RunOptions,
    ) -> Result<Self> {
        let jobs = group.jobs.into_iter().map(|job| RunningJob::compile(job, event, options));
        Ok(Self {
            jobs: jobs.collect::<Result<_>>()?,
            progress: group.progress,
            options: options.clone(),
            chains: BTreeMap::new(),
            owned: BTreeSet::new(),
            next: Vec::new(),
            source: Vec::new(),
            last_read: None,
            number: 0,
            covered: 0,
            committed_at: i64::MIN,
            are_outputs_restored: false,
        })
    }

    /// Takes partitions over, where their last commit left them.
    ///
    /// # Errors
    /// `Unsupported` when a job needs all partitions and this reader does not have them; what the log answers.
    pub(super) async fn assigned(
        &mut self,
        partitions: &[usize],
        names: &[String],
        now: i64,
    ) -> Result<()> {
        self.owned.extend(partitions);
        self.next.resize(names.len(), None);
        self.source.resize(names.len(), 0);
        self.refuse_half(names.len())?;
        let mut tasks: BTreeMap<TaskKey, Vec<usize>> = BTreeMap::new();
        for job in &mut self.jobs {
            for partition in partitions {
                let key = job.assign(*partition, names.len(), now);
                tasks.entry(key).or_default().push(*partition);
            }
        }
        let newest = self.load(partitions, tasks, names, now).await?;
        if !std::mem::replace(&mut self.are_outputs_restored, true) {
            for job in &mut self.jobs {
                job.restore_outputs(&newest).await?;
            }
        }
        for job in &mut self.jobs {
            job.adopt(&newest).await?;
        }
        let last = newest.iter().max_by_key(|file| file.number);
        self.last_read = last
            .and_then(|file| names.iter().position(|name| *name == file.turn))
            .or(self.last_read);
        self.covered = self.offsets();
        self.committed_at = now;
        Ok(())
    }

    /// Loads what the last commits of these partitions left; answers the latest file of every task.
    async fn load(
        &mut self,
        partitions: &[usize],
        tasks: BTreeMap<TaskKey, Vec<usize>>,
        names: &[String],
        now: i64,
    ) -> Result<Vec<StateFile>> {
        let stateless = self.stateless();
        let Some(progress) = &mut self.progress else { return Ok(Vec::new()) };
        let positions = progress.log.committed(partitions).await?;
        let mut checkpoints = BTreeMap::new();
        for (partition, position) in partitions.iter().zip(positions) {
            self.next[*partition] = position.map(|position| position.next_offset);
            checkpoints.extend(position.map(|position| (*partition, position.checkpoint)));
        }
        if let Some(layout) = stateless {
            self.number = layout;
            if checkpoints.values().any(|known| *known != layout) {
                return Err(changed(self.jobs.first().map_or("", |job| job.name())));
            }
            return Ok(Vec::new());
        }
        let mut newest = Vec::new();
        for (key, partitions) in tasks {
            let mut chain = Chain::new(&key.folder(names));
            let number = partitions.iter().filter_map(|at| checkpoints.get(at)).max();
            if let Some(number) = number {
                self.number = self.number.max(*number);
                let mut files = chain.load(&progress.store, *number).await?;
                for job in &mut self.jobs {
                    job.load(key, &files, names, now)?;
                }
                newest.extend(files.pop());
            }
            self.chains.insert(key, chain);
        }
        Ok(newest)
    }

    /// What a commit names in place of a checkpoint where no job keeps state: with which definitions it was made.
    pub(super) fn stateless(&self) -> Option<u64> {
        let layouts: Option<Vec<u64>> =
            self.jobs.iter().map(RunningJob::stateless_layout).collect();
        // Several are as one whose definition is all of theirs.
        layouts?.into_iter().reduce(|all, layout| all.rotate_left(1) ^ layout)
    }

    /// Refuses some partitions where a job needs all of them; without any it waits.
    pub(super) fn refuse_half(&self, partitions: usize) -> Result<()> {
        let whole = self.jobs.iter().find(|job| !job.tasks.is_partitioned());
        match whole {
            Some(job) if !self.owned.is_empty() && self.owned.len() < partitions => Err(Error::unsupported(format!(
                "job \"{}\" needs all {partitions} partitions and got {}",
                job.name(),
                self.owned.len()
            ))
            .with_hint(
                "run one instance of it, say in source.partition_key what the topic is keyed by, or give it repartition",
            )),
            _ => Ok(()),
        }
    }

    pub(super) fn drop_partitions(&mut self, partitions: &[usize]) {
        for partition in partitions {
            self.owned.remove(partition);
            self.next[*partition] = None;
            self.chains.retain(|key, _| *key != TaskKey::Partition(*partition));
        }
        self.chains.remove(&TaskKey::All);
        self.jobs.iter_mut().for_each(|job| job.revoke(partitions));
        self.covered = self.offsets();
    }

    /// Where this group goes on in a partition; `None` for one that it does not have, or knows nothing of.
    pub(super) fn next_offset(&self, partition: usize) -> Option<u64> {
        self.next.get(partition).copied().flatten()
    }

    pub(super) fn owns(&self, partition: usize) -> bool {
        self.owned.contains(&partition)
    }

    /// Takes note of where it begins in a partition that it has committed nothing of.
    pub(super) fn begin_at(&mut self, partition: usize, offset: u64) {
        self.next[partition] = Some(offset);
        self.covered = self.offsets();
    }

    pub(super) fn last_read(&self) -> Option<usize> {
        self.last_read
    }

    /// Takes note of where the source begins, which another group may need more of.
    pub(super) fn started(&mut self, partition: usize, next: Option<u64>) {
        if let Some(source) = self.source.get_mut(partition) {
            *source = next.unwrap_or(0);
        }
    }

    /// Whether the source tells what this group knows, for the sake of another.
    fn is_ahead(&self) -> bool {
        self.owned.iter().any(|at| self.next[*at].is_some_and(|next| next > self.source[*at]))
    }

    /// How far these partitions were read, as one number.
    pub(super) fn progress_of(&self, partitions: &[usize]) -> u64 {
        partitions.iter().filter_map(|partition| self.next_offset(*partition)).sum()
    }

    pub(super) fn offsets(&self) -> u64 {
        self.owned.iter().filter_map(|partition| self.next[*partition]).sum()
    }

    pub(super) async fn take(
        &mut self,
        read: &Read,
        names: &[String],
        clock: &dyn Clock,
    ) -> Result<()> {
        let partition = read.raw.partition;
        // What is another group's, or nothing at all: only time has passed.
        if !self.owns(partition) {
            for job in &mut self.jobs {
                job.idle(clock).await?;
            }
            return Ok(());
        }
        let known = if self.options.is_replay { None } else { self.next[partition] };
        let first = known.map_or(0, |next| read.raw.before(next));
        let has_events = first < read.raw.len();
        if !read.raw.is_empty() && !self.options.is_replay {
            self.source[partition] = read.raw.next_offset;
        }
        let is_known = !read.raw.is_empty() || read.ended.is_some() && self.is_ahead();
        if is_known && !has_events {
            // Read for another group: what this one waits for may be there, and is no sign of silence.
            self.jobs.iter_mut().for_each(|job| job.passed_over(clock));
            return Ok(());
        }
        // Letters change neither positions nor whose turn it is.
        if (has_events || read.ended.is_some()) && !self.options.is_replay {
            self.last_read = Some(partition);
        }
        if has_events && !self.options.is_replay {
            self.next[partition] = Some(read.raw.next_offset);
        }
        for job in &mut self.jobs {
            job.take(read, first, names, clock).await?;
        }
        Ok(())
    }

    /// Whether it is time for a commit.
    pub(super) fn is_due(&self, now: i64) -> bool {
        let interval = i64::try_from(self.options.commit_interval.as_micros()).unwrap_or(i64::MAX);
        now.saturating_sub(self.committed_at) >= interval
    }

    pub(super) async fn finish(
        &mut self,
        is_finished: bool,
        offsets: &[(String, Option<u64>)],
    ) -> Result<Vec<JobReport>> {
        let mut reports = Vec::new();
        for job in &mut self.jobs {
            reports.push(job.finish(is_finished, offsets).await?);
        }
        Ok(reports)
    }
}
