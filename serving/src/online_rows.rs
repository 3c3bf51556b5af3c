//! Rows of a request in the form that the online store takes.

use larder_core::{Catalog, Compat, Error, FeatureView, Field, Result, Timestamp, Value};
use larder_online_store::{ViewTable, WriteRows, WriteRowsBuilder};
use larder_proto::convert::EncodedColumn;
use larder_proto::wire::entity_key::{EntityKeyLayout, EntityKeyVersion, KeyValue};

use crate::ServiceConfig;
use crate::feast_words::{self, FeastWords};
use crate::online::RequestColumn;

/// The number of rows, the same in every column.
///
/// # Errors
/// `Invalid` for columns of different length and for more rows than allowed.
pub(crate) fn row_count(columns: &[RequestColumn], limit: usize) -> Result<usize> {
    let rows = columns.first().map_or(0, |column| column.values.len());
    if let Some(other) = columns.iter().find(|column| column.values.len() != rows) {
        return Err(Error::invalid(format!(
            "column \"{}\" has {} rows, not {rows}",
            other.name,
            other.values.len()
        ))
        .with_hint("all columns of df must have the same length")
        .with_source(FeastWords::bare("All arrays must be of the same length")));
    }
    if rows > limit {
        return Err(Error::invalid(format!("{rows} rows are more than the limit of {limit}"))
            .with_hint("push in smaller batches"));
    }
    Ok(rows)
}

/// The rows of one view as the online store takes them.
///
/// # Errors
/// `Invalid` for a missing column, a value of another type, a missing or unreadable event timestamp.
pub(crate) fn online_rows(
    view: &FeatureView,
    catalog: &Catalog,
    columns: &[RequestColumn],
    rows: usize,
    config: &ServiceConfig,
) -> Result<(ViewTable, WriteRows)> {
    let name = view.table_name(catalog.online_versioning());
    let project = catalog.project().name.as_str();
    let table = ViewTable::of_view(project, name, view, &view.features)?;
    let names: Vec<&str> = view.entity_columns.iter().map(|column| column.name.as_str()).collect();
    let layout =
        EntityKeyLayout::new(EntityKeyVersion::from_number(config.entity_key_version), &names)?;
    if config.compat == Compat::Feast {
        feast_words::refuse_texts_for_times(view, columns)?;
    }
    let keys = typed_columns(view, columns, &view.entity_columns, rows)?;
    let features = encoded_columns(view, columns, &view.features, rows)?;
    let events = event_timestamps(view, columns)?;
    let created = created_timestamps(view, columns)?;
    let created = |row: usize| created.as_ref().and_then(|column| column[row]);
    let times = |row: usize| (events[row], created(row));
    let write = write_rows(&table, &layout, &keys, &features, times, rows)?;
    Ok((table, write))
}

/// Rows of these keys and features, which the event and created times of each are asked for.
///
/// # Errors
/// `Invalid` for a null key, naming the row, and for values above a limit of the stores.
pub(crate) fn write_rows(
    table: &ViewTable,
    layout: &EntityKeyLayout,
    keys: &[Vec<Value>],
    features: &[EncodedColumn],
    times: impl Fn(usize) -> (Timestamp, Option<Timestamp>),
    rows: usize,
) -> Result<WriteRows> {
    let mut write = WriteRowsBuilder::with_capacity(table, rows);
    let mut key = Vec::new();
    (0..rows).try_for_each(|row| {
        key.clear();
        layout
            .encode_with(|index| KeyValue::new(&keys[index][row]), &mut key)
            .map_err(|error| error.context(format_args!("row {row}")))?;
        let (event, created) = times(row);
        write.begin_row(&key, event.micros(), created.map(Timestamp::micros))?;
        let mut features = features.iter().enumerate();
        features.try_for_each(|(feature, column)| write.set(feature, column.get(row)))
    })?;
    Ok(write.finish())
}

/// Columns of these fields, encoded.
///
/// # Errors
/// As [`online_rows`].
pub(crate) fn encoded_columns(
    view: &FeatureView,
    columns: &[RequestColumn],
    fields: &[Field],
    rows: usize,
) -> Result<Vec<EncodedColumn>> {
    let typed = typed_columns(view, columns, fields, rows)?;
    typed.iter().map(EncodedColumn::of_values).collect()
}

/// Columns of these fields, cast to their types.
///
/// # Errors
/// As [`online_rows`].
pub(crate) fn typed_columns(
    view: &FeatureView,
    columns: &[RequestColumn],
    fields: &[Field],
    rows: usize,
) -> Result<Vec<Vec<Value>>> {
    fields
        .iter()
        .map(|field| match column(columns, view, &field.name) {
            Some(column) => column.values.typed(&field.name, field.value_type),
            // Writes to an entityless view are looked up under the dummy key, whatever came with them.
            None if field.name == larder_core::DUMMY_JOIN_KEY => Ok(vec![Value::from(""); rows]),
            None => Err(Error::invalid(format!(
                "column \"{}\" of feature view \"{}\" is missing",
                field.name, view.name
            ))
            .with_hint("df needs every join key, every feature and the event timestamp")),
        })
        .collect()
}

/// The column of this name, under its name in the view or in the source.
fn column<'a>(
    columns: &'a [RequestColumn],
    view: &FeatureView,
    name: &str,
) -> Option<&'a RequestColumn> {
    let by_name = |wanted: &str| columns.iter().find(|column| column.name == wanted);
    by_name(name).or_else(|| {
        let mapping = &view.batch_source.as_ref()?.field_mapping;
        mapping.iter().find(|(_, feature)| *feature == name).and_then(|(source, _)| by_name(source))
    })
}

fn event_timestamps(view: &FeatureView, columns: &[RequestColumn]) -> Result<Vec<Timestamp>> {
    let name = view
        .batch_source
        .as_ref()
        .map_or("event_timestamp", |source| source.timestamp_field.as_str());
    let found = column(columns, view, name).ok_or_else(|| {
        Error::invalid(format!(
            "event timestamp column \"{name}\" of feature view \"{}\" is missing",
            view.name
        ))
        .with_source(FeastWords::key_error(&format!("Field \"{name}\" does not exist in schema")))
    })?;
    found
        .instants()?
        .into_iter()
        .enumerate()
        .map(|(row, time)| {
            time.ok_or_else(|| {
                Error::invalid(format!("column \"{name}\", row {row}: no event timestamp"))
            })
        })
        .collect()
}

fn created_timestamps(
    view: &FeatureView,
    columns: &[RequestColumn],
) -> Result<Option<Vec<Option<Timestamp>>>> {
    let name =
        view.batch_source.as_ref().map_or("", |source| source.created_timestamp_column.as_str());
    column(columns, view, name).map(RequestColumn::instants).transpose()
}
