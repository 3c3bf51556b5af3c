//! State by key.

use std::hash::BuildHasher as _;

use hashbrown::{DefaultHashBuilder, HashTable};
use larder_core::{Result, Value};
use smallvec::SmallVec;

use crate::aggregate::bytes::{Reader, put_bytes, put_len};
use crate::checkpoint::Scope;

#[derive(Debug)]
struct Entry<S> {
    /// Beside the state, so that a look-up touches one place.
    key: SmallVec<[u8; 32]>,
    state: S,
    /// Whether a checkpoint has it.
    is_saved: bool,
}

#[derive(Debug)]
struct Slot<S> {
    entry: Option<Entry<S>>,
    /// Whether its number is among the changed ones.
    is_listed: bool,
}

/// State by encoded key. A key has a number while it is here, so that timers need not copy it.
///
/// It knows which keys changed since they were last saved: that costs a flag per access and nothing else.
#[derive(Debug)]
pub(crate) struct KeyTable<S> {
    hasher: DefaultHashBuilder,
    index: HashTable<u32>,
    slots: Vec<Slot<S>>,
    free: Vec<u32>,
    /// Numbers whose state may have changed, each once.
    changed: Vec<u32>,
    /// Keys that a checkpoint has and that are gone.
    removed: Vec<Box<[u8]>>,
}

impl<S> Default for KeyTable<S> {
    fn default() -> Self {
        Self {
            hasher: DefaultHashBuilder::default(),
            index: HashTable::new(),
            slots: Vec::new(),
            free: Vec::new(),
            changed: Vec::new(),
            removed: Vec::new(),
        }
    }
}

impl<S: Default> KeyTable<S> {
    /// The number and state of a key, which is made when it is not here; a key that is here costs no allocation.
    #[inline]
    pub(crate) fn get_or_default(&mut self, key: &[u8]) -> (u32, &mut S) {
        let hash = self.hasher.hash_one(key);
        let id = match self.find(hash, key) {
            Some(id) => id,
            None => self.insert(hash, key),
        };
        self.mark(id);
        let entry = self.slots[id as usize].entry.as_mut().expect("it was found or made");
        (id, &mut entry.state)
    }

    fn insert(&mut self, hash: u64, key: &[u8]) -> u32 {
        let made =
            Some(Entry { key: SmallVec::from_slice(key), state: S::default(), is_saved: false });
        let id = if let Some(id) = self.free.pop() {
            self.slots[id as usize].entry = made;
            id
        } else {
            self.slots.push(Slot { entry: made, is_listed: false });
            u32::try_from(self.slots.len() - 1).expect("fewer than four billion keys")
        };
        let (slots, hasher) = (&self.slots, &self.hasher);
        self.index.insert_unique(hash, id, |id| {
            hasher.hash_one(&*entry(slots, *id).expect("indexed keys are here").key)
        });
        id
    }

    /// Takes what was saved; `state` reads that of one key into what is known of it.
    ///
    /// # Errors
    /// What `state` answers; `Data` for bytes that are no keys.
    pub(crate) fn load(
        &mut self,
        bytes: &mut Reader<'_>,
        mut state: impl FnMut(&mut S, &mut Reader<'_>) -> Result<()>,
    ) -> Result<()> {
        for _ in 0..bytes.len(4)? {
            let key = bytes.bytes()?;
            if let Some(id) = self.find(self.hasher.hash_one(key), key) {
                self.remove(id);
            }
        }
        for _ in 0..bytes.len(4)? {
            let key = bytes.bytes()?;
            state(self.get_or_default(key).1, bytes)?;
        }
        for id in std::mem::take(&mut self.changed) {
            let slot = &mut self.slots[id as usize];
            slot.is_listed = false;
            if let Some(entry) = &mut slot.entry {
                entry.is_saved = true;
            }
        }
        self.removed.clear();
        Ok(())
    }
}

impl<S> KeyTable<S> {
    #[inline]
    fn find(&self, hash: u64, key: &[u8]) -> Option<u32> {
        let slots = &self.slots;
        self.index.find(hash, |id| entry(slots, *id).is_some_and(|e| *e.key == *key)).copied()
    }

    #[inline]
    fn mark(&mut self, id: u32) {
        let slot = &mut self.slots[id as usize];
        if !slot.is_listed {
            slot.is_listed = true;
            self.changed.push(id);
        }
    }

    /// The key and state of a number, to be looked at.
    pub(crate) fn get(&self, id: u32) -> Option<(&[u8], &S)> {
        let entry = self.slots.get(id as usize)?.entry.as_ref()?;
        Some((&entry.key, &entry.state))
    }

    /// The key and state of a number, to be changed.
    #[inline]
    pub(crate) fn get_mut(&mut self, id: u32) -> Option<(&[u8], &mut S)> {
        self.slots.get(id as usize)?.entry.as_ref()?;
        self.mark(id);
        let entry = self.slots[id as usize].entry.as_mut()?;
        Some((&entry.key, &mut entry.state))
    }

    /// All keys with their numbers and states.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &[u8], &S)> {
        let numbered = (0..).zip(&self.slots);
        numbered.filter_map(|(id, slot)| {
            slot.entry.as_ref().map(|entry| (id, &*entry.key, &entry.state))
        })
    }

    /// The number of a key that is here.
    pub(crate) fn number(&self, key: &[u8]) -> Option<u32> {
        self.find(self.hasher.hash_one(key), key)
    }

    /// Forgets a key; its number may be given to another.
    pub(crate) fn remove(&mut self, id: u32) {
        let Some(gone) = self.slots[id as usize].entry.take() else { return };
        if let Ok(found) =
            self.index.find_entry(self.hasher.hash_one(&*gone.key), |known| *known == id)
        {
            found.remove();
        }
        self.free.push(id);
        if gone.is_saved {
            self.removed.push(gone.key.into_vec().into_boxed_slice());
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    /// Appends all keys, or those that changed and those that are gone since the last time. `state` appends that of one
    /// key, all of it when the key is new.
    pub(crate) fn save(
        &mut self,
        scope: Scope,
        out: &mut Vec<u8>,
        mut state: impl FnMut(&mut S, Scope, &mut Vec<u8>),
    ) {
        let (changed, removed) =
            (std::mem::take(&mut self.changed), std::mem::take(&mut self.removed));
        for id in &changed {
            self.slots[*id as usize].is_listed = false;
        }
        let (mut ids, removed) = match scope {
            Scope::Full => (self.iter().map(|(id, ..)| id).collect(), Vec::new()),
            Scope::Delta => (changed, removed),
        };
        ids.retain(|id| entry(&self.slots, *id).is_some());
        put_len(removed.len(), out);
        for key in &removed {
            put_bytes(key, out);
        }
        put_len(ids.len(), out);
        for id in ids {
            let Some(entry) = &mut self.slots[id as usize].entry else { continue };
            put_bytes(&entry.key, out);
            state(&mut entry.state, if entry.is_saved { scope } else { Scope::Full }, out);
            entry.is_saved = true;
        }
    }
}

#[inline]
fn entry<S>(slots: &[Slot<S>], id: u32) -> Option<&Entry<S>> {
    slots[id as usize].entry.as_ref()
}

/// The values of an encoded key.
///
/// # Errors
/// `Data` when the bytes are no key.
pub(crate) fn decode_key(key: &[u8]) -> Result<Vec<Value>> {
    let mut reader = Reader::new(key);
    let mut values = Vec::new();
    while !reader.is_empty() {
        values.push(reader.scalar()?.to_value());
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_used_again_only_after_its_key_is_gone() {
        let mut keys: KeyTable<u32> = KeyTable::default();
        for name in ["a", "b", "a"] {
            *keys.get_or_default(name.as_bytes()).1 += 1;
        }
        let (a, state) = keys.get_or_default(b"a");
        assert_eq!((*state, keys.len()), (2, 2));
        keys.remove(a);
        keys.remove(a);
        assert!(keys.get_mut(a).is_none());
        let (c, state) = keys.get_or_default(b"c");
        assert_eq!((c, *state), (a, 0));
        assert_eq!(keys.get_mut(c).map(|(key, _)| key.to_vec()), Some(b"c".to_vec()));
        assert_eq!(keys.len(), 2);
    }
}
