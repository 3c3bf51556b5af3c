//! Entity rows from a CSV file.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Seek};
use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_csv::ReaderBuilder;
use arrow_csv::reader::Format;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use larder_core::{Error, ErrorKind, Result};

use crate::historical::OpenView;

/// Reads a file with a header; join keys get the type of the first view's source, other columns the type that all
/// their values have.
pub(super) fn read(path: &Path, views: &[OpenView]) -> Result<(SchemaRef, Vec<RecordBatch>)> {
    let shown = path.display();
    let file = File::open(path).map_err(|error| unopened(path, error))?;
    let mut reader = BufReader::new(file);
    let format = Format::default().with_header(true);
    let malformed = |error: arrow_schema::ArrowError| {
        Error::invalid(format!("{shown} is no CSV file with a header")).with_source(error)
    };
    let (inferred, _) = format.infer_schema(&mut reader, None).map_err(malformed)?;
    reader.rewind().map_err(|error| unopened(path, error))?;
    let schema = Arc::new(typed(&inferred, &key_types(views)));
    let rows = ReaderBuilder::new(Arc::clone(&schema)).with_header(true).build_buffered(reader);
    let rows = rows.and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(malformed)?;
    Ok((schema, rows))
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
