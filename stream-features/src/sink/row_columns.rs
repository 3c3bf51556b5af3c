//! Rows of a view as columns of a Parquet file.

use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, TimestampMicrosecondArray};
use arrow_schema::{Field as ArrowField, Schema};
use larder_core::{Error, FeatureView, Field, Result, Value};
use larder_proto::convert::{cast_value, decode_column, encode_value};
use parquet::arrow::ArrowWriter;

use super::failed;
use crate::checkpoint::put_file;
use crate::definition::RowSchema;
use crate::operator::{OutputRow, decode_key};

/// Column of the event time.
const EVENT_TIMESTAMP: &str = "event_timestamp";

/// Column that says which of several rows of a key and event time is the latest.
const CREATED_TIMESTAMP: &str = "created_timestamp";

/// The columns of a view that a job computes.
#[derive(Debug)]
pub(super) struct RowColumns {
    keys: Vec<Field>,
    /// Positions of the row's values with the features that they are.
    features: Vec<(usize, Field)>,
}

impl RowColumns {
    /// The columns of rows of this shape for a view that was found fit.
    pub(super) fn new(view: &FeatureView, row: &RowSchema) -> Self {
        let key = |name: &str| view.entity_columns.iter().find(|key| key.name == name).cloned();
        Self {
            keys: row.key.iter().filter_map(|field| key(&field.name)).collect(),
            features: super::online::features(view, row),
        }
    }

    fn batch(&self, rows: &[&OutputRow], created: Option<&[i64]>) -> Result<RecordBatch> {
        let keys = rows.iter().map(|row| decode_key(&row.key)).collect::<Result<Vec<_>>>()?;
        let mut columns: Vec<(String, ArrayRef)> = Vec::new();
        for (at, field) in self.keys.iter().enumerate() {
            let values = keys.iter().map(|key| key.get(at).cloned().unwrap_or_default());
            columns.push((field.name.clone(), column(field, values)?));
        }
        let mut put_times = |name: &str, times: TimestampMicrosecondArray| {
            columns.push((name.to_owned(), Arc::new(times.with_timezone("UTC"))));
        };
        put_times(EVENT_TIMESTAMP, rows.iter().map(|row| Some(row.time)).collect());
        if let Some(created) = created {
            put_times(CREATED_TIMESTAMP, created.iter().copied().map(Some).collect());
        }
        for (at, field) in &self.features {
            let values = rows.iter().map(|row| row.values[*at].clone());
            columns.push((field.name.clone(), column(field, values)?));
        }
        let fields: Vec<ArrowField> = columns
            .iter()
            .map(|(name, array)| ArrowField::new(name, array.data_type().clone(), true))
            .collect();
        let arrays = columns.into_iter().map(|(_, array)| array).collect();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
            .map_err(|error| Error::internal("the columns of a history").with_source(error))
    }

    /// Writes rows in this order, with the times at which they were made where they are given. The file appears whole or
    /// not at all, and is on the disk then.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be written.
    pub(super) fn store(
        &self,
        path: &Path,
        rows: &[&OutputRow],
        created: Option<&[i64]>,
    ) -> Result<()> {
        let bytes = self.encode(rows, created)?;
        put_file(path, &bytes).map_err(|error| failed(path, error))
    }

    /// The bytes of a Parquet file with rows in this order, and the times at which they were made where they are given.
    pub(super) fn encode(&self, rows: &[&OutputRow], created: Option<&[i64]>) -> Result<Vec<u8>> {
        let batch = self.batch(rows, created)?;
        let failed = |error: parquet::errors::ParquetError| {
            Error::internal("rows as Parquet").with_source(error)
        };
        let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).map_err(failed)?;
        writer.write(&batch).map_err(failed)?;
        writer.into_inner().map_err(failed)
    }
}

fn column(field: &Field, values: impl Iterator<Item = Value>) -> Result<ArrayRef> {
    let mut cells = Vec::new();
    for value in values {
        let mut bytes = Vec::new();
        encode_value(&cast_value(value, field.value_type)?, &mut bytes)?;
        cells.push(bytes);
    }
    decode_column(field.value_type, cells.iter().map(|bytes| Some(bytes.as_slice())))
}
