//! Data sources from messages.

use larder_core::{
    DataSource, Error, Field, FileFormat, Result, SourceKind, StreamFormat, Warehouse,
};
use prost::Message as _;

use crate::convert::field::{fields_from_proto, value_type};
use crate::convert::time::duration_from_proto;
use crate::feast::core::{
    self, data_source as options, data_source::Options, data_source::SourceType,
};

/// A data source. Its times, and a class other than the usual one of its kind, stay with the message.
///
/// # Errors
/// `Data` when the source has no type that Feast knows, lacks the options of its type, or holds an
/// unknown value type or a negative duration.
pub fn data_source_from_proto(source: core::DataSource) -> Result<DataSource> {
    let name = source.name.clone();
    from_proto(source).map_err(|error| error.context(format_args!("data source \"{name}\"")))
}

fn from_proto(source: core::DataSource) -> Result<DataSource> {
    let batch_source = match source.batch_source {
        Some(batch) => Some(Box::new(data_source_from_proto(*batch)?)),
        None => None,
    };
    Ok(DataSource {
        name: source.name,
        kind: kind_from_proto(source.r#type, source.options, source.data_source_class_type)?,
        timestamp_field: source.timestamp_field,
        created_timestamp_column: source.created_timestamp_column,
        date_partition_column: source.date_partition_column,
        field_mapping: source.field_mapping,
        description: source.description,
        tags: source.tags,
        owner: source.owner,
        batch_source,
        timestamp_field_type: source.timestamp_field_type,
    })
}

fn kind_from_proto(
    source_type: i32,
    options: Option<Options>,
    class_type: String,
) -> Result<SourceKind> {
    // The options say what a source is; sources of which nothing is stored only have a type.
    let Some(options) = options else {
        return match SourceType::try_from(source_type) {
            Ok(SourceType::PushSource) => Ok(SourceKind::Push),
            Ok(SourceType::RequestSource) => Ok(SourceKind::Request { schema: Vec::new() }),
            Ok(known) => Err(Error::data(format!("no options for type {}", known.as_str_name()))),
            Err(_) => Err(Error::data(format!("unknown type {source_type}"))),
        };
    };
    Ok(match options {
        Options::FileOptions(file) => SourceKind::File {
            uri: file.uri,
            format: file.file_format.and_then(|format| format.format).map(file_format_from_proto),
            s3_endpoint_override: file.s3_endpoint_override,
        },
        Options::PushOptions(_) => SourceKind::Push,
        Options::RequestDataOptions(request) => {
            SourceKind::Request { schema: request_schema(request)? }
        }
        Options::KafkaOptions(kafka) => kafka_from_proto(kafka)?,
        Options::KinesisOptions(kinesis) => SourceKind::Kinesis {
            region: kinesis.region,
            stream_name: kinesis.stream_name,
            record_format: kinesis.record_format.and_then(stream_format_from_proto),
        },
        Options::SparkOptions(spark) => SourceKind::Spark {
            table: spark.table,
            query: spark.query,
            path: spark.path,
            file_format: spark.file_format,
            date_partition_column_format: spark.date_partition_column_format,
            table_format: spark
                .table_format
                .map(|format| format.encode_to_vec())
                .unwrap_or_default(),
        },
        Options::CustomOptions(custom) => {
            SourceKind::Custom { class_type, configuration: custom.configuration }
        }
        warehouse => warehouse_from_proto(warehouse),
    })
}

fn kafka_from_proto(kafka: options::KafkaOptions) -> Result<SourceKind> {
    Ok(SourceKind::Kafka {
        bootstrap_servers: kafka.kafka_bootstrap_servers,
        topic: kafka.topic,
        message_format: kafka.message_format.and_then(stream_format_from_proto),
        watermark_delay_threshold: kafka
            .watermark_delay_threshold
            .map(duration_from_proto)
            .transpose()?,
    })
}

/// The columns of a request source; older clients stored them as a map.
fn request_schema(request: options::RequestDataOptions) -> Result<Vec<Field>> {
    if !request.schema.is_empty() {
        return fields_from_proto(request.schema);
    }
    let columns = request.deprecated_schema.into_iter();
    columns.map(|(name, number)| Ok(Field::new(name, value_type(number)?))).collect()
}

fn warehouse_from_proto(options: Options) -> SourceKind {
    let mut kind = WarehouseOptions::default();
    match options {
        Options::BigqueryOptions(o) => kind.set(Warehouse::BigQuery, o.table, o.query),
        Options::TrinoOptions(o) => kind.set(Warehouse::Trino, o.table, o.query),
        Options::RedshiftOptions(o) => {
            kind.set(Warehouse::Redshift, o.table, o.query);
            (kind.schema, kind.database) = (o.schema, o.database);
        }
        Options::SnowflakeOptions(o) => {
            kind.set(Warehouse::Snowflake, o.table, o.query);
            (kind.schema, kind.database) = (o.schema, o.database);
        }
        Options::AthenaOptions(o) => {
            kind.set(Warehouse::Athena, o.table, o.query);
            (kind.database, kind.data_source) = (o.database, o.data_source);
        }
        _ => unreachable!("called for warehouses only"),
    }
    SourceKind::Warehouse {
        warehouse: kind.warehouse.expect("every arm sets it"),
        table: kind.table,
        query: kind.query,
        schema: kind.schema,
        database: kind.database,
        data_source: kind.data_source,
    }
}

/// A warehouse source being filled in.
#[derive(Default)]
struct WarehouseOptions {
    warehouse: Option<Warehouse>,
    table: String,
    query: String,
    schema: String,
    database: String,
    data_source: String,
}

impl WarehouseOptions {
    fn set(&mut self, warehouse: Warehouse, table: String, query: String) {
        (self.warehouse, self.table, self.query) = (Some(warehouse), table, query);
    }
}

#[expect(deprecated, reason = "the field that Feast 0.67 writes for Delta files")]
fn file_format_from_proto(format: core::file_format::Format) -> FileFormat {
    match format {
        core::file_format::Format::ParquetFormat(_) => FileFormat::Parquet,
        core::file_format::Format::DeltaFormat(delta) => FileFormat::Delta {
            checkpoint_location: delta.checkpoint_location,
            properties: delta.properties,
        },
    }
}

fn stream_format_from_proto(format: core::StreamFormat) -> Option<StreamFormat> {
    use core::stream_format::Format;
    Some(match format.format? {
        Format::AvroFormat(avro) => StreamFormat::Avro(avro.schema_json),
        Format::ProtoFormat(proto) => StreamFormat::Proto(proto.class_path),
        Format::JsonFormat(json) => StreamFormat::Json(json.schema_json),
    })
}
