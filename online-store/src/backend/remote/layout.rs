//! What is said to a feature server and what it answers, as Feast's own client does (Feast 0.67, remote).
//!
//! ```text
//! POST /get-online-features    {"features": ["view:feature"], "entities": {key: [..]}, "full_feature_names": true}
//!                              results[i] is the column of metadata.feature_names[i], named view__feature
//! POST /write-to-online-store  {"feature_view_name", "df": {column: [..]}, "allow_registry_cache": false}
//! ```

use larder_core::{Error, Result, Timestamp, Value, ValueType};
use larder_proto::convert::{encode_value, infer_value, parse_timestamp, value_from_json};
use larder_proto::wire::json::{write_str, write_value};
use larder_proto::wire::value::value_case;
use larder_proto::wire::{entity_key, timestamp};
use serde::Deserialize;
use serde_json::Value as Json;

use crate::ViewTable;

/// The join keys of entity keys as columns.
#[derive(Debug)]
pub(super) struct KeyColumns {
    names: Vec<String>,
    /// Row by row.
    values: Vec<Vec<Value>>,
}

impl KeyColumns {
    /// Decodes serialized keys.
    ///
    /// # Errors
    /// `Unsupported` for keys that are not of version 3, which do not say where their names end; `Invalid` for keys of
    /// several entities.
    pub(super) fn decode<'k>(keys: impl IntoIterator<Item = &'k [u8]>) -> Result<Self> {
        let mut columns = Self { names: Vec::new(), values: Vec::new() };
        for key in keys {
            let key = entity_key::decode(key).map_err(|error| {
                Error::unsupported("a remote online store needs entity keys that name their parts")
                    .with_source(error)
                    .with_hint("set entity_key_serialization_version to 3")
            })?;
            if columns.values.is_empty() {
                columns.names = key.join_keys;
            } else if columns.names != key.join_keys {
                return Err(Error::invalid("the entity keys of one call have different names"));
            }
            if key.values.len() != columns.names.len() {
                return Err(Error::invalid(
                    "an entity key has another number of values than names",
                ));
            }
            columns.values.push(key.values);
        }
        Ok(columns)
    }

    /// Appends `"name":[..]` for every join key, separated by commas.
    fn write(&self, out: &mut Vec<u8>) -> Result<()> {
        let mut encoded = Vec::new();
        for (at, name) in self.names.iter().enumerate() {
            begin_column(name, at == 0, out);
            for (row, values) in self.values.iter().enumerate() {
                separate(row == 0, out);
                encoded.clear();
                encode_value(&values[at], &mut encoded)?;
                write_value(&encoded, out)?;
            }
            out.push(b']');
        }
        Ok(())
    }
}

/// The view in references, and before `__` in the names of answered features.
pub(super) fn reference(table: &ViewTable) -> &str {
    table.schema().map_or_else(|| table.view(), |schema| &schema.reference)
}

/// The body of a read of these features (`view:feature`, each once).
pub(super) fn read_body(features: &[String], keys: &KeyColumns) -> Result<Vec<u8>> {
    let mut body = b"{\"features\":[".to_vec();
    for (at, feature) in features.iter().enumerate() {
        separate(at == 0, &mut body);
        write_str(feature, &mut body);
    }
    body.extend_from_slice(b"],\"entities\":{");
    keys.write(&mut body)?;
    body.extend_from_slice(b"},\"full_feature_names\":true}");
    Ok(body)
}

/// A row to write: its times and the bytes of its features.
pub(super) struct Written<'r> {
    pub(super) event: i64,
    pub(super) created: Option<i64>,
    pub(super) values: Vec<&'r [u8]>,
}

/// The body of a write.
pub(super) fn write_body(
    table: &ViewTable,
    keys: &KeyColumns,
    rows: &[Written<'_>],
) -> Result<Vec<u8>> {
    let schema = table.schema();
    let mut body = b"{\"feature_view_name\":".to_vec();
    write_str(schema.map_or_else(|| table.view(), |schema| &schema.name), &mut body);
    body.extend_from_slice(b",\"df\":{");
    keys.write(&mut body)?;
    for (at, feature) in table.features().iter().enumerate() {
        begin_column(&feature.name, false, &mut body);
        for (row, written) in rows.iter().enumerate() {
            separate(row == 0, &mut body);
            transport(written.values[at], &mut body)?;
        }
        body.push(b']');
    }
    let event = schema.map_or("event_timestamp", |schema| &schema.timestamp_column);
    times(event, rows.iter().map(|row| Some(row.event)), &mut body);
    // Feast's client always sends "created"; a view without such a column ignores it.
    let created = schema.map_or(Some("created"), |schema| schema.created_column.as_deref());
    if let Some(created) = created {
        times(created, rows.iter().map(|row| row.created), &mut body);
    }
    body.extend_from_slice(b"},\"allow_registry_cache\":false}");
    Ok(body)
}

/// A value as Feast's client sends it: maps travel as text, or a server in Python would make structs of them.
fn transport(value: &[u8], out: &mut Vec<u8>) -> Result<()> {
    match value_case(value)? {
        Some(ValueType::Map | ValueType::Struct) => write_str(&text(value)?, out),
        Some(ValueType::MapList | ValueType::StructList) => {
            let items: Vec<Json> = serde_json::from_str(&text(value)?).map_err(unreadable)?;
            out.push(b'[');
            for (at, item) in items.iter().enumerate() {
                separate(at == 0, out);
                write_str(&item.to_string(), out);
            }
            out.push(b']');
        }
        _ => write_value(value, out)?,
    }
    Ok(())
}

fn text(value: &[u8]) -> Result<String> {
    let mut json = Vec::new();
    write_value(value, &mut json)?;
    String::from_utf8(json).map_err(unreadable)
}

fn unreadable(cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::internal("a value became invalid JSON").with_source(cause)
}

fn times(name: &str, column: impl Iterator<Item = Option<i64>>, out: &mut Vec<u8>) {
    begin_column(name, false, out);
    for (row, micros) in column.enumerate() {
        separate(row == 0, out);
        match micros {
            Some(micros) => {
                out.push(b'"');
                timestamp::write_rfc3339(Timestamp::from_micros(micros), out);
                // Feast's client sends UTC without saying so.
                out.pop_if(|last| *last == b'Z');
                out.push(b'"');
            }
            None => out.extend_from_slice(b"null"),
        }
    }
    out.push(b']');
}

fn begin_column(name: &str, first: bool, out: &mut Vec<u8>) {
    separate(first, out);
    write_str(name, out);
    out.extend_from_slice(b":[");
}

fn separate(first: bool, out: &mut Vec<u8>) {
    if !first {
        out.push(b',');
    }
}

/// The answer to a read.
#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    metadata: Metadata,
    results: Vec<Column>,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    feature_names: Vec<String>,
}

/// One feature of every row.
#[derive(Debug, Deserialize)]
pub(super) struct Column {
    values: Vec<Json>,
    statuses: Vec<Status>,
    event_timestamps: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Status {
    Present,
    NullValue,
    NotFound,
    OutsideMaxAge,
    #[serde(other)]
    Unknown,
}

impl Answer {
    /// Reads an answer of `rows` rows.
    pub(super) fn parse(body: &[u8], rows: usize) -> Result<Self, String> {
        let answer: Self = serde_json::from_slice(body).map_err(|cause| cause.to_string())?;
        if answer.metadata.feature_names.len() != answer.results.len() {
            return Err("it has another number of names than of columns".to_owned());
        }
        for (name, column) in answer.metadata.feature_names.iter().zip(&answer.results) {
            let lengths =
                [column.values.len(), column.statuses.len(), column.event_timestamps.len()];
            if lengths != [rows; 3] {
                return Err(format!("\"{name}\" has another number of rows than was asked for"));
            }
        }
        Ok(answer)
    }

    /// The column of a feature.
    pub(super) fn column(&self, view: &str, feature: &str) -> Option<&Column> {
        let is_it = |name: &&String| {
            name.strip_prefix(view).and_then(|rest| rest.strip_prefix("__")) == Some(feature)
        };
        let at = self.metadata.feature_names.iter().position(|name| is_it(&name))?;
        Some(&self.results[at])
    }
}

impl Column {
    /// The row's event time in microseconds as this column knows it; `None` when it shows no row.
    ///
    /// A store of Feast's that cannot tell absent rows (Redis) has them answered as present: nulls of 1970.
    pub(super) fn event_timestamp(&self, row: usize) -> Result<Option<i64>> {
        if self.statuses[row] == Status::NotFound {
            return Ok(None);
        }
        let micros = parse_timestamp(&self.event_timestamps[row])?.micros();
        Ok((micros != 0 || !self.values[row].is_null()).then_some(micros))
    }

    /// Appends the encoded value of a row; `None` when it was never written. Zero bytes are null.
    pub(super) fn value(
        &self,
        row: usize,
        value_type: Option<ValueType>,
        out: &mut Vec<u8>,
    ) -> Result<Option<()>> {
        if self.statuses[row] == Status::NotFound {
            return Ok(None);
        }
        let json = &self.values[row];
        let value = match value_type {
            Some(known) => value_from_json(json, known)?,
            None => infer_value(json)?,
        };
        encode_value(&value, out)?;
        Ok(Some(()))
    }
}
