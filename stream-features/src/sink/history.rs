//! All rows of a view as a Parquet file, for training.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, TimestampMicrosecondArray};
use arrow_schema::{Field as ArrowField, Schema};
use async_trait::async_trait;
use larder_core::{Error, ErrorKind, FeatureView, Field, Result, Value};
use larder_proto::convert::{cast_value, decode_column, encode_value};
use parquet::arrow::ArrowWriter;

use super::{Sink, failed};
use crate::definition::RowSchema;
use crate::operator::{Change, OutputRow, decode_key};

/// Column of the event time.
const EVENT_TIMESTAMP: &str = "event_timestamp";

/// Keeps the last version of every row and writes all of them, in order of event time, when the run ends: a batch source
/// with the columns of the view and `event_timestamp`. The file appears whole or not at all.
#[derive(Debug)]
pub struct HistoryFile {
    path: PathBuf,
    keys: Vec<Field>,
    features: Vec<(usize, Field)>,
    rows: BTreeMap<(i64, Vec<u8>), OutputRow>,
}

impl HistoryFile {
    /// The rows of this shape for a view that was found fit.
    pub fn new(path: &Path, view: &FeatureView, row: &RowSchema) -> Self {
        let key = |name: &str| view.entity_columns.iter().find(|key| key.name == name).cloned();
        Self {
            path: path.to_owned(),
            keys: row.key.iter().filter_map(|field| key(&field.name)).collect(),
            features: super::online::features(view, row),
            rows: BTreeMap::new(),
        }
    }

    fn batch(&self) -> Result<RecordBatch> {
        let mut rows: Vec<&OutputRow> = self.rows.values().collect();
        rows.sort_by(|a, b| a.time.cmp(&b.time).then_with(|| a.key.cmp(&b.key)));
        let keys = rows.iter().map(|row| decode_key(&row.key)).collect::<Result<Vec<_>>>()?;
        let mut columns: Vec<(String, ArrayRef)> = Vec::new();
        for (at, field) in self.keys.iter().enumerate() {
            let values = keys.iter().map(|key| key.get(at).cloned().unwrap_or_default());
            columns.push((field.name.clone(), column(field, values)?));
        }
        let times: TimestampMicrosecondArray = rows.iter().map(|row| Some(row.time)).collect();
        columns.push((EVENT_TIMESTAMP.to_owned(), Arc::new(times.with_timezone("UTC"))));
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

    fn store(&self) -> Result<()> {
        let batch = self.batch()?;
        let part = self.path.with_extension("part");
        let io = |error| failed(&self.path, error);
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder).map_err(io)?;
        }
        let parquet = |error: parquet::errors::ParquetError| {
            Error::new(ErrorKind::Unavailable, format!("{} cannot be written", part.display()))
                .with_source(error)
        };
        let file = File::create(&part).map_err(io)?;
        let mut writer = ArrowWriter::try_new(file, batch.schema(), None).map_err(parquet)?;
        writer.write(&batch).map_err(parquet)?;
        writer.into_inner().map_err(parquet)?.sync_all().map_err(io)?;
        std::fs::rename(&part, &self.path).map_err(io)
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

#[async_trait]
impl Sink for HistoryFile {
    async fn write(&mut self, rows: &[OutputRow]) -> Result<()> {
        for row in rows {
            let at = (row.result, row.key.clone());
            match row.change {
                Change::Insert | Change::Replace => self.rows.insert(at, row.clone()),
                Change::Withdraw => self.rows.remove(&at),
            };
        }
        Ok(())
    }

    async fn finish(&mut self) -> Result<()> {
        self.store()
    }
}
