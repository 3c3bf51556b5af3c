//! Data sources.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::{Field, Tags};

/// Where the rows of a view come from.
#[derive(Debug, Clone, PartialEq)]
pub struct DataSource {
    /// Name; a file source without one is named by its path.
    pub name: String,
    /// What kind of source it is.
    pub kind: SourceKind,
    /// Event timestamp column, under its name in the source; empty until inferred.
    pub timestamp_field: String,
    /// Created timestamp column, under its name in the source; empty when none.
    pub created_timestamp_column: String,
    /// Date partition column; empty when none.
    pub date_partition_column: String,
    /// Source column to feature name.
    pub field_mapping: BTreeMap<String, String>,
    /// Free text.
    pub description: String,
    /// Tags.
    pub tags: Tags,
    /// Owner.
    pub owner: String,
    /// The offline side of a push, Kafka or Kinesis source.
    pub batch_source: Option<Box<DataSource>>,
    /// Type of the event timestamp column as Feast stores it; mostly empty.
    pub timestamp_field_type: String,
}

/// Kind of a data source, with the options of that kind.
#[derive(Debug, Clone, PartialEq)]
pub enum SourceKind {
    /// Parquet or Delta files.
    File {
        /// Path or URI as written.
        uri: String,
        /// Format; `None` when not declared (Parquet).
        format: Option<FileFormat>,
        /// S3 endpoint; empty when none.
        s3_endpoint_override: String,
    },
    /// Rows pushed over the API.
    Push,
    /// Values that come with the request.
    Request {
        /// Columns.
        schema: Vec<Field>,
    },
    /// A Kafka topic.
    Kafka {
        /// Comma-separated brokers.
        bootstrap_servers: String,
        /// Topic.
        topic: String,
        /// How messages are encoded.
        message_format: Option<StreamFormat>,
        /// How late rows may come.
        watermark_delay_threshold: Option<Duration>,
    },
    /// A Kinesis stream.
    Kinesis {
        /// Region.
        region: String,
        /// Stream.
        stream_name: String,
        /// How records are encoded.
        record_format: Option<StreamFormat>,
    },
    /// A warehouse table or query that Larder stores but cannot read.
    Warehouse {
        /// Which warehouse.
        warehouse: Warehouse,
        /// Table.
        table: String,
        /// Query.
        query: String,
        /// Schema (Redshift, Snowflake).
        schema: String,
        /// Database (Redshift, Snowflake, Athena).
        database: String,
        /// Athena's data source catalog.
        data_source: String,
    },
    /// A Spark table, query or path.
    Spark {
        /// Table.
        table: String,
        /// Query.
        query: String,
        /// Path.
        path: String,
        /// File format name.
        file_format: String,
        /// Format of the date partition column.
        date_partition_column_format: String,
        /// Encoded `feast.core.TableFormat`; empty when none.
        table_format: Vec<u8>,
    },
    /// Any class that Feast stores as opaque bytes (`PostgreSQL`, Trino contrib, own classes ...).
    Custom {
        /// Python class path, for instance `feast.infra...PostgreSQLSource`.
        class_type: String,
        /// Bytes as the class wrote them (mostly JSON).
        configuration: Vec<u8>,
    },
}

/// Warehouses with options of their own in Feast's protobuf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Warehouse {
    /// `BigQuerySource`.
    BigQuery,
    /// `RedshiftSource`.
    Redshift,
    /// `SnowflakeSource`.
    Snowflake,
    /// `TrinoSource`.
    Trino,
    /// `AthenaSource`.
    Athena,
}

/// Format of a file source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileFormat {
    /// Parquet.
    Parquet,
    /// Delta table.
    Delta {
        /// Checkpoint location; empty when none.
        checkpoint_location: String,
        /// Table properties.
        properties: BTreeMap<String, String>,
    },
}

/// Encoding of stream messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamFormat {
    /// Avro with a JSON schema text.
    Avro(String),
    /// Protobuf with a class path.
    Proto(String),
    /// JSON with a schema text.
    Json(String),
}

impl DataSource {
    /// A source of this kind with nothing else set.
    pub fn new(name: impl Into<String>, kind: SourceKind) -> Self {
        Self {
            name: name.into(),
            kind,
            timestamp_field: String::new(),
            created_timestamp_column: String::new(),
            date_partition_column: String::new(),
            field_mapping: BTreeMap::new(),
            description: String::new(),
            tags: Tags::new(),
            owner: String::new(),
            batch_source: None,
            timestamp_field_type: String::new(),
        }
    }

    /// The source that offline reads go to: the batch source of a push or stream source, else itself.
    pub fn offline(&self) -> Option<&Self> {
        match self.kind {
            SourceKind::Push | SourceKind::Kafka { .. } | SourceKind::Kinesis { .. } => {
                self.batch_source.as_deref()
            }
            SourceKind::Request { .. } => None,
            _ => Some(self),
        }
    }

    /// The Python class name, for messages.
    pub fn class_name(&self) -> &str {
        match &self.kind {
            SourceKind::File { .. } => "FileSource",
            SourceKind::Push => "PushSource",
            SourceKind::Request { .. } => "RequestSource",
            SourceKind::Kafka { .. } => "KafkaSource",
            SourceKind::Kinesis { .. } => "KinesisSource",
            SourceKind::Warehouse { warehouse: Warehouse::BigQuery, .. } => "BigQuerySource",
            SourceKind::Warehouse { warehouse: Warehouse::Redshift, .. } => "RedshiftSource",
            SourceKind::Warehouse { warehouse: Warehouse::Snowflake, .. } => "SnowflakeSource",
            SourceKind::Warehouse { warehouse: Warehouse::Trino, .. } => "TrinoSource",
            SourceKind::Warehouse { warehouse: Warehouse::Athena, .. } => "AthenaSource",
            SourceKind::Spark { .. } => "SparkSource",
            SourceKind::Custom { class_type, .. } => {
                class_type.rsplit('.').next().unwrap_or(class_type)
            }
        }
    }
}
