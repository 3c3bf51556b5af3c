//! The event timestamp column of a source that names none.

use arrow_schema::DataType;
use larder_core::{DataSource, Error, Result, SourceKind};

use super::SourceSchemas;

/// The source whose timestamp column is open: the source itself, or the batch source of a push source.
pub(super) fn open_source(source: &DataSource) -> Option<&DataSource> {
    let source = match source.kind {
        SourceKind::Request { .. } => return None,
        SourceKind::Push => source.batch_source.as_deref()?,
        _ => source,
    };
    source.timestamp_field.is_empty().then_some(source)
}

/// Names the only timestamp column. Other types of sources must name theirs (Feast asks the warehouse, which Larder
/// cannot reach).
pub(super) fn infer(source: &mut DataSource, schemas: &dyn SourceSchemas) -> Result<()> {
    let Some(open) = open_source(source) else { return Ok(()) };
    if !matches!(open.kind, SourceKind::File { .. }) {
        return Err(Error::invalid(format!(
            "data source \"{}\" needs a timestamp_field",
            open.name
        ))
        .with_hint(format!("the columns of a {} cannot be looked at", open.class_name())));
    }
    let schema = schemas.schema(open)?;
    let columns: Vec<&String> = schema
        .fields()
        .iter()
        .filter(|field| matches!(field.data_type(), DataType::Timestamp(..)))
        .map(|field| field.name())
        .collect();
    let name = match columns.as_slice() {
        [only] => (*only).clone(),
        [] => {
            return Err(Error::invalid(format!(
                "data source \"{}\" has no column of a timestamp type",
                open.name
            )));
        }
        many => {
            let names: Vec<_> = many.iter().map(|name| name.as_str()).collect();
            return Err(Error::invalid(format!(
                "data source \"{}\" has several columns of a timestamp type: {}",
                open.name,
                names.join(", ")
            ))
            .with_hint("set timestamp_field"));
        }
    };
    match (&source.kind, &mut source.batch_source) {
        (SourceKind::Push, Some(batch)) => batch.timestamp_field = name,
        _ => source.timestamp_field = name,
    }
    Ok(())
}
