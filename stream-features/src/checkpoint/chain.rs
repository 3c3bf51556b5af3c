//! The checkpoints of a task: a full one and what changed since.

use bytes::Bytes;
use larder_core::{Error, Result};

use super::CheckpointStore;
use super::format::{Scope, StateFile};

/// A full checkpoint is written at the latest after so many deltas, which all have to be read at a start.
const MOST_DELTAS: u32 = 500;

/// Deltas of fewer bytes than this are no reason for a full checkpoint.
const SMALL: u64 = 4 << 20;

/// What is in the store of a task.
#[derive(Debug)]
pub(crate) struct Chain {
    folder: String,
    /// Number of the last checkpoint, once there is one.
    last: Option<u64>,
    /// Bytes of the full one, and of the deltas since.
    full: u64,
    deltas: u64,
    count: u32,
}

impl Chain {
    /// The chain of a task without checkpoints.
    pub(crate) fn new(task: &str) -> Self {
        Self { folder: format!("state/{task}"), last: None, full: 0, deltas: 0, count: 0 }
    }

    /// Reads the files of a checkpoint, the full one first.
    ///
    /// # Errors
    /// `Data` that names a file that is missing or damaged; `Unavailable` when the store cannot be read.
    pub(crate) async fn load(
        &mut self,
        store: &CheckpointStore,
        number: u64,
    ) -> Result<Vec<StateFile>> {
        let mut files = Vec::new();
        let mut wanted = number;
        loop {
            let (file, size) = self.read(store, wanted).await?;
            let (scope, previous) = (file.scope, file.previous);
            files.push(file);
            match scope {
                Scope::Full => {
                    self.full = size;
                    break;
                }
                Scope::Delta => {
                    self.deltas += size;
                    self.count += 1;
                }
            }
            if previous >= wanted {
                let name = self.name(wanted, Scope::Delta);
                return Err(unusable(store, &name, "it adds to one that came after it"));
            }
            wanted = previous;
        }
        self.last = Some(number);
        files.reverse();
        Ok(files)
    }

    async fn read(&self, store: &CheckpointStore, number: u64) -> Result<(StateFile, u64)> {
        for scope in [Scope::Delta, Scope::Full] {
            let name = self.name(number, scope);
            let Some(bytes) = store.get(&name).await? else { continue };
            let file = StateFile::decode(&bytes)
                .map_err(|error| unusable(store, &name, error.message()))?;
            if (file.number, file.scope) != (number, scope) {
                return Err(unusable(store, &name, "it is another one"));
            }
            return Ok((file, bytes.len() as u64));
        }
        Err(unusable(store, &self.name(number, Scope::Full), "it is missing"))
    }

    fn name(&self, number: u64, scope: Scope) -> String {
        let end = match scope {
            Scope::Full => "full",
            Scope::Delta => "delta",
        };
        format!("{}/{number:020}.{end}", self.folder)
    }

    /// Whether a checkpoint of this number is there.
    ///
    /// # Errors
    /// `Unavailable` when the store cannot be read.
    pub(super) async fn is_there(&self, store: &CheckpointStore, number: u64) -> Result<bool> {
        let of_number = [Scope::Full, Scope::Delta].map(|scope| self.name(number, scope));
        let names = store.list(&self.folder).await?;
        Ok(names.iter().any(|(name, _)| of_number.contains(&format!("{}/{name}", self.folder))))
    }

    /// Bytes of the files of the last checkpoint.
    pub(crate) fn size(&self) -> u64 {
        self.full + self.deltas
    }

    /// The checkpoint before the next one: 0 before the first.
    pub(crate) fn last(&self) -> u64 {
        self.last.unwrap_or(0)
    }

    /// Whether the next checkpoint is to have all of the state.
    pub(crate) fn next_scope(&self) -> Scope {
        let is_worth_it = self.deltas > self.full.max(SMALL) || self.count >= MOST_DELTAS;
        if self.last.is_none() || is_worth_it { Scope::Full } else { Scope::Delta }
    }

    /// Stores a checkpoint; it counts once it is committed.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be stored now; storing it again is safe.
    pub(crate) async fn put(
        &self,
        store: &CheckpointStore,
        number: u64,
        scope: Scope,
        bytes: &Bytes,
    ) -> Result<()> {
        store.put(&self.name(number, scope), bytes.clone()).await
    }

    /// Takes note of a commit of what was stored, and removes what no commit needs any more. What cannot be removed
    /// now is removed another time.
    pub(crate) async fn committed(
        &mut self,
        store: &CheckpointStore,
        number: u64,
        scope: Scope,
        size: u64,
    ) {
        self.last = Some(number);
        match scope {
            Scope::Full => {
                (self.full, self.deltas, self.count) = (size, 0, 0);
                // The next full checkpoint tries again.
                self.clean(store, number).await.ok();
            }
            Scope::Delta => {
                self.deltas += size;
                self.count += 1;
            }
        }
    }

    async fn clean(&self, store: &CheckpointStore, number: u64) -> Result<()> {
        for (name, _) in store.list(&self.folder).await? {
            let of = name.split_once('.').and_then(|(of, _)| of.parse::<u64>().ok());
            if of.is_some_and(|of| of < number) {
                store.delete(&format!("{}/{name}", self.folder)).await?;
            }
        }
        Ok(())
    }
}

fn unusable(store: &CheckpointStore, name: &str, why: &str) -> Error {
    let message = format!("checkpoint {} cannot be used: {why}", store.place(name));
    Error::data(message).with_hint("--reset forgets the state and begins anew")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use larder_core::ErrorKind;
    use object_store::memory::InMemory;

    use super::*;

    async fn add(chain: &mut Chain, store: &CheckpointStore, number: u64) -> Scope {
        let scope = chain.next_scope();
        let file = StateFile {
            scope,
            number,
            previous: chain.last(),
            written: 0,
            turn: String::new(),
            sections: Vec::new(),
        };
        let bytes = file.encode().into();
        chain.put(store, number, scope, &bytes).await.unwrap();
        chain.committed(store, number, scope, bytes.len() as u64).await;
        scope
    }

    fn numbers(files: &[StateFile]) -> Vec<u64> {
        files.iter().map(|file| file.number).collect()
    }

    #[tokio::test]
    async fn a_full_checkpoint_takes_the_place_of_everything_before() {
        let store = CheckpointStore::new(Arc::new(InMemory::new()), "job");
        let mut chain = Chain::new("all");
        let most = u64::from(MOST_DELTAS);
        for number in 1..=most + 3 {
            let scope = add(&mut chain, &store, number).await;
            let is_full = number == 1 || number == most + 2;
            assert_eq!(scope == Scope::Full, is_full, "{number}");
        }
        assert_eq!(store.list("state/all").await.unwrap().len(), 2);
        let mut restored = Chain::new("all");
        let files = restored.load(&store, most + 3).await.unwrap();
        assert_eq!(numbers(&files), [most + 2, most + 3]);
        assert_eq!((restored.last(), restored.size()), (chain.last(), chain.size()));
        let gone = Chain::new("all").load(&store, most).await.unwrap_err();
        assert_eq!(gone.kind(), ErrorKind::Data);
    }

    #[tokio::test]
    async fn what_another_writer_left_is_not_read() {
        let store = CheckpointStore::new(Arc::new(InMemory::new()), "job");
        let mut chain = Chain::new("all");
        for number in [16, 33] {
            add(&mut chain, &store, number).await;
        }
        // One that had lost its partitions, and never committed.
        let mut zombie = Chain::new("all");
        zombie.load(&store, 16).await.unwrap();
        add(&mut zombie, &store, 47).await;
        let files = Chain::new("all").load(&store, 33).await.unwrap();
        assert_eq!(numbers(&files), [16, 33]);
    }
}
