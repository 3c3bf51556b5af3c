//! Data sources to messages.

use larder_core::{DataSource, Error, FileFormat, Result, SourceKind, StreamFormat, Warehouse};
use prost::Message as _;

use crate::convert::field::fields_to_proto;
use crate::convert::time::duration_to_proto;
use crate::feast::core::{
    self, data_source as options, data_source::Options, data_source::SourceType,
};

/// Module of the Iceberg sources, which are custom sources with a type number of their own.
const ICEBERG_MODULE: &str = "feast.infra.data_sources.contrib.iceberg_catalog.";

/// Where a source stands in the registry: Feast fills in different fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourcePlace<'a> {
    /// An entry of the registry's own list of data sources, in this project.
    TopLevel(&'a str),
    /// Batch or stream source of a view: with its class, without project.
    View,
    /// Inside a push source, a projection or an on-demand view: with neither.
    Nested,
}

/// The message of a data source, without times.
///
/// # Errors
/// `Invalid` when the table format of a Spark source is no encoded `feast.core.TableFormat`.
pub fn data_source_to_proto(
    source: &DataSource,
    place: SourcePlace<'_>,
) -> Result<core::DataSource> {
    let batch_source = match &source.batch_source {
        Some(batch) => Some(Box::new(data_source_to_proto(batch, SourcePlace::Nested)?)),
        None => None,
    };
    let class = class_type(&source.kind);
    // Feast's Spark and custom sources write their class themselves, wherever they stand.
    let self_describing =
        matches!(source.kind, SourceKind::Spark { .. } | SourceKind::Custom { .. });
    let with_class = self_describing || place != SourcePlace::Nested;
    Ok(core::DataSource {
        r#type: source_type(&source.kind).into(),
        field_mapping: source.field_mapping.clone(),
        timestamp_field: source.timestamp_field.clone(),
        date_partition_column: source.date_partition_column.clone(),
        created_timestamp_column: source.created_timestamp_column.clone(),
        data_source_class_type: if with_class { class.to_owned() } else { String::new() },
        name: source.name.clone(),
        project: match place {
            SourcePlace::TopLevel(project) => project.to_owned(),
            SourcePlace::View | SourcePlace::Nested => String::new(),
        },
        description: source.description.clone(),
        tags: source.tags.clone(),
        owner: source.owner.clone(),
        batch_source,
        timestamp_field_type: source.timestamp_field_type.clone(),
        meta: None,
        options: options_to_proto(&source.kind)?,
    })
}

fn options_to_proto(kind: &SourceKind) -> Result<Option<Options>> {
    Ok(Some(match kind {
        // Feast writes no options for a push source.
        SourceKind::Push => return Ok(None),
        SourceKind::File { uri, format, s3_endpoint_override } => {
            Options::FileOptions(options::FileOptions {
                file_format: format.as_ref().map(file_format_to_proto),
                uri: uri.clone(),
                s3_endpoint_override: s3_endpoint_override.clone(),
            })
        }
        SourceKind::Request { schema } => {
            Options::RequestDataOptions(options::RequestDataOptions {
                schema: fields_to_proto(schema),
                ..Default::default()
            })
        }
        SourceKind::Kafka {
            bootstrap_servers,
            topic,
            message_format,
            watermark_delay_threshold,
        } => Options::KafkaOptions(options::KafkaOptions {
            kafka_bootstrap_servers: bootstrap_servers.clone(),
            topic: topic.clone(),
            message_format: message_format.as_ref().map(stream_format_to_proto),
            watermark_delay_threshold: watermark_delay_threshold.map(duration_to_proto),
        }),
        SourceKind::Kinesis { region, stream_name, record_format } => {
            Options::KinesisOptions(options::KinesisOptions {
                region: region.clone(),
                stream_name: stream_name.clone(),
                record_format: record_format.as_ref().map(stream_format_to_proto),
            })
        }
        SourceKind::Custom { configuration, .. } => {
            let configuration = configuration.clone();
            Options::CustomOptions(options::CustomSourceOptions { configuration })
        }
        SourceKind::Spark { .. } => spark_to_proto(kind)?,
        SourceKind::Warehouse { .. } => warehouse_to_proto(kind),
    }))
}

fn spark_to_proto(kind: &SourceKind) -> Result<Options> {
    let SourceKind::Spark {
        table,
        query,
        path,
        file_format,
        date_partition_column_format,
        table_format,
    } = kind
    else {
        unreachable!("called for Spark only")
    };
    let decode = |bytes: &[u8]| {
        core::TableFormat::decode(bytes).map_err(|error| {
            Error::invalid("the table format of a Spark source cannot be decoded")
                .with_source(error)
        })
    };
    let table_format =
        if table_format.is_empty() { None } else { Some(decode(table_format.as_slice())?) };
    Ok(Options::SparkOptions(options::SparkOptions {
        table: table.clone(),
        query: query.clone(),
        path: path.clone(),
        file_format: file_format.clone(),
        date_partition_column_format: date_partition_column_format.clone(),
        table_format,
    }))
}

fn warehouse_to_proto(kind: &SourceKind) -> Options {
    let SourceKind::Warehouse { warehouse, table, query, schema, database, data_source } = kind
    else {
        unreachable!("called for warehouses only")
    };
    let (table, query) = (table.clone(), query.clone());
    let (schema, database) = (schema.clone(), database.clone());
    match warehouse {
        Warehouse::BigQuery => Options::BigqueryOptions(options::BigQueryOptions { table, query }),
        Warehouse::Trino => Options::TrinoOptions(options::TrinoOptions { table, query }),
        Warehouse::Redshift => {
            Options::RedshiftOptions(options::RedshiftOptions { table, query, schema, database })
        }
        Warehouse::Snowflake => {
            Options::SnowflakeOptions(options::SnowflakeOptions { table, query, schema, database })
        }
        Warehouse::Athena => Options::AthenaOptions(options::AthenaOptions {
            table,
            query,
            database,
            data_source: data_source.clone(),
        }),
    }
}

#[expect(deprecated, reason = "the field that Feast 0.67 writes for Delta files")]
fn file_format_to_proto(format: &FileFormat) -> core::FileFormat {
    use core::file_format::{Format, ParquetFormat};
    let format = match format {
        FileFormat::Parquet => Format::ParquetFormat(ParquetFormat {}),
        FileFormat::Delta { checkpoint_location, properties } => {
            Format::DeltaFormat(core::table_format::DeltaFormat {
                checkpoint_location: checkpoint_location.clone(),
                properties: properties.clone(),
            })
        }
    };
    core::FileFormat { format: Some(format) }
}

fn stream_format_to_proto(format: &StreamFormat) -> core::StreamFormat {
    use core::stream_format::{AvroFormat, Format, JsonFormat, ProtoFormat};
    let format = match format {
        StreamFormat::Avro(schema) => {
            Format::AvroFormat(AvroFormat { schema_json: schema.clone() })
        }
        StreamFormat::Proto(class) => {
            Format::ProtoFormat(ProtoFormat { class_path: class.clone() })
        }
        StreamFormat::Json(schema) => {
            Format::JsonFormat(JsonFormat { schema_json: schema.clone() })
        }
    };
    core::StreamFormat { format: Some(format) }
}

fn source_type(kind: &SourceKind) -> SourceType {
    match kind {
        SourceKind::File { .. } => SourceType::BatchFile,
        SourceKind::Push => SourceType::PushSource,
        SourceKind::Request { .. } => SourceType::RequestSource,
        SourceKind::Kafka { .. } => SourceType::StreamKafka,
        SourceKind::Kinesis { .. } => SourceType::StreamKinesis,
        SourceKind::Spark { .. } => SourceType::BatchSpark,
        SourceKind::Custom { class_type, .. } if class_type.starts_with(ICEBERG_MODULE) => {
            SourceType::BatchIceberg
        }
        SourceKind::Custom { .. } => SourceType::CustomSource,
        SourceKind::Warehouse { warehouse, .. } => match warehouse {
            Warehouse::BigQuery => SourceType::BatchBigquery,
            Warehouse::Redshift => SourceType::BatchRedshift,
            Warehouse::Snowflake => SourceType::BatchSnowflake,
            Warehouse::Trino => SourceType::BatchTrino,
            Warehouse::Athena => SourceType::BatchAthena,
        },
    }
}

/// The Python class that Feast loads for a source.
fn class_type(kind: &SourceKind) -> &str {
    match kind {
        SourceKind::File { .. } => "feast.infra.offline_stores.file_source.FileSource",
        SourceKind::Push => "feast.data_source.PushSource",
        SourceKind::Request { .. } => "feast.data_source.RequestSource",
        SourceKind::Kafka { .. } => "feast.data_source.KafkaSource",
        SourceKind::Kinesis { .. } => "feast.data_source.KinesisSource",
        SourceKind::Spark { .. } => {
            "feast.infra.offline_stores.contrib.spark_offline_store.spark_source.SparkSource"
        }
        SourceKind::Custom { class_type, .. } => class_type,
        SourceKind::Warehouse { warehouse, .. } => match warehouse {
            Warehouse::BigQuery => "feast.infra.offline_stores.bigquery_source.BigQuerySource",
            Warehouse::Redshift => "feast.infra.offline_stores.redshift_source.RedshiftSource",
            Warehouse::Snowflake => "feast.infra.offline_stores.snowflake_source.SnowflakeSource",
            Warehouse::Trino => {
                "feast.infra.offline_stores.contrib.trino_offline_store.trino_source.TrinoSource"
            }
            Warehouse::Athena => {
                "feast.infra.offline_stores.contrib.athena_offline_store.athena_source.AthenaSource"
            }
        },
    }
}
