//! Sources that Feast stores as the JSON text of their class.

use super::SOURCE;
use crate::python::eval::record::{ClassSpec, Fallback, Kind, nullable, optional, required, with};

/// A class and what its JSON holds.
pub(super) struct Custom {
    pub(super) spec: &'static ClassSpec,
    /// JSON name, attribute, and what stands for `None`, in the order in which Feast writes them.
    pub(super) json: &'static [(&'static str, &'static str, Absent)],
}

/// What an absent value is written as.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Absent {
    Null,
    Empty,
    Map,
}

use Absent::{Empty, Map, Null};

const QUERIED: &[crate::python::eval::record::Parameter] =
    &[optional("name", Kind::Text), optional("query", Kind::Text), optional("table", Kind::Text)];
const QUERIED_JSON: &[(&str, &str, Absent)] =
    &[("name", "_given_name", Empty), ("query", "query", Empty), ("table", "table", Empty)];

static POSTGRES: ClassSpec = ClassSpec {
    name: "PostgreSQLSource",
    module: "feast.infra.offline_stores.contrib.postgres_offline_store.postgres_source",
    parameters: QUERIED,
    positional: 10,
    ..SOURCE
};

static CLICKHOUSE: ClassSpec = ClassSpec {
    name: "ClickhouseSource",
    module: "feast.infra.offline_stores.contrib.clickhouse_offline_store.clickhouse_source",
    parameters: QUERIED,
    positional: 10,
    ..SOURCE
};

static COUCHBASE: ClassSpec = ClassSpec {
    name: "CouchbaseColumnarSource",
    module: "feast.infra.offline_stores.contrib.couchbase_offline_store.couchbase_source",
    parameters: &[
        optional("name", Kind::Text),
        optional("query", Kind::Text),
        nullable("database", Kind::Text, Fallback::Text("Default")),
        nullable("scope", Kind::Text, Fallback::Text("Default")),
        optional("collection", Kind::Text),
    ],
    positional: 12,
    ..SOURCE
};

static MSSQL: ClassSpec = ClassSpec {
    name: "MsSqlServerSource",
    module: "feast.infra.offline_stores.contrib.mssql_offline_store.mssqlserver_source",
    parameters: &[
        required("name", Kind::Text),
        optional("table_ref", Kind::Text),
        optional("event_timestamp_column", Kind::Text),
        nullable("created_timestamp_column", Kind::Text, Fallback::Text("")),
        optional("field_mapping", Kind::TextMap),
        nullable("date_partition_column", Kind::Text, Fallback::Text("")),
        nullable("connection_str", Kind::Text, Fallback::Text("")),
        optional("description", Kind::Text),
        optional("tags", Kind::TextMap),
        optional("owner", Kind::Text),
        optional("connection_ref", Kind::Object("ConnectionRef")),
    ],
    shared: &[],
    legacy: &[],
    positional: 11,
    ..SOURCE
};

static ORACLE: ClassSpec = ClassSpec {
    name: "OracleSource",
    module: "feast.infra.offline_stores.contrib.oracle_offline_store.oracle_source",
    parameters: &[
        required("name", Kind::Text),
        optional("table_ref", Kind::Text),
        optional("event_timestamp_column", Kind::Text),
        nullable("created_timestamp_column", Kind::Text, Fallback::Text("")),
        optional("field_mapping", Kind::TextMap),
        nullable("date_partition_column", Kind::Text, Fallback::Text("")),
        optional("description", Kind::Text),
        optional("tags", Kind::TextMap),
        optional("owner", Kind::Text),
        optional("connection_ref", Kind::Object("ConnectionRef")),
    ],
    shared: &[],
    legacy: &[],
    positional: 10,
    ..SOURCE
};

static RAY: ClassSpec = ClassSpec {
    name: "RaySource",
    module: "feast.infra.offline_stores.contrib.ray_offline_store.ray_source",
    parameters: &[
        required("name", Kind::Text),
        required("reader_type", Kind::Text),
        optional("path", Kind::Text),
        optional("reader_options", Kind::Map),
    ],
    ..SOURCE
};

static CHRONON: ClassSpec = ClassSpec {
    name: "ChrononSource",
    module: "feast.infra.offline_stores.contrib.chronon_offline_store.chronon_source",
    parameters: &[
        required("materialization_path", Kind::Text),
        optional("name", Kind::Text),
        optional("chronon_group_by", Kind::Text),
        optional("chronon_join", Kind::Text),
        optional("online_endpoint", Kind::Text),
    ],
    ..SOURCE
};

static LANCE: ClassSpec = ClassSpec {
    name: "LanceSource",
    module: "feast.infra.data_sources.contrib.lance.lance_source",
    parameters: &[
        optional("uri", Kind::Text),
        optional("table", Kind::Text),
        optional("table_format", Kind::Object("LanceFormat")),
        optional("namespace_impl", Kind::Text),
        optional("namespace_properties", Kind::TextMap),
        optional("storage_options", Kind::TextMap),
        optional("name", Kind::Text),
    ],
    ..SOURCE
};

static MLFLOW: ClassSpec = ClassSpec {
    name: "MlflowDatasetSource",
    module: "feast.infra.data_sources.mlflow.mlflow_dataset_source",
    parameters: &[
        optional("name", Kind::Text),
        optional("dataset_name", Kind::Text),
        optional("dataset_id", Kind::Text),
        optional("run_id", Kind::Text),
        optional("artifact_path", Kind::Text),
        with("artifact_format", Kind::Text, Fallback::Text("parquet")),
        required("batch_source", Kind::Object("DataSource")),
        optional("tracking_uri", Kind::Text),
    ],
    ..SOURCE
};

static ICEBERG: ClassSpec = ClassSpec {
    name: "IcebergSource",
    module: "feast.infra.data_sources.contrib.iceberg_catalog.iceberg_source",
    parameters: &[
        required("warehouse", Kind::Text),
        required("namespace", Kind::Text),
        required("table", Kind::Text),
        with("catalog_type", Kind::Text, Fallback::Text("rest")),
        with("catalog_name", Kind::Text, Fallback::Text("feast_iceberg")),
        optional("endpoint", Kind::Text),
        optional("catalog_properties", Kind::TextMap),
        optional("name", Kind::Text),
        optional("token_env_var", Kind::Text),
        with("credential_vending", Kind::Bool, Fallback::Bool(true)),
    ],
    ..SOURCE
};

static UNITY: ClassSpec = ClassSpec {
    name: "UnityCatalogSource",
    module: "feast.infra.data_sources.contrib.iceberg_catalog.unity_catalog_source",
    ancestors: &["IcebergSource", "DataSource"],
    parameters: &[
        required("warehouse", Kind::Text),
        required("namespace", Kind::Text),
        required("table", Kind::Text),
        optional("name", Kind::Text),
        optional("endpoint", Kind::Text),
        optional("token_env_var", Kind::Text),
        with("credential_vending", Kind::Bool, Fallback::Bool(true)),
        with("catalog_type", Kind::Text, Fallback::Text("rest")),
        with("catalog_name", Kind::Text, Fallback::Text("feast_iceberg")),
        optional("catalog_properties", Kind::TextMap),
        with("register_as_feature_table", Kind::Bool, Fallback::Bool(true)),
        with("sync_lineage", Kind::Bool, Fallback::Bool(true)),
    ],
    ..SOURCE
};

/// All of them.
pub(super) const CLASSES: &[Custom] = &[
    Custom { spec: &POSTGRES, json: QUERIED_JSON },
    Custom { spec: &CLICKHOUSE, json: QUERIED_JSON },
    Custom {
        spec: &COUCHBASE,
        json: &[
            ("name", "_given_name", Empty),
            ("query", "query", Empty),
            ("database", "database", Empty),
            ("scope", "scope", Empty),
            ("collection", "collection", Empty),
        ],
    },
    Custom {
        spec: &MSSQL,
        json: &[("table_ref", "table_ref", Null), ("connection_string", "connection_str", Null)],
    },
    Custom { spec: &ORACLE, json: &[("table_ref", "table_ref", Null)] },
    Custom {
        spec: &RAY,
        json: &[
            ("reader_type", "reader_type", Empty),
            ("path", "path", Empty),
            ("reader_options", "reader_options", Map),
        ],
    },
    Custom {
        spec: &CHRONON,
        json: &[
            ("materialization_path", "materialization_path", Empty),
            ("chronon_group_by", "chronon_group_by", Empty),
            ("chronon_join", "chronon_join", Empty),
            ("online_endpoint", "online_endpoint", Empty),
        ],
    },
    Custom {
        spec: &LANCE,
        json: &[
            ("uri", "uri", Null),
            ("table", "table", Null),
            ("namespace_impl", "namespace_impl", Null),
            ("namespace_properties", "namespace_properties", Map),
            ("storage_options", "storage_options", Map),
            ("table_format", "_table_format", Null),
        ],
    },
    Custom {
        spec: &MLFLOW,
        json: &[
            ("dataset_name", "dataset_name", Null),
            ("dataset_id", "dataset_id", Null),
            ("run_id", "run_id", Null),
            ("artifact_path", "artifact_path", Null),
            ("artifact_format", "artifact_format", Null),
            ("tracking_uri", "tracking_uri", Null),
        ],
    },
    Custom {
        spec: &ICEBERG,
        json: &[
            ("catalog_type", "catalog_type", Null),
            ("catalog_name", "catalog_name", Null),
            ("endpoint", "endpoint", Empty),
            ("warehouse", "warehouse", Null),
            ("namespace", "namespace", Null),
            ("table", "table", Null),
            ("token_env_var", "token_env_var", Null),
            ("credential_vending", "credential_vending", Null),
            ("catalog_properties", "catalog_properties", Map),
        ],
    },
    Custom {
        spec: &UNITY,
        json: &[
            ("endpoint", "endpoint", Empty),
            ("warehouse", "warehouse", Null),
            ("namespace", "namespace", Null),
            ("table", "table", Null),
            ("token_env_var", "token_env_var", Null),
            ("credential_vending", "credential_vending", Null),
            ("catalog_type", "catalog_type", Null),
            ("catalog_name", "catalog_name", Null),
            ("catalog_properties", "catalog_properties", Map),
            ("register_as_feature_table", "register_as_feature_table", Null),
            ("sync_lineage", "sync_lineage", Null),
        ],
    },
];
