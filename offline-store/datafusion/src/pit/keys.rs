//! Join keys of several columns as bytes.

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{Array, ArrayRef, Int64Array};
use arrow_row::{RowConverter, Rows, SortField};
use arrow_schema::{ArrowError, DataType, TimeUnit};
use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher;
use std::sync::Arc;

use crate::source::plain_type;

/// The type in which keys of two types are compared, `None` when they never can be equal.
///
/// Integers compare by value whatever their width, and with floats too (pandas turns integer keys with nulls into
/// floats); times compare as instants.
pub(crate) fn common_key_type(a: &DataType, b: &DataType) -> Option<DataType> {
    let (a, b) = (plain_type(a), plain_type(b));
    if a == DataType::Null || b == DataType::Null {
        return Some(key_type(&if a == DataType::Null { b } else { a }));
    }
    if (a.is_integer() && b.is_floating()) || (a.is_floating() && b.is_integer()) {
        return Some(DataType::Int64);
    }
    match (key_type(&a), key_type(&b)) {
        (DataType::UInt64, DataType::Int64) | (DataType::Int64, DataType::UInt64) => {
            Some(DataType::Int64)
        }
        (DataType::Timestamp(a, _), DataType::Timestamp(b, _)) => Some(instant(a.max(b))),
        (a, b) => (a == b).then_some(a),
    }
}

/// The widest type of the same kind.
fn key_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::UInt64 => DataType::UInt64,
        integer if integer.is_integer() => DataType::Int64,
        float if float.is_floating() => DataType::Float64,
        DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8,
        DataType::Binary | DataType::LargeBinary | DataType::FixedSizeBinary(_) => DataType::Binary,
        DataType::Timestamp(unit, _) => instant(*unit),
        DataType::Date32 => instant(TimeUnit::Second),
        DataType::Date64 => instant(TimeUnit::Millisecond),
        other => other.clone(),
    }
}

fn instant(unit: TimeUnit) -> DataType {
    DataType::Timestamp(unit, Some(Arc::from("UTC")))
}

/// Turns key columns into bytes that are equal exactly when the keys are.
#[derive(Debug)]
pub(crate) struct KeyEncoder {
    types: Vec<DataType>,
    converter: RowConverter,
}

/// The keys of one batch.
#[derive(Debug)]
pub(crate) struct EncodedKeys {
    rows: Rows,
    columns: Vec<ArrayRef>,
}

impl KeyEncoder {
    /// An encoder that compares its columns in these types.
    pub(crate) fn new(types: Vec<DataType>) -> Result<Self, ArrowError> {
        let fields = types.iter().cloned().map(SortField::new).collect();
        Ok(Self { converter: RowConverter::new(fields)?, types })
    }

    /// Encodes the keys of a batch. A value that the common type cannot hold becomes null, which equals no key there is.
    pub(crate) fn encode(&self, columns: &[ArrayRef]) -> Result<EncodedKeys, ArrowError> {
        let columns = columns.iter().zip(&self.types);
        let columns = columns.map(|(column, data_type)| coerce(column, data_type));
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let rows = if columns.is_empty() {
            self.converter.empty_rows(0, 0)
        } else {
            self.converter.convert_columns(&columns)?
        };
        Ok(EncodedKeys { rows, columns })
    }
}

impl EncodedKeys {
    /// The bytes of a key; without key columns the same for every row.
    pub(crate) fn bytes(&self, row: usize) -> &[u8] {
        if self.columns.is_empty() { &[] } else { self.rows.row(row).data() }
    }

    /// Whether any column of the key is null.
    pub(crate) fn has_null(&self, row: usize) -> bool {
        self.columns.iter().any(|column| column.is_null(row))
    }
}

/// A column in the type in which keys are compared.
pub(super) fn coerce(column: &ArrayRef, data_type: &DataType) -> Result<ArrayRef, ArrowError> {
    if column.data_type().is_floating() && data_type.is_integer() {
        let floats = arrow_cast::cast(column, &DataType::Float64)?;
        return Ok(Arc::new(whole_numbers(floats.as_primitive::<Float64Type>())));
    }
    arrow_cast::cast(column, data_type)
}

/// Floats as integers, null where the float is none.
fn whole_numbers(floats: &arrow_array::Float64Array) -> Int64Array {
    /// 2^63: one more than the greatest integer.
    const BEYOND: f64 = (1_u64 << 63) as f64;
    let whole = |value: f64| {
        let fits = value.fract() == 0.0 && (-BEYOND..BEYOND).contains(&value);
        #[expect(clippy::cast_possible_truncation, reason = "whole and within the range")]
        fits.then_some(value as i64)
    };
    floats.iter().map(|value| value.and_then(whole)).collect()
}

/// Numbers distinct keys from 0 in the order in which they come.
#[derive(Debug, Default)]
pub(crate) struct KeyTable {
    hasher: DefaultHashBuilder,
    /// Numbers of keys, each with half of the key's hash.
    numbers: HashTable<(u32, u32)>,
    /// All keys one after the other.
    bytes: Vec<u8>,
    /// Where each key ends in `bytes`.
    ends: Vec<usize>,
}

impl KeyTable {
    /// The number of this key, a new one when it is not known yet; `None` when the numbers are used up.
    pub(crate) fn insert(&mut self, key: &[u8]) -> Option<u32> {
        let hash = self.hasher.hash_one(key);
        if let Some(number) = self.find_hashed(hash, key) {
            return Some(number);
        }
        if self.is_full() {
            return None;
        }
        let number = u32::try_from(self.ends.len()).ok()?;
        self.bytes.extend_from_slice(key);
        self.ends.push(self.bytes.len());
        let (hasher, bytes, ends) = (&self.hasher, &self.bytes, &self.ends);
        let rehash = |(number, _): &(u32, u32)| hasher.hash_one(key_at(bytes, ends, *number));
        self.numbers.insert_unique(hash, (number, upper_half(hash)), rehash);
        Some(number)
    }

    /// The number of this key.
    pub(crate) fn find(&self, key: &[u8]) -> Option<u32> {
        self.find_hashed(self.hasher.hash_one(key), key)
    }

    fn find_hashed(&self, hash: u64, key: &[u8]) -> Option<u32> {
        let half = upper_half(hash);
        let same = |(number, known): &(u32, u32)| {
            *known == half && key_at(&self.bytes, &self.ends, *number) == key
        };
        self.numbers.find(hash, same).map(|(number, _)| *number)
    }

    /// The bytes of a key by its number.
    pub(crate) fn key(&self, number: u32) -> &[u8] {
        key_at(&self.bytes, &self.ends, number)
    }

    /// Whether no new key gets a number any more.
    pub(crate) fn is_full(&self) -> bool {
        self.ends.len() >= u32::MAX as usize
    }

    /// How many keys there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Bytes held.
    pub(crate) fn memory(&self) -> usize {
        self.bytes.capacity()
            + self.ends.capacity() * size_of::<usize>()
            + self.numbers.allocation_size()
    }
}

/// The bits of a hash that the place in the table does not depend on.
fn upper_half(hash: u64) -> u32 {
    (hash >> 32) as u32
}

fn key_at<'a>(bytes: &'a [u8], ends: &[usize], number: u32) -> &'a [u8] {
    let number = number as usize;
    let start = number.checked_sub(1).map_or(0, |before| ends[before]);
    &bytes[start..ends[number]]
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{Float64Array, Int32Array, StringArray, UInt64Array};

    fn encoded(columns: &[ArrayRef], types: &[DataType]) -> Vec<Option<Vec<u8>>> {
        let encoder = KeyEncoder::new(types.to_vec()).unwrap();
        let keys = encoder.encode(columns).unwrap();
        (0..columns[0].len())
            .map(|row| (!keys.has_null(row)).then(|| keys.bytes(row).to_vec()))
            .collect()
    }

    #[test]
    fn numbers_of_any_width_are_equal_by_value() {
        let common = common_key_type(&DataType::Int32, &DataType::UInt64).unwrap();
        let narrow: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), Some(-1), None]));
        let wide: ArrayRef = Arc::new(UInt64Array::from(vec![1, u64::MAX, 5]));
        let types = [common];
        let (narrow, wide) = (encoded(&[narrow], &types), encoded(&[wide], &types));
        assert_eq!(narrow[0], wide[0]);
        assert_eq!((&wide[1], &narrow[2]), (&None, &None), "out of range and null are no key");
    }

    #[test]
    fn a_float_equals_an_integer_only_when_it_is_whole() {
        let types = [common_key_type(&DataType::Float64, &DataType::Int32).unwrap()];
        let floats: ArrayRef = Arc::new(Float64Array::from(vec![2.0, 2.5, f64::NAN, 1e300]));
        let integers: ArrayRef = Arc::new(Int32Array::from(vec![2]));
        let floats = encoded(&[floats], &types);
        assert_eq!(floats[0], encoded(&[integers], &types)[0]);
        assert_eq!(floats[1..], [None, None, None]);
    }

    #[test]
    fn columns_do_not_run_into_each_other() {
        let column = |values: [&str; 2]| Arc::new(StringArray::from(values.to_vec())) as ArrayRef;
        let types = [DataType::Utf8, DataType::Utf8];
        let keys = encoded(&[column(["1", "11"]), column(["11", "1"])], &types);
        assert_ne!(keys[0], keys[1]);
    }

    #[test]
    fn text_and_numbers_have_no_common_type() {
        assert_eq!(common_key_type(&DataType::Utf8, &DataType::Int64), None);
        assert_eq!(common_key_type(&DataType::Boolean, &DataType::Int64), None);
    }

    #[test]
    fn a_key_keeps_its_number() {
        let mut table = KeyTable::default();
        for number in 0..1_000_u32 {
            assert_eq!(table.insert(&number.to_be_bytes()), Some(number));
        }
        assert_eq!(table.insert(&7_u32.to_be_bytes()), Some(7));
        assert_eq!(table.find(b"unknown"), None);
        assert_eq!(table.len(), 1_000);
    }
}
