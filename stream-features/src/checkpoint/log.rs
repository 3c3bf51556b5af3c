//! The point at which progress becomes true.

use std::collections::BTreeMap;
use std::fmt::Debug;

use async_trait::async_trait;
use larder_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::CheckpointStore;

/// How far a partition was read for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The offset at which reading goes on.
    pub next_offset: u64,
    /// The checkpoint that holds the state as of there. Later ones have greater numbers.
    pub checkpoint: u64,
}

/// Where progress becomes true, for all partitions that one reader has, at once.
///
/// A commit comes after everything that it speaks of: rows are stored, files are durable, the checkpoint is written.
/// Only the owner of a partition may commit it: a log over a broker refuses those who lost it in the meantime.
#[async_trait]
pub trait CommitLog: Debug + Send {
    /// The last committed position of each of these partitions, in their order; `None` for one without.
    ///
    /// # Errors
    /// `Unavailable` when the log cannot be read now; `Data` when what it holds cannot be understood.
    async fn committed(&mut self, partitions: &[usize]) -> Result<Vec<Option<Position>>>;

    /// Makes these positions true together, or none of them; partitions that are not named keep theirs.
    ///
    /// # Errors
    /// `Unavailable` when the log cannot be written now: then nothing is known of the outcome, and the same positions
    /// may be committed again. `Conflict` when the partitions belong to another reader now: the caller must give up
    /// their state, and what it wrote for them never counted.
    async fn commit(&mut self, positions: &[(usize, Position)]) -> Result<()>;
}

/// Name of the object in its checkpoint store.
const OBJECT: &str = "commit.json";

/// Version of the object's form.
const VERSION: u32 = 1;

/// Positions by the names of partitions, in one object that is replaced as a whole. For sources that one reader has to
/// itself, such as files.
#[derive(Debug)]
pub struct ObjectCommitLog {
    store: CheckpointStore,
    names: Vec<String>,
    known: Option<BTreeMap<String, Position>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Commit {
    version: u32,
    positions: BTreeMap<String, Position>,
}

impl ObjectCommitLog {
    /// The log of a run over partitions of these names, kept beside the state in this store.
    pub fn new(store: CheckpointStore, names: &[String]) -> Self {
        Self { store, names: names.to_vec(), known: None }
    }

    /// All positions in a store by the names of their partitions; none before the first commit.
    ///
    /// # Errors
    /// As [`CommitLog::committed`].
    pub async fn read(store: &CheckpointStore) -> Result<BTreeMap<String, Position>> {
        let Some(bytes) = store.get(OBJECT).await? else { return Ok(BTreeMap::new()) };
        let place = store.place(OBJECT);
        let commit: Commit = serde_json::from_slice(&bytes).map_err(|error| {
            Error::data(format!("{place} is no commit of a stream job"))
                .with_source(error)
                .with_hint("--reset forgets the state and begins anew")
        })?;
        if commit.version != VERSION {
            let message = format!("{place} has version {}, known is {VERSION}", commit.version);
            return Err(Error::data(message).with_hint("a newer larder wrote it"));
        }
        Ok(commit.positions)
    }

    async fn known(&mut self) -> Result<&mut BTreeMap<String, Position>> {
        if self.known.is_none() {
            self.known = Some(Self::read(&self.store).await?);
        }
        Ok(self.known.get_or_insert_default())
    }
}

#[async_trait]
impl CommitLog for ObjectCommitLog {
    async fn committed(&mut self, partitions: &[usize]) -> Result<Vec<Option<Position>>> {
        let names: Vec<String> = partitions.iter().map(|at| self.names[*at].clone()).collect();
        let known = self.known().await?;
        Ok(names.iter().map(|name| known.get(name).copied()).collect())
    }

    async fn commit(&mut self, positions: &[(usize, Position)]) -> Result<()> {
        let mut all = self.known().await?.clone();
        for (partition, position) in positions {
            all.insert(self.names[*partition].clone(), *position);
        }
        let commit = Commit { version: VERSION, positions: all };
        let bytes = serde_json::to_vec_pretty(&commit)
            .map_err(|error| Error::internal("positions as JSON").with_source(error))?;
        self.store.put(OBJECT, bytes).await?;
        self.known = Some(commit.positions);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use larder_core::ErrorKind;
    use object_store::memory::InMemory;

    use super::*;

    #[tokio::test]
    async fn positions_come_back_under_the_names_of_their_partitions() {
        let folder = tempfile::tempdir().unwrap();
        let local = CheckpointStore::local(&folder.path().join("job/checkpoints")).unwrap();
        for store in [local, CheckpointStore::new(Arc::new(InMemory::new()), "job")] {
            let at = |next_offset, checkpoint| Position { next_offset, checkpoint };
            let names = ["a".to_owned(), "b".to_owned()];
            let mut log = ObjectCommitLog::new(store.clone(), &names);
            assert_eq!(log.committed(&[0, 1]).await.unwrap(), [None, None]);
            log.commit(&[(0, at(7, 1))]).await.unwrap();
            log.commit(&[(1, at(9, 2))]).await.unwrap();
            let names = ["new".to_owned(), "b".to_owned(), "a".to_owned()];
            let mut log = ObjectCommitLog::new(store.clone(), &names);
            let found = log.committed(&[0, 1, 2]).await.unwrap();
            assert_eq!(found, [None, Some(at(9, 2)), Some(at(7, 1))]);
            store.put(OBJECT, b"{".to_vec()).await.unwrap();
            let error = ObjectCommitLog::read(&store).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Data);
        }
    }
}
