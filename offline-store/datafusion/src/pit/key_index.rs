//! Join keys of entity rows, found by those of feature rows.

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, Int64Array};
use arrow_schema::DataType;
use hashbrown::{DefaultHashBuilder, HashTable};
use larder_core::{Error, Result};
use std::hash::BuildHasher;

use super::keys::coerce;
use super::{KeyEncoder, KeyTable};
use crate::failure::from_arrow;

/// The number of a row without a key, or with one that no entity row has.
pub(super) const NO_KEY: u32 = u32::MAX;

/// Numbers the distinct keys of entity rows from 0.
#[derive(Debug)]
pub(super) enum KeyIndex {
    /// No key columns: every row has the one key there is.
    Single,
    /// One column of integers or times.
    Integers { data_type: DataType, table: IntegerTable },
    /// One column of text or bytes.
    Text { data_type: DataType, table: KeyTable },
    /// Anything else.
    Rows { encoder: KeyEncoder, table: KeyTable },
}

impl KeyIndex {
    /// An empty index of keys that are compared in these types.
    pub(super) fn new(types: &[DataType]) -> Result<Self> {
        Ok(match types {
            [] => Self::Single,
            [data_type @ (DataType::Int64 | DataType::Timestamp(..))] => {
                Self::Integers { data_type: data_type.clone(), table: IntegerTable::default() }
            }
            [data_type @ (DataType::Utf8 | DataType::Binary)] => {
                Self::Text { data_type: data_type.clone(), table: KeyTable::default() }
            }
            _ => Self::Rows {
                encoder: KeyEncoder::new(types.to_vec()).map_err(from_arrow)?,
                table: KeyTable::default(),
            },
        })
    }

    /// Appends the number of each row's key; new keys get new numbers.
    pub(super) fn insert(
        &mut self,
        columns: &[ArrayRef],
        rows: usize,
        numbers: &mut Vec<u32>,
    ) -> Result<()> {
        let first = numbers.len();
        match self {
            Self::Single => numbers.resize(first + rows, 0),
            Self::Integers { data_type, table } => {
                let keys = integers(&columns[0], data_type)?;
                numbers.extend(keys.iter().map(|key| key.map_or(NO_KEY, |key| table.insert(key))));
            }
            Self::Text { data_type, table } => {
                let keys = bytes(&columns[0], data_type)?;
                let keys = keys.as_binary::<i32>().iter();
                numbers.extend(
                    keys.map(|key| key.and_then(|key| table.insert(key)).unwrap_or(NO_KEY)),
                );
            }
            Self::Rows { encoder, table } => {
                let keys = encoder.encode(columns).map_err(from_arrow)?;
                let key = |row: usize| (!keys.has_null(row)).then(|| keys.bytes(row));
                let mut insert = |row| key(row).and_then(|key| table.insert(key)).unwrap_or(NO_KEY);
                numbers.extend((0..rows).map(&mut insert));
            }
        }
        let used_up =
            matches!(self, Self::Text { table, .. } | Self::Rows { table, .. } if table.is_full());
        if used_up { Err(too_many_keys()) } else { Ok(()) }
    }

    /// Ends the insertions: from now on keys are only looked up.
    pub(super) fn seal(&mut self) {
        if let Self::Integers { table, .. } = self {
            table.seal();
        }
    }

    /// The number of each row's key.
    pub(super) fn find(
        &self,
        columns: &[ArrayRef],
        rows: usize,
        numbers: &mut Vec<u32>,
    ) -> Result<()> {
        numbers.clear();
        match self {
            Self::Single => numbers.resize(rows, 0),
            Self::Integers { data_type, table } => {
                table.find_all(&integers(&columns[0], data_type)?, numbers);
            }
            Self::Text { data_type, table } => {
                let keys = bytes(&columns[0], data_type)?;
                let keys = keys.as_binary::<i32>().iter();
                let find = |key: Option<&[u8]>| key.and_then(|key| table.find(key));
                numbers.extend(keys.map(|key| find(key).unwrap_or(NO_KEY)));
            }
            Self::Rows { encoder, table } => {
                let keys = encoder.encode(columns).map_err(from_arrow)?;
                let key = |row: usize| (!keys.has_null(row)).then(|| keys.bytes(row));
                let find = |row| key(row).and_then(|key| table.find(key)).unwrap_or(NO_KEY);
                numbers.extend((0..rows).map(find));
            }
        }
        Ok(())
    }

    /// How many keys there are.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Single => 1,
            Self::Integers { table, .. } => table.len,
            Self::Text { table, .. } | Self::Rows { table, .. } => table.len(),
        }
    }

    /// Bytes held.
    pub(super) fn memory(&self) -> usize {
        match self {
            Self::Single => 0,
            Self::Integers { table, .. } => table.memory(),
            Self::Text { table, .. } | Self::Rows { table, .. } => table.memory(),
        }
    }
}

fn integers(column: &ArrayRef, data_type: &DataType) -> Result<Int64Array> {
    let common = coerce(column, data_type).map_err(from_arrow)?;
    let ticks = arrow_cast::cast(&common, &DataType::Int64).map_err(from_arrow)?;
    Ok(ticks.as_primitive::<Int64Type>().clone())
}

fn bytes(column: &ArrayRef, data_type: &DataType) -> Result<ArrayRef> {
    let common = arrow_cast::cast(column, data_type).map_err(from_arrow)?;
    arrow_cast::cast(&common, &DataType::Binary).map_err(from_arrow)
}

fn too_many_keys() -> Error {
    Error::invalid("the entity rows have more distinct keys than one join takes")
        .with_hint("split the entity rows into several requests")
}

/// Integer keys: a table by value where they lie close together, else by hash.
#[derive(Debug, Default)]
pub(super) struct IntegerTable {
    hasher: DefaultHashBuilder,
    hashed: HashTable<(i64, u32)>,
    /// Numbers of the keys from `least` on.
    dense: Vec<u32>,
    least: i64,
    greatest: i64,
    len: usize,
}

/// Room that a table by value may have per key.
const ROOM_PER_KEY: usize = 8;

impl IntegerTable {
    fn insert(&mut self, key: i64) -> u32 {
        let next = u32::try_from(self.len).unwrap_or(NO_KEY);
        let hasher = &self.hasher;
        let entry = self.hashed.entry(
            hasher.hash_one(key),
            |(known, _)| *known == key,
            |(known, _)| hasher.hash_one(*known),
        );
        let number = entry.or_insert((key, next)).get().1;
        if number == next {
            (self.least, self.greatest) = match self.len {
                0 => (key, key),
                _ => (self.least.min(key), self.greatest.max(key)),
            };
            self.len += 1;
        }
        number
    }

    fn seal(&mut self) {
        let span = self.greatest.abs_diff(self.least);
        if self.len == 0 || span >= (self.len * ROOM_PER_KEY) as u64 {
            return;
        }
        let span = usize::try_from(span).unwrap_or(usize::MAX);
        self.dense = vec![NO_KEY; span + 1];
        for (key, number) in self.hashed.drain() {
            let at = usize::try_from(key.abs_diff(self.least)).unwrap_or(usize::MAX);
            self.dense[at] = number;
        }
        self.hashed.shrink_to(0, |_| 0);
    }

    fn find_all(&self, keys: &Int64Array, numbers: &mut Vec<u32>) {
        let find = |key: i64| self.find(key);
        match keys.nulls().filter(|nulls| nulls.null_count() > 0) {
            None => numbers.extend(keys.values().iter().map(|&key| find(key))),
            Some(_) => numbers.extend(keys.iter().map(|key| key.map_or(NO_KEY, find))),
        }
    }

    fn find(&self, key: i64) -> u32 {
        if self.dense.is_empty() {
            let found = self.hashed.find(self.hasher.hash_one(key), |(known, _)| *known == key);
            return found.map_or(NO_KEY, |(_, number)| *number);
        }
        // Keys below the least wrap around to far beyond the end.
        #[expect(clippy::cast_sign_loss, reason = "wraps on purpose")]
        let at = key.wrapping_sub(self.least) as u64;
        usize::try_from(at).ok().and_then(|at| self.dense.get(at)).copied().unwrap_or(NO_KEY)
    }

    fn memory(&self) -> usize {
        self.hashed.allocation_size() + self.dense.capacity() * size_of::<u32>()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn numbers(inserted: &[i64], wanted: &[Option<i64>]) -> Vec<u32> {
        let mut index = KeyIndex::new(&[DataType::Int64]).unwrap();
        let column: ArrayRef = Arc::new(Int64Array::from(inserted.to_vec()));
        index.insert(&[column], inserted.len(), &mut Vec::new()).unwrap();
        index.seal();
        let column: ArrayRef = Arc::new(Int64Array::from(wanted.to_vec()));
        let mut found = Vec::new();
        index.find(&[column], wanted.len(), &mut found).unwrap();
        found
    }

    #[test]
    fn integers_are_found_wherever_they_lie() {
        let strange = [None, Some(i64::MIN), Some(i64::MAX), Some(0), Some(-6), Some(5)];
        for inserted in [&[-5, 4, -5, 3][..], &[i64::MIN, i64::MAX, 0], &[], &[7]] {
            let mut distinct: Vec<i64> = Vec::new();
            for key in inserted {
                if !distinct.contains(key) {
                    distinct.push(*key);
                }
            }
            let wanted: Vec<_> = inserted.iter().copied().map(Some).chain(strange).collect();
            let expected: Vec<u32> = wanted
                .iter()
                .map(|key| distinct.iter().position(|known| Some(*known) == *key))
                .map(|place| place.map_or(NO_KEY, |place| u32::try_from(place).unwrap()))
                .collect();
            assert_eq!(numbers(inserted, &wanted), expected, "{inserted:?}");
        }
    }
}
