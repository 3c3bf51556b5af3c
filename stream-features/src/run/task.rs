//! The part of a job that has its own state: all partitions, or one.

use std::collections::BTreeMap;

use larder_core::{Result, Timestamp};

use crate::aggregate::bytes::Reader;
use crate::checkpoint::{Scope, WHOLE, folder};
use crate::definition::Job;
use crate::operator::Operator;
use crate::repartition::Stage;
use crate::watermark::Watermark;

/// Which partitions a task is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TaskKey {
    /// All: keys may be anywhere.
    All,
    /// One: a key has all of its events there.
    Partition(usize),
}

impl TaskKey {
    /// What its checkpoints are kept under, which is the same in every run.
    pub(super) fn folder(self, names: &[String]) -> String {
        match self {
            Self::All => WHOLE.to_owned(),
            Self::Partition(at) => folder(&names[at]),
        }
    }
}

/// State and watermark of some partitions.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) operator: Box<dyn Operator>,
    pub(super) watermark: Watermark,
    /// Whether anything happened since the last checkpoint.
    pub(super) is_touched: bool,
    /// Bytes of what had changed the last time.
    delta: usize,
}

impl Task {
    /// The state, or what changed of it since the last time.
    pub(super) fn save(&mut self, scope: Scope, names: &[String]) -> Vec<u8> {
        // Mostly about as much changes as the last time: the list need not grow, which copies what it has.
        let expected = if scope == Scope::Delta { self.delta + self.delta / 8 } else { 0 };
        let mut out = Vec::with_capacity(expected);
        self.watermark.save(names, &mut out);
        self.operator.save(scope, &mut out);
        self.is_touched = false;
        if scope == Scope::Delta {
            self.delta = out.len();
        }
        out
    }

    /// Takes what was saved.
    ///
    /// # Errors
    /// `Data` for bytes that are no state of the job.
    pub(super) fn load(&mut self, bytes: &[u8], names: &[String], now: i64) -> Result<()> {
        let mut reader = Reader::new(bytes);
        self.watermark.load(names, now, &mut reader)?;
        self.operator.load(&mut reader)?;
        reader.finish()
    }
}

/// The tasks of a job.
#[derive(Debug)]
pub(super) struct Tasks {
    is_partitioned: bool,
    /// Whether others tell how far the source has come.
    is_told: bool,
    all: BTreeMap<TaskKey, Task>,
}

impl Tasks {
    pub(super) fn new(job: &Job, stage: &Stage) -> Self {
        let is_partitioned = job.is_partitioned || !matches!(stage, Stage::Whole);
        Self { is_partitioned, is_told: matches!(stage, Stage::Keyed(_)), all: BTreeMap::new() }
    }

    /// The task that a partition is of.
    pub(super) fn key(&self, partition: usize) -> TaskKey {
        if self.is_partitioned { TaskKey::Partition(partition) } else { TaskKey::All }
    }

    pub(super) fn is_partitioned(&self) -> bool {
        self.is_partitioned
    }

    /// Makes the task of a partition that was assigned, with empty state, unless it is here.
    pub(super) fn assign(&mut self, partition: usize, job: &Job, now: i64) -> TaskKey {
        let key = self.key(partition);
        let timing = job.plan.timing;
        let watermark = if self.is_told {
            Watermark::of_marks(timing.delay)
        } else {
            Watermark::new(timing.delay, timing.idle, &[], now)
        };
        let fresh =
            || Task { operator: job.operator.fresh(), watermark, is_touched: false, delta: 0 };
        let task = self.all.entry(key).or_insert_with(fresh);
        if !self.is_told {
            task.watermark.expect(partition, now);
        }
        key
    }

    /// Forgets partitions that another reader has now.
    pub(super) fn revoke(&mut self, partitions: &[usize]) {
        for partition in partitions {
            self.all.remove(&self.key(*partition));
        }
    }

    pub(super) fn of(&mut self, partition: usize) -> Option<&mut Task> {
        self.all.get_mut(&self.key(partition))
    }

    pub(super) fn get_mut(&mut self, key: TaskKey) -> Option<&mut Task> {
        self.all.get_mut(&key)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (TaskKey, &mut Task)> {
        self.all.iter_mut().map(|(key, task)| (*key, task))
    }

    /// How far event time has come where it is slowest; parts without events do not count.
    pub(super) fn watermark(&self) -> Option<Timestamp> {
        let reached = self.all.values().map(|task| task.watermark.reached());
        reached.filter(|reached| *reached > i64::MIN).min().map(Timestamp::from_micros)
    }

    /// Takes note of a commit of tasks whose state nobody stores.
    pub(super) fn leave_untouched(&mut self) {
        self.all.values_mut().for_each(|task| task.is_touched = false);
    }

    /// Keys that state is kept of.
    pub(super) fn keys(&self) -> usize {
        self.all.values().map(|task| task.operator.keys()).sum()
    }
}
