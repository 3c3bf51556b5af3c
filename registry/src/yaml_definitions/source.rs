//! Data sources.

use larder_core::{DataSource, FileFormat, Result, SourceKind, StreamFormat};

use super::Sources;
use super::duration::duration;
use super::field::{schema, tags};
use crate::yaml::{Section, Value};

/// When a kind of source is read: those that wrap a batch source come after those that are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Plain,
    Wrapping,
}

/// The stage of a kind, `None` when it is no source.
pub(super) fn stage(kind: &str) -> Option<Stage> {
    match kind {
        "file_source" | "request_source" => Some(Stage::Plain),
        "push_source" | "kafka_source" | "kinesis_source" => Some(Stage::Wrapping),
        _ => None,
    }
}

/// A source written where a name could stand; its kind is `file_source` unless it says otherwise.
pub(super) fn inline(value: &Value<'_>, sources: &Sources) -> Result<DataSource> {
    let section = value.section()?;
    let kind = section.read("kind", Value::text)?.unwrap_or_else(|| "file_source".to_owned());
    if stage(&kind).is_none() {
        return Err(value.error(format!("\"{kind}\" is no kind of data source")));
    }
    let source = read(&kind, &section, sources)?;
    section.finish()?;
    Ok(source)
}

pub(super) fn read(kind: &str, section: &Section<'_>, sources: &Sources) -> Result<DataSource> {
    let source_kind = match kind {
        "file_source" => file(section)?,
        "request_source" => SourceKind::Request {
            schema: schema(section, "schema")?.ok_or_else(|| section.error("schema is missing"))?,
        },
        "push_source" => SourceKind::Push,
        "kafka_source" => kafka(section)?,
        _ => kinesis(section)?,
    };
    let mut source = DataSource::new(name(kind, section)?, source_kind);
    if stage(kind) == Some(Stage::Wrapping) {
        let batch = section.read("batch_source", |value| sources.resolve(value))?;
        source.batch_source = batch.map(Box::new);
    }
    source.description = section.text_or_empty("description")?;
    source.tags = tags(section)?;
    source.owner = section.text_or_empty("owner")?;
    if kind == "request_source" {
        return Ok(source);
    }
    columns(section, &mut source)?;
    Ok(source)
}

/// The columns that every stored source may name; a push source takes its batch source's.
fn columns(section: &Section<'_>, source: &mut DataSource) -> Result<()> {
    source.timestamp_field = section.text_or_empty("timestamp_field")?;
    source.created_timestamp_column = section.text_or_empty("created_timestamp_column")?;
    source.field_mapping = section.read("field_mapping", Value::text_map)?.unwrap_or_default();
    if matches!(source.kind, SourceKind::File { .. }) {
        source.date_partition_column = section.text_or_empty("date_partition_column")?;
    }
    if let (SourceKind::Push, Some(batch)) = (&source.kind, source.batch_source.as_deref()) {
        source.timestamp_field.clone_from(&batch.timestamp_field);
        source.created_timestamp_column.clone_from(&batch.created_timestamp_column);
    }
    Ok(())
}

/// Feast 0.67: a file source without a name is named by its path.
fn name(kind: &str, section: &Section<'_>) -> Result<String> {
    match section.get("name") {
        Some(name) => name.text(),
        None if kind == "file_source" => section.require("path")?.text(),
        None => Err(section.error("name is missing")),
    }
}

fn file(section: &Section<'_>) -> Result<SourceKind> {
    let format = section.read("file_format", |value| match value.text()?.as_str() {
        "parquet" => Ok(FileFormat::Parquet),
        "delta" => Ok(FileFormat::Delta {
            checkpoint_location: String::new(),
            properties: std::collections::BTreeMap::new(),
        }),
        other => Err(value
            .error(format!("\"{other}\" is no file format"))
            .with_hint("write parquet or delta")),
    })?;
    Ok(SourceKind::File {
        uri: section.require("path")?.text()?,
        format,
        s3_endpoint_override: section.text_or_empty("s3_endpoint_override")?,
    })
}

fn kafka(section: &Section<'_>) -> Result<SourceKind> {
    Ok(SourceKind::Kafka {
        bootstrap_servers: section.require("kafka_bootstrap_servers")?.text()?,
        topic: section.require("topic")?.text()?,
        // Feast 0.67 cannot list a Kafka source without a format.
        message_format: Some(stream_format(&section.require("message_format")?)?),
        watermark_delay_threshold: section.read("watermark_delay_threshold", duration)?,
    })
}

fn kinesis(section: &Section<'_>) -> Result<SourceKind> {
    Ok(SourceKind::Kinesis {
        region: section.require("region")?.text()?,
        stream_name: section.require("stream_name")?.text()?,
        record_format: Some(stream_format(&section.require("record_format")?)?),
    })
}

/// `{json: SCHEMA}`, `{avro: SCHEMA}` or `{proto: CLASS}`.
fn stream_format(value: &Value<'_>) -> Result<StreamFormat> {
    let section = value.section()?;
    let json = section.read("json", Value::text)?;
    let avro = section.read("avro", Value::text)?;
    let proto = section.read("proto", Value::text)?;
    section.finish()?;
    match (json, avro, proto) {
        (Some(schema), None, None) => Ok(StreamFormat::Json(schema)),
        (None, Some(schema), None) => Ok(StreamFormat::Avro(schema)),
        (None, None, Some(class)) => Ok(StreamFormat::Proto(class)),
        _ => Err(value.error("expected exactly one of json, avro, proto")),
    }
}
