//! Join keys of entity rows, found by those of feature rows.

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use arrow_schema::DataType;
use larder_core::{Error, Result};

use super::integer_keys::IntegerKeys;
use super::keys::coerce;
use super::{KeyEncoder, KeyTable};
use crate::failure::from_arrow;

/// The number of a row without a key, or with one that no entity row has.
pub(super) const NO_KEY: u32 = u32::MAX;

/// Numbers of the distinct keys of entity rows.
#[derive(Debug)]
pub(super) enum KeyIndex {
    /// No key columns: every row has the one key there is.
    Single,
    /// One column of integers or times.
    Integers { data_type: DataType, keys: IntegerKeys },
    /// One column of text or bytes.
    Text { data_type: DataType, table: KeyTable },
    /// Anything else.
    Rows { encoder: KeyEncoder, table: KeyTable },
}

impl KeyIndex {
    /// Numbers the keys of rows, which have these columns and no others and are compared in these types; also the number
    /// of each row's key.
    ///
    /// # Errors
    /// `Invalid` when there are more keys than numbers.
    pub(super) fn build(types: &[DataType], rows: &[RecordBatch]) -> Result<(Self, Vec<u32>)> {
        let count = rows.iter().map(RecordBatch::num_rows).sum();
        let mut numbers = Vec::with_capacity(count);
        let index = match types {
            [] => {
                numbers.resize(count, 0);
                Self::Single
            }
            [data_type @ (DataType::Int64 | DataType::Timestamp(..))] => {
                let columns = rows.iter().map(|rows| integers(rows.column(0), data_type));
                let columns = columns.collect::<Result<Vec<_>>>()?;
                let keys = IntegerKeys::number(&columns, &mut numbers);
                Self::Integers { data_type: data_type.clone(), keys }
            }
            [data_type @ (DataType::Utf8 | DataType::Binary)] => {
                let mut table = KeyTable::default();
                for rows in rows {
                    let keys = bytes(rows.column(0), data_type)?;
                    let mut insert = |key| table.insert(key);
                    let keys = keys.as_binary::<i32>().iter();
                    numbers.extend(keys.map(|key| key.and_then(&mut insert).unwrap_or(NO_KEY)));
                }
                Self::Text { data_type: data_type.clone(), table }
            }
            _ => {
                let encoder = KeyEncoder::new(types.to_vec()).map_err(from_arrow)?;
                let mut table = KeyTable::default();
                for rows in rows {
                    let keys = encoder.encode(rows.columns()).map_err(from_arrow)?;
                    let key = |row: usize| (!keys.has_null(row)).then(|| keys.bytes(row));
                    let mut insert =
                        |row| key(row).and_then(|key| table.insert(key)).unwrap_or(NO_KEY);
                    numbers.extend((0..rows.num_rows()).map(&mut insert));
                }
                Self::Rows { encoder, table }
            }
        };
        let used_up = matches!(&index, Self::Text { table, .. } | Self::Rows { table, .. } if table.is_full());
        if used_up { Err(too_many_keys()) } else { Ok((index, numbers)) }
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
            Self::Integers { data_type, keys } => {
                keys.find(&integers(&columns[0], data_type)?, numbers);
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

    /// One more than the greatest number; not every number below has a key.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Single => 1,
            Self::Integers { keys, .. } => keys.len(),
            Self::Text { table, .. } | Self::Rows { table, .. } => table.len(),
        }
    }

    /// Bytes held.
    pub(super) fn memory(&self) -> usize {
        match self {
            Self::Single => 0,
            Self::Integers { keys, .. } => keys.memory(),
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
