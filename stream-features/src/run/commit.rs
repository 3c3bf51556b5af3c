//! A commit: outputs are flushed, the state is stored, then the log makes it true.

use std::collections::BTreeSet;
use std::time::Instant;

use bytes::Bytes;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use larder_core::{Clock, Result};

use super::Committed;
use super::group::Group;
use super::hold_back::until_done;
use super::task::TaskKey;
use crate::checkpoint::{Chain, Position, Scope, StateFile, WRITER_BITS};
use crate::sink::Covered;

/// Tasks whose state is stored at one time. Files that wait for the disk together cost it hardly more than one: 24 took
/// 10 to 50 ms on a disk where they took 120 to 180 ms one after the other; in a bucket each is a round trip.
const PUTS: usize = 32;

/// How a job's marks are kept: by the kinds of its sinks.
type Marks = Vec<(String, Vec<u8>)>;

impl Group {
    /// Commits what happened since the last commit, if anything did.
    ///
    /// # Errors
    /// What a sink, the checkpoint store or the log answers; nothing of it counts then.
    pub(super) async fn commit(&mut self, names: &[String], clock: &dyn Clock) -> Result<()> {
        self.committed_at = clock.now().micros();
        let touched = self.touched();
        if self.progress.is_none() || touched.is_empty() {
            return Ok(());
        }
        let begun = Instant::now();
        let stateless = self.stateless();
        let next = (((self.number >> WRITER_BITS) + 1) << WRITER_BITS) | writer(clock);
        let number = stateless.unwrap_or(next);
        let covered = Covered { checkpoint: number, offsets: (self.covered, self.offsets()) };
        let mut marks = Vec::new();
        for job in &mut self.jobs {
            marks.push(job.flush(covered).await?);
        }
        let stored = self.store(&touched, number, names, &marks).await?;
        self.make_true(number, &touched).await?;
        for job in &mut self.jobs {
            job.settle_outputs().await?;
        }
        let written = stored.iter().map(|(_, size)| size).sum();
        if let Some(progress) = &self.progress {
            for (key, (scope, size)) in touched.iter().zip(stored) {
                if let Some(chain) = self.chains.get_mut(key) {
                    chain.committed(&progress.store, number, scope, size).await;
                }
            }
        }
        if stateless.is_some() {
            self.jobs.iter_mut().for_each(|job| job.tasks.leave_untouched());
        }
        (self.number, self.covered) = (number, self.offsets());
        let size = self.chains.values().map(Chain::size).sum();
        for job in &mut self.jobs {
            job.committed(Committed { took: begun.elapsed(), written, size, keys: 0 });
        }
        Ok(())
    }

    /// Tasks to which something happened since the last commit.
    fn touched(&mut self) -> BTreeSet<TaskKey> {
        let tasks = self.jobs.iter_mut().flat_map(|job| job.tasks.iter_mut());
        let tasks: Vec<_> = tasks.map(|(key, task)| (key, task.is_touched)).collect();
        // State that is of all partitions ties their positions to one checkpoint, which then has all tasks.
        let is_tied = tasks.iter().any(|(key, _)| *key == TaskKey::All)
            && tasks.iter().any(|(_, is_touched)| *is_touched);
        let is_wanted = |(_, is_touched): &&(TaskKey, bool)| is_tied || *is_touched;
        tasks.iter().filter(is_wanted).map(|(key, _)| *key).collect()
    }

    /// Stores what changed in these tasks, or all of it; answers which of them and how many bytes, by task.
    async fn store(
        &mut self,
        touched: &BTreeSet<TaskKey>,
        number: u64,
        names: &[String],
        marks: &[Marks],
    ) -> Result<Vec<(Scope, u64)>> {
        let encoded: Vec<_> =
            touched.iter().map(|key| self.encode(*key, number, names, marks)).collect();
        let (Some(progress), chains) = (&self.progress, &self.chains) else {
            return Ok(Vec::new());
        };
        let job = self.jobs.first().map_or("", |job| job.name());
        let puts = touched.iter().zip(&encoded).map(async |(key, (scope, bytes))| {
            if let Some(chain) = chains.get(key) {
                let put = async || chain.put(&progress.store, number, *scope, bytes).await;
                until_done(job, &self.options, put).await?;
            }
            Ok((*scope, bytes.len() as u64))
        });
        stream::iter(puts).buffered(PUTS).try_collect().await
    }

    /// What changed in a task, or all of it.
    fn encode(
        &mut self,
        key: TaskKey,
        number: u64,
        names: &[String],
        marks: &[Marks],
    ) -> (Scope, Bytes) {
        let Some(chain) = self.chains.get(&key) else { return (Scope::Full, Bytes::new()) };
        let scope = chain.next_scope();
        let sections = self.jobs.iter_mut().zip(marks);
        let file = StateFile {
            scope,
            number,
            previous: chain.last(),
            written: self.committed_at,
            turn: self.last_read.map_or_else(String::new, |at| names[at].clone()),
            sections: sections
                .filter_map(|(job, marks)| job.save(key, scope, names, marks.clone()))
                .collect(),
        };
        (scope, file.encode().into())
    }

    async fn make_true(&mut self, checkpoint: u64, touched: &BTreeSet<TaskKey>) -> Result<()> {
        let is_part = |partition: &&usize| {
            touched.contains(&TaskKey::All) || touched.contains(&TaskKey::Partition(**partition))
        };
        let position = |partition: &usize| {
            let next_offset = self.next[*partition]?;
            Some((*partition, Position { next_offset, checkpoint }))
        };
        let positions: Vec<_> = self.owned.iter().filter(is_part).filter_map(position).collect();
        let job = self.jobs.first().map_or("", |job| job.name());
        if let Some(progress) = &mut self.progress {
            let commit = async || progress.log.commit(&positions).await;
            until_done(job, &self.options, commit).await?;
        }
        Ok(())
    }
}

/// A number that other writers of the same partitions are unlikely to have.
fn writer(clock: &dyn Clock) -> u64 {
    let mut seed = clock.now().micros().to_le_bytes().to_vec();
    seed.extend(std::process::id().to_le_bytes());
    xxhash_rust::xxh3::xxh3_64(&seed) & ((1 << WRITER_BITS) - 1)
}
