//! Warehouses that have options of their own in Feast's registry.

use super::{OLD_TIMESTAMP, SOURCE};
use crate::python::eval::record::{ClassSpec, Fallback, Kind, Legacy, nullable, optional};

const OLD_TABLE: &[Legacy] = &[
    Legacy { old: "table_ref", new: "table", adapt: None },
    Legacy { old: "event_timestamp_column", new: "timestamp_field", adapt: None },
];

/// `BigQuerySource`.
static BIGQUERY: ClassSpec = ClassSpec {
    name: "BigQuerySource",
    module: "feast.infra.offline_stores.bigquery_source",
    parameters: &[
        optional("name", Kind::Text),
        optional("table", Kind::Text),
        optional("query", Kind::Text),
        optional("date_partition_column", Kind::Text),
        optional("timestamp_field_type", Kind::Text),
    ],
    legacy: OLD_TABLE,
    ..SOURCE
};

/// `RedshiftSource`.
static REDSHIFT: ClassSpec = ClassSpec {
    name: "RedshiftSource",
    module: "feast.infra.offline_stores.redshift_source",
    parameters: &[
        optional("name", Kind::Text),
        optional("table", Kind::Text),
        optional("schema", Kind::Text),
        optional("query", Kind::Text),
        nullable("database", Kind::Text, Fallback::Text("")),
    ],
    legacy: OLD_TABLE,
    ..SOURCE
};

/// `SnowflakeSource`.
static SNOWFLAKE: ClassSpec = ClassSpec {
    name: "SnowflakeSource",
    module: "feast.infra.offline_stores.snowflake_source",
    parameters: &[
        optional("name", Kind::Text),
        optional("database", Kind::Text),
        optional("warehouse", Kind::Text),
        optional("schema", Kind::Text),
        optional("table", Kind::Text),
        optional("query", Kind::Text),
    ],
    legacy: OLD_TABLE,
    ..SOURCE
};

/// `TrinoSource`.
static TRINO: ClassSpec = ClassSpec {
    name: "TrinoSource",
    module: "feast.infra.offline_stores.contrib.trino_offline_store.trino_source",
    parameters: &[
        optional("name", Kind::Text),
        optional("table", Kind::Text),
        optional("query", Kind::Text),
    ],
    legacy: OLD_TABLE,
    ..SOURCE
};

/// `AthenaSource`.
static ATHENA: ClassSpec = ClassSpec {
    name: "AthenaSource",
    module: "feast.infra.offline_stores.contrib.athena_offline_store.athena_source",
    parameters: &[
        optional("table", Kind::Text),
        optional("database", Kind::Text),
        optional("data_source", Kind::Text),
        optional("date_partition_column", Kind::Text),
        optional("query", Kind::Text),
        optional("name", Kind::Text),
    ],
    legacy: OLD_TABLE,
    ..SOURCE
};

/// `SparkSource`.
static SPARK: ClassSpec = ClassSpec {
    name: "SparkSource",
    module: "feast.infra.offline_stores.contrib.spark_offline_store.spark_source",
    parameters: &[
        optional("name", Kind::Text),
        optional("table", Kind::Text),
        optional("query", Kind::Text),
        optional("path", Kind::Text),
        optional("file_format", Kind::Text),
        optional("table_format", Kind::Object("TableFormat")),
        optional("date_partition_column", Kind::Text),
        nullable("date_partition_column_format", Kind::Text, Fallback::Text("%Y-%m-%d")),
    ],
    legacy: OLD_TIMESTAMP,
    ..SOURCE
};

/// All of them.
pub(super) const CLASSES: &[&ClassSpec] =
    &[&BIGQUERY, &REDSHIFT, &SNOWFLAKE, &TRINO, &ATHENA, &SPARK];
