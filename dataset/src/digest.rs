//! Content hashes of columns.

use std::fmt;

use arrow_array::{Array as _, RecordBatch};
use arrow_row::{RowConverter, SortField};
use arrow_schema::{ArrowError, Schema};
use larder_core::{Error, Result};
use ring::digest::{Context, SHA256};

/// SHA-256 of bytes, in hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex::encode(ring::digest::digest(&SHA256, bytes))
}

/// What is known of a column after its last row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnDigest {
    /// SHA-256 of its values in the order of the rows.
    pub digest: String,
    /// Rows without a value.
    pub nulls: u64,
}

/// Digests of columns whose rows come in batches; how they are cut does not matter.
pub struct Digests(Vec<Running>);

struct Running {
    encoder: RowConverter,
    digest: Context,
    nulls: u64,
}

impl Digests {
    /// Digests of no row yet.
    ///
    /// # Errors
    /// `Unsupported` for a type that has no order.
    pub fn new(schema: &Schema) -> Result<Self> {
        let running = schema.fields().iter().map(|field| {
            let encoder = RowConverter::new(vec![SortField::new(field.data_type().clone())]);
            let encoder = encoder.map_err(|error| {
                let (name, data_type) = (field.name(), field.data_type());
                let message = format!("column \"{name}\" is {data_type}, which has no digest");
                Error::unsupported(message).with_source(error)
            })?;
            Ok(Running { encoder, digest: Context::new(&SHA256), nulls: 0 })
        });
        Ok(Self(running.collect::<Result<_>>()?))
    }

    /// Adds rows.
    ///
    /// # Errors
    /// `Internal` for rows of another schema.
    pub fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        self.encode(batch)
            .map_err(|error| Error::internal("rows have no digest").with_source(error))
    }

    fn encode(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        let mut bytes = Vec::new();
        for (running, column) in self.0.iter_mut().zip(batch.columns()) {
            let rows = running.encoder.convert_columns(std::slice::from_ref(column))?;
            bytes.clear();
            rows.iter().for_each(|row| bytes.extend_from_slice(row.as_ref()));
            running.digest.update(&bytes);
            running.nulls += column.logical_null_count() as u64;
        }
        Ok(())
    }

    /// The digests, column by column.
    pub fn finish(self) -> Vec<ColumnDigest> {
        let finish = |running: Running| ColumnDigest {
            digest: hex::encode(running.digest.finish()),
            nulls: running.nulls,
        };
        self.0.into_iter().map(finish).collect()
    }
}

impl fmt::Debug for Digests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Digests").field("columns", &self.0.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Float64Array, StringArray};

    use super::*;

    fn digests(batches: &[RecordBatch]) -> Vec<ColumnDigest> {
        let mut digests = Digests::new(&batches[0].schema()).unwrap();
        for batch in batches {
            digests.add(batch).unwrap();
        }
        digests.finish()
    }

    fn rows(names: &[Option<&str>], numbers: &[Option<f64>]) -> RecordBatch {
        let names: ArrayRef = Arc::new(StringArray::from(names.to_vec()));
        let numbers: ArrayRef = Arc::new(Float64Array::from(numbers.to_vec()));
        RecordBatch::try_from_iter_with_nullable([("name", names, true), ("n", numbers, true)])
            .unwrap()
    }

    #[test]
    fn batches_may_be_cut_anywhere() {
        let all = rows(&[Some("a"), None, Some("")], &[Some(1.0), Some(2.0), None]);
        let whole = digests(std::slice::from_ref(&all));
        assert_eq!(digests(&[all.slice(0, 1), all.slice(1, 0), all.slice(1, 2)]), whole);
        assert_eq!(whole.iter().map(|column| column.nulls).collect::<Vec<_>>(), [1, 1]);
    }

    #[test]
    fn each_column_has_a_digest_of_its_own_that_sees_order_and_nulls() {
        let one = digests(&[rows(&[Some("a"), Some("b")], &[Some(1.0), None])]);
        let swapped = digests(&[rows(&[Some("b"), Some("a")], &[Some(1.0), None])]);
        assert_ne!(one[0], swapped[0]);
        assert_eq!(one[1], swapped[1]);
        let zero = digests(&[rows(&[Some("a"), Some("b")], &[Some(1.0), Some(0.0)])]);
        assert_ne!(one[1].digest, zero[1].digest);
    }
}
