//! What a store says of a job's progress.

use std::collections::BTreeMap;

use larder_core::{Result, Timestamp};

use super::{Chain, CheckpointStore, ObjectCommitLog, Position};
use crate::dead_letter::{DEAD_LETTERS, DeadLetterFile};

/// The last commit of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobProgress {
    /// Which checkpoint it is, counted from 1.
    pub checkpoint: u64,
    /// When it was written.
    pub written: Timestamp,
    /// Bytes of all files that a start would read.
    pub bytes: u64,
    /// Keys that state is kept of.
    pub keys: u64,
    /// How far event time has come; `None` before the first events.
    pub watermark: Option<Timestamp>,
    /// Where in their file the dead letters are that count, and that a replay takes: from and to which byte.
    pub letters: (u64, u64),
    /// Partitions by name with their positions.
    pub positions: BTreeMap<String, Position>,
}

impl JobProgress {
    /// What a job over files left in its store; `None` before its first commit.
    ///
    /// # Errors
    /// `Data` for a file that cannot be understood, which is named; `Unavailable` when the store cannot be read.
    pub async fn read(store: &CheckpointStore, job: &str) -> Result<Option<Self>> {
        Self::of(store, ObjectCommitLog::read(store).await?, job).await
    }

    /// What a job left in its store whose positions are kept elsewhere, by the names of their partitions; `None` without
    /// any.
    ///
    /// # Errors
    /// As [`read`](Self::read); `Data` also where a running job removed what these positions need in the meantime.
    pub async fn of(
        store: &CheckpointStore,
        positions: BTreeMap<String, Position>,
        job: &str,
    ) -> Result<Option<Self>> {
        let Some(number) = positions.values().map(|position| position.checkpoint).max() else {
            return Ok(None);
        };
        let mut found = Self {
            checkpoint: number >> super::WRITER_BITS,
            written: Timestamp::EPOCH,
            bytes: 0,
            keys: 0,
            watermark: None,
            letters: (0, 0),
            positions: positions.clone(),
        };
        let whole = Chain::new(super::WHOLE);
        if whole.is_there(store, number).await? {
            found.add(store, whole, number, job).await?;
        }
        for (name, position) in positions {
            let chain = Chain::new(&super::folder(&name));
            if chain.is_there(store, position.checkpoint).await? {
                found.add(store, chain, position.checkpoint, job).await?;
            }
        }
        Ok(Some(found))
    }

    async fn add(
        &mut self,
        store: &CheckpointStore,
        mut chain: Chain,
        number: u64,
        job: &str,
    ) -> Result<()> {
        let files = chain.load(store, number).await?;
        self.bytes += chain.size();
        let Some(file) = files.last() else { return Ok(()) };
        let is_newest = file.written >= self.written.micros();
        self.written = self.written.max(Timestamp::from_micros(file.written));
        for section in file.sections.iter().filter(|section| section.job == job) {
            self.keys += section.keys;
            let letters = section.marks.iter().find(|(kind, _)| kind == DEAD_LETTERS);
            if let (true, Some((_, mark))) = (is_newest, letters) {
                self.letters = DeadLetterFile::range(mark)?;
            }
            if section.watermark > i64::MIN {
                let watermark = Timestamp::from_micros(section.watermark);
                self.watermark =
                    Some(self.watermark.map_or(watermark, |known| known.min(watermark)));
            }
        }
        Ok(())
    }
}
