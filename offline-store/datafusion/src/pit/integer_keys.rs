//! Keys that are integers.

use std::hash::BuildHasher;

use arrow_array::{Array, Int64Array};
use hashbrown::{DefaultHashBuilder, HashTable};

use super::key_index::NO_KEY;

/// Numbers of integer keys.
#[derive(Debug)]
pub(super) enum IntegerKeys {
    /// A key's number is how far it lies above the least; not every number has a key.
    Close { least: i64, numbers: u32 },
    /// By hash, numbered as they come.
    Scattered { hasher: DefaultHashBuilder, table: HashTable<(i64, u32)> },
}

/// Keys are numbered by value while there are at most this many numbers per row.
const NUMBERS_PER_ROW: u64 = 4;

impl IntegerKeys {
    /// Numbers the keys of rows, and appends the number of each row's key.
    pub(super) fn number(columns: &[Int64Array], numbers: &mut Vec<u32>) -> Self {
        let values = || columns.iter().flat_map(|column| column.iter().flatten());
        let rows: usize = columns.iter().map(Array::len).sum();
        let range = values().fold(None, |range: Option<(i64, i64)>, key| {
            Some(range.map_or((key, key), |(least, greatest)| (least.min(key), greatest.max(key))))
        });
        let (least, greatest) = range.unwrap_or((0, 0));
        let span = greatest.abs_diff(least);
        let keys = match u32::try_from(span) {
            Ok(span) if u64::from(span) < NUMBERS_PER_ROW * rows as u64 && span < NO_KEY - 1 => {
                Self::Close { least, numbers: span + 1 }
            }
            _ => Self::scattered(values()),
        };
        for column in columns {
            keys.find(column, numbers);
        }
        keys
    }

    fn scattered(values: impl Iterator<Item = i64>) -> Self {
        let hasher = DefaultHashBuilder::default();
        let mut table: HashTable<(i64, u32)> = HashTable::new();
        for key in values {
            let next = u32::try_from(table.len()).unwrap_or(NO_KEY);
            let same = |(known, _): &(i64, u32)| *known == key;
            let rehash = |(known, _): &(i64, u32)| hasher.hash_one(*known);
            table.entry(hasher.hash_one(key), same, rehash).or_insert((key, next));
        }
        Self::Scattered { hasher, table }
    }

    /// Appends the number of each key.
    pub(super) fn find(&self, keys: &Int64Array, numbers: &mut Vec<u32>) {
        match self {
            Self::Close { least, numbers: count } => {
                extend(numbers, keys, |key| close(key, *least, *count));
            }
            Self::Scattered { hasher, table } => extend(numbers, keys, |key| {
                let found = table.find(hasher.hash_one(key), |(known, _)| *known == key);
                found.map_or(NO_KEY, |(_, number)| *number)
            }),
        }
    }

    /// One more than the greatest number.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Close { numbers, .. } => *numbers as usize,
            Self::Scattered { table, .. } => table.len(),
        }
    }

    /// Bytes held.
    pub(super) fn memory(&self) -> usize {
        match self {
            Self::Close { .. } => 0,
            Self::Scattered { table, .. } => table.allocation_size(),
        }
    }
}

fn close(key: i64, least: i64, count: u32) -> u32 {
    // Keys below the least wrap around to far beyond the last.
    #[expect(clippy::cast_sign_loss, reason = "wraps on purpose")]
    let above = key.wrapping_sub(least) as u64;
    #[expect(clippy::cast_possible_truncation, reason = "less than a count of 32 bits")]
    if above < u64::from(count) { above as u32 } else { NO_KEY }
}

fn extend(numbers: &mut Vec<u32>, keys: &Int64Array, find: impl Fn(i64) -> u32) {
    match keys.nulls().filter(|nulls| nulls.null_count() > 0) {
        None => numbers.extend(keys.values().iter().map(|&key| find(key))),
        Some(_) => numbers.extend(keys.iter().map(|key| key.map_or(NO_KEY, &find))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(keys: &IntegerKeys, wanted: &[Option<i64>]) -> Vec<u32> {
        let mut numbers = Vec::new();
        keys.find(&Int64Array::from(wanted.to_vec()), &mut numbers);
        numbers
    }

    #[test]
    fn every_key_has_a_number_of_its_own_wherever_it_lies() {
        let extremes = [i64::MIN, i64::MAX, 0];
        for inserted in [&[-5, 4, -5, 3][..], &extremes, &[], &[7], &[7, 7 + 8], &[7, 7 + 7]] {
            let columns = [Int64Array::from(inserted.to_vec()), Int64Array::new_null(1)];
            let mut of_rows = Vec::new();
            let keys = IntegerKeys::number(&columns, &mut of_rows);
            assert_eq!(of_rows.pop(), Some(NO_KEY), "null has no key");
            let wanted: Vec<_> = inserted.iter().copied().map(Some).collect();
            assert_eq!(numbers(&keys, &wanted), of_rows, "{inserted:?}");
            for (a, left) in inserted.iter().zip(&of_rows) {
                assert!((*left as usize) < keys.len(), "{inserted:?}");
                for (b, right) in inserted.iter().zip(&of_rows) {
                    assert_eq!(a == b, left == right, "{inserted:?}");
                }
            }
        }
    }

    #[test]
    fn no_other_key_is_found() {
        for inserted in [&[-5, 4, 3][..], &[-5, 1 << 40]] {
            let columns = [Int64Array::from(inserted.to_vec())];
            let keys = IntegerKeys::number(&columns, &mut Vec::new());
            let strange = [None, Some(i64::MIN), Some(i64::MAX), Some(-6), Some(5)];
            assert_eq!(numbers(&keys, &strange), [NO_KEY; 5], "{inserted:?}");
        }
    }
}
