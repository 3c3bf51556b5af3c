//! Entity rows from a file of text: CSV, or JSON objects one a line.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_csv::reader::Format;
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use datafusion::common::runtime::SpawnedTask;
use larder_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value};

use super::gathered::Gathered;
use super::table::EntityTable;
use crate::engine::DataFusionOfflineStore;
use crate::historical::OpenView;

/// Formats of text.
#[derive(Debug, Clone, Copy)]
pub(super) enum TextFormat {
    /// With a header; an empty field is null.
    Csv,
    /// One object a line; a missing member is null.
    JsonLines,
}

impl TextFormat {
    /// The format that a file's name tells.
    pub(super) fn of_name(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "csv" => Some(Self::Csv),
            "jsonl" | "ndjson" | "json" => Some(Self::JsonLines),
            _ => None,
        }
    }

    /// Reads a file; join keys get the type of the first view's source, other columns the type that all their
    /// values have. `time` names the event time column if the caller knows it, and `limit` is what the join may hold.
    ///
    /// # Errors
    /// `Invalid` for a file that is not of this format or has no times, otherwise as opening it.
    pub(super) async fn read(
        self,
        engine: &DataFusionOfflineStore,
        path: PathBuf,
        views: &[OpenView],
        time: Option<&str>,
        limit: usize,
    ) -> Result<EntityTable> {
        let (keys, time) = (key_types(views), time.map(str::to_owned));
        let runtime = engine.runtime_within(limit)?;
        let read = move || {
            self.gather(&path, &keys, |schema| {
                Gathered::new(schema, time.as_deref(), limit, &runtime.memory_pool)
            })
        };
        let done = SpawnedTask::spawn_blocking(read).join().await;
        done.map_err(|error| Error::internal("a worker ended early").with_source(error))?
    }

    /// Goes over the file twice: no type is known before the last row.
    fn gather(
        self,
        path: &Path,
        keys: &HashMap<String, DataType>,
        begin: impl FnOnce(&Schema) -> Result<Gathered>,
    ) -> Result<EntityTable> {
        let unopened = |error| unopened(path, error);
        let malformed = |error| self.malformed(path, error);
        let mut reader = BufReader::new(File::open(path).map_err(unopened)?);
        let mut inferred = self.infer(&mut reader).map_err(malformed)?;
        reader.rewind().map_err(unopened)?;
        if let Self::JsonLines = self {
            inferred = in_order_of_the_first(&mut reader, &inferred).map_err(unopened)?;
            reader.rewind().map_err(unopened)?;
        }
        let schema = Arc::new(typed(&inferred, keys));
        let mut rows = begin(&schema)?;
        for batch in self.batches(reader, schema).map_err(malformed)? {
            rows.add(&batch.map_err(malformed)?)?;
        }
        rows.finish()
    }

    fn infer(self, reader: &mut BufReader<File>) -> Result<Schema, ArrowError> {
        match self {
            Self::Csv => Ok(Format::default().with_header(true).infer_schema(reader, None)?.0),
            Self::JsonLines => Ok(arrow_json::reader::infer_json_schema(reader, None)?.0),
        }
    }

    fn batches(
        self,
        reader: BufReader<File>,
        schema: SchemaRef,
    ) -> Result<Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>>>, ArrowError> {
        Ok(match self {
            Self::Csv => {
                let rows = arrow_csv::ReaderBuilder::new(schema).with_header(true);
                Box::new(rows.build_buffered(reader)?)
            }
            Self::JsonLines => {
                let rows = arrow_json::ReaderBuilder::new(schema).with_coerce_primitive(true);
                Box::new(rows.build(reader)?)
            }
        })
    }

    fn malformed(self, path: &Path, error: ArrowError) -> Error {
        let shown = path.display();
        let message = match self {
            Self::Csv => format!("{shown} is no CSV file with a header"),
            Self::JsonLines => format!("{shown} is no file of JSON objects, one a line"),
        };
        Error::invalid(message).with_source(error)
    }
}

/// Inferred columns have no order: those of the first object come as it has them, then the others by name.
fn in_order_of_the_first(
    reader: &mut BufReader<File>,
    inferred: &Schema,
) -> std::io::Result<Schema> {
    let mut first = String::new();
    while first.trim().is_empty() && reader.read_line(&mut first)? > 0 {}
    let first: Map<String, Value> = serde_json::from_str(&first).unwrap_or_default();
    let place =
        |field: &Field| first.keys().position(|name| name == field.name()).unwrap_or(first.len());
    let mut fields: Vec<_> = inferred.fields().iter().cloned().collect();
    fields.sort_by_key(|field| (place(field), field.name().clone()));
    Ok(Schema::new(fields))
}

fn unopened(path: &Path, error: std::io::Error) -> Error {
    let kind = match error.kind() {
        std::io::ErrorKind::NotFound => ErrorKind::NotFound,
        std::io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
        _ => ErrorKind::Unavailable,
    };
    Error::new(kind, format!("cannot read the entity rows in {}", path.display()))
        .with_source(error)
}

fn key_types(views: &[OpenView]) -> HashMap<String, DataType> {
    let mut types = HashMap::new();
    for open in views {
        for (key, field) in open.view.join_keys.iter().zip(open.key_fields()) {
            types.entry(key.entity_column.clone()).or_insert_with(|| field.data_type().clone());
        }
    }
    types
}

fn typed(inferred: &Schema, keys: &HashMap<String, DataType>) -> Schema {
    let fields = inferred.fields().iter().map(|field| {
        let data_type = match (keys.get(field.name()), field.data_type()) {
            (Some(key), _) => key.clone(),
            // A column without any value.
            (None, DataType::Null) => DataType::Utf8,
            (None, other) => other.clone(),
        };
        Field::new(field.name(), data_type, true)
    });
    Schema::new(fields.collect::<Vec<_>>())
}
