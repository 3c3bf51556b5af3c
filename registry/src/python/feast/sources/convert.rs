//! Data sources as domain objects.

use larder_core::{DataSource, Result, SourceKind, Warehouse};
use larder_proto::feast::core::{TableFormat, table_format};
use prost::Message as _;

use crate::python::eval::record::Object;
use crate::python::eval::value::Value;
use crate::python::feast::field::{fields, tags, text_map};
use crate::python::feast::formats;

/// The domain source.
///
/// # Errors
/// [`larder_core::ErrorKind::Invalid`] for what the registry cannot hold.
pub(in crate::python::feast) fn data_source(object: &Object) -> Result<DataSource> {
    let mut tags = tags(object);
    if let Value::Object(reference) = object.get("connection_ref") {
        tags.extend(formats::connection_tags(&reference));
    }
    let partition = match object.get("date_partition_column") {
        Value::None => object.text("_date_partition_column"),
        _ => object.text("date_partition_column"),
    };
    let mut source = DataSource {
        name: object.name(),
        kind: kind(object)?,
        timestamp_field: object.text("timestamp_field"),
        created_timestamp_column: object.text("created_timestamp_column"),
        date_partition_column: partition,
        field_mapping: text_map(&object.get("field_mapping")),
        description: object.text("description"),
        tags,
        owner: object.text("owner"),
        batch_source: optional_source(&object.get("batch_source"))?.map(Box::new),
        timestamp_field_type: object.text("timestamp_field_type"),
    };
    // Feast 0.67 repeats the columns of the batch source in a push source.
    if let (SourceKind::Push, Some(batch)) = (&source.kind, &source.batch_source) {
        source.timestamp_field.clone_from(&batch.timestamp_field);
        source.created_timestamp_column.clone_from(&batch.created_timestamp_column);
        source.date_partition_column.clone_from(&batch.date_partition_column);
        source.field_mapping.clone_from(&batch.field_mapping);
    }
    Ok(source)
}

/// The domain source of an attribute that may be `None`.
pub(in crate::python::feast) fn optional_source(value: &Value) -> Result<Option<DataSource>> {
    value.as_object().map(|object| data_source(object)).transpose()
}

fn kind(object: &Object) -> Result<SourceKind> {
    Ok(match object.spec.name {
        "FileSource" => SourceKind::File {
            uri: object.text("path"),
            format: formats::file_format(&object.get("file_format")),
            s3_endpoint_override: object.text("s3_endpoint_override"),
        },
        "PushSource" => SourceKind::Push,
        "RequestSource" => SourceKind::Request { schema: fields(object, "schema")? },
        "KafkaSource" => SourceKind::Kafka {
            bootstrap_servers: object.text("kafka_bootstrap_servers"),
            topic: object.text("topic"),
            message_format: formats::stream_format(&object.get("message_format")),
            watermark_delay_threshold: formats::duration(object, "watermark_delay_threshold")?,
        },
        "KinesisSource" => SourceKind::Kinesis {
            region: object.text("region"),
            stream_name: object.text("stream_name"),
            record_format: formats::stream_format(&object.get("record_format")),
        },
        "BigQuerySource" => warehouse(object, Warehouse::BigQuery),
        "RedshiftSource" => warehouse(object, Warehouse::Redshift),
        "SnowflakeSource" => warehouse(object, Warehouse::Snowflake),
        "TrinoSource" => warehouse(object, Warehouse::Trino),
        "AthenaSource" => warehouse(object, Warehouse::Athena),
        "SparkSource" => SourceKind::Spark {
            table: object.text("table"),
            query: object.text("query"),
            path: object.text("path"),
            file_format: object.text("file_format"),
            date_partition_column_format: object.text("date_partition_column_format"),
            table_format: table_format(&object.get("table_format")),
        },
        name => SourceKind::Custom {
            class_type: format!("{}.{name}", object.spec.module),
            configuration: object.text("_configuration").into_bytes(),
        },
    })
}

fn warehouse(object: &Object, warehouse: Warehouse) -> SourceKind {
    SourceKind::Warehouse {
        warehouse,
        table: object.text("table"),
        query: object.text("query"),
        schema: object.text("schema"),
        database: object.text("database"),
        data_source: object.text("data_source"),
    }
}

/// Encoded `feast.core.TableFormat`; empty when there is none.
fn table_format(value: &Value) -> Vec<u8> {
    use table_format::{DeltaFormat, Format, HudiFormat, IcebergFormat, LanceFormat};
    let Some(object) = value.as_object() else { return Vec::new() };
    let properties = text_map(&object.get("properties"));
    let text = |name: &str| object.text(name);
    let format = match object.spec.name {
        "IcebergFormat" => Format::IcebergFormat(IcebergFormat {
            catalog: text("catalog"),
            namespace: text("namespace"),
            properties,
        }),
        "HudiFormat" => Format::HudiFormat(HudiFormat {
            table_type: text("table_type"),
            record_key: text("record_key"),
            precombine_field: text("precombine_field"),
            properties,
        }),
        "LanceFormat" => Format::LanceFormat(LanceFormat {
            catalog: text("catalog"),
            namespace: text("namespace"),
            version: object
                .get("version")
                .as_int()
                .and_then(|v| u64::try_from(v).ok())
                .unwrap_or(0),
            tag: text("tag"),
            properties,
        }),
        _ => Format::DeltaFormat(DeltaFormat {
            checkpoint_location: text("checkpoint_location"),
            properties,
        }),
    };
    TableFormat { format: Some(format) }.encode_to_vec()
}
