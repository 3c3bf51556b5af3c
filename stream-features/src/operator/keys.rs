//! State by key.

use std::hash::BuildHasher as _;

use hashbrown::{DefaultHashBuilder, HashTable};
use larder_core::{Result, Value};

use crate::aggregate::bytes::Reader;

#[derive(Debug)]
struct Entry<S> {
    key: Box<[u8]>,
    state: S,
}

/// State by encoded key. A key has a number while it is here, so that timers need not copy it.
#[derive(Debug)]
pub(crate) struct KeyTable<S> {
    hasher: DefaultHashBuilder,
    index: HashTable<u32>,
    entries: Vec<Option<Entry<S>>>,
    free: Vec<u32>,
}

impl<S> Default for KeyTable<S> {
    fn default() -> Self {
        Self {
            hasher: DefaultHashBuilder::default(),
            index: HashTable::new(),
            entries: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<S: Default> KeyTable<S> {
    /// The number and state of a key, which is made when it is not here; a key that is here costs no allocation.
    pub(crate) fn get_or_default(&mut self, key: &[u8]) -> (u32, &mut S) {
        let hash = self.hasher.hash_one(key);
        let entries = &self.entries;
        let known = self.index.find(hash, |id| entry(entries, *id).is_some_and(|e| *e.key == *key));
        let id = match known {
            Some(id) => *id,
            None => self.insert(hash, key),
        };
        let state = &mut self.entries[id as usize].as_mut().expect("it was found or made").state;
        (id, state)
    }

    fn insert(&mut self, hash: u64, key: &[u8]) -> u32 {
        let made = Some(Entry { key: key.into(), state: S::default() });
        let id = if let Some(id) = self.free.pop() {
            self.entries[id as usize] = made;
            id
        } else {
            self.entries.push(made);
            u32::try_from(self.entries.len() - 1).expect("fewer than four billion keys")
        };
        let (entries, hasher) = (&self.entries, &self.hasher);
        self.index.insert_unique(hash, id, |id| {
            hasher.hash_one(&*entry(entries, *id).expect("indexed keys are here").key)
        });
        id
    }
}

impl<S> KeyTable<S> {
    /// The key and state of a number.
    pub(crate) fn get_mut(&mut self, id: u32) -> Option<(&[u8], &mut S)> {
        let entry = self.entries.get_mut(id as usize)?.as_mut()?;
        Some((&entry.key, &mut entry.state))
    }

    /// Forgets a key; its number may be given to another.
    pub(crate) fn remove(&mut self, id: u32) {
        let Some(gone) = self.entries[id as usize].take() else { return };
        if let Ok(found) =
            self.index.find_entry(self.hasher.hash_one(&*gone.key), |known| *known == id)
        {
            found.remove();
        }
        self.free.push(id);
    }

    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }
}

fn entry<S>(entries: &[Option<Entry<S>>], id: u32) -> Option<&Entry<S>> {
    entries[id as usize].as_ref()
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
