//! File, stream and table formats, connection references, aggregations, logging.

use std::rc::Rc;

use larder_core::{
    Aggregation, Error, FileFormat, LoggingConfig, LoggingDestination, Result, StreamFormat,
};

use super::field::text_map;
use crate::python::eval::exception::Outcome;
use crate::python::eval::interpreter::Interpreter;
use crate::python::eval::record::{
    ClassSpec, Fallback, Kind, Object, Parameter, nullable, optional, required, with,
};
use crate::python::eval::value::Value;

/// `feast.data_format.ParquetFormat`.
pub(super) static PARQUET: ClassSpec = ClassSpec {
    name: "ParquetFormat",
    module: "feast.data_format",
    ancestors: &["FileFormat"],
    ..ClassSpec::BASE
};

/// `feast.data_format.DeltaFormat`.
pub(super) static DELTA_FILE: ClassSpec = ClassSpec {
    name: "DeltaFormat",
    module: "feast.data_format",
    ancestors: &["FileFormat"],
    ..ClassSpec::BASE
};

const fn stream(name: &'static str, parameters: &'static [Parameter]) -> ClassSpec {
    ClassSpec {
        name,
        module: "feast.data_format",
        ancestors: &["StreamFormat"],
        parameters,
        positional: 1,
        ..ClassSpec::BASE
    }
}

/// `AvroFormat`.
pub(super) static AVRO: ClassSpec = stream("AvroFormat", &[required("schema_json", Kind::Text)]);
/// `JsonFormat`.
pub(super) static JSON: ClassSpec = stream("JsonFormat", &[required("schema_json", Kind::Text)]);
/// `ProtoFormat`.
pub(super) static PROTO: ClassSpec = stream("ProtoFormat", &[required("class_path", Kind::Text)]);

/// A table format: its parameters, and the properties that they also set.
macro_rules! table_format {
    ($static:ident, $name:literal, [$($parameter:expr),*]) => {
        /// A table format of `feast.table_format`.
        pub(super) static $static: ClassSpec = ClassSpec {
            name: $name,
            module: "feast.table_format",
            ancestors: &["TableFormat"],
            parameters: &[$($parameter,)* optional("properties", Kind::TextMap)],
            positional: 5,
            finish: Some(finish_table_format),
            ..ClassSpec::BASE
        };
    };
}

table_format!(
    ICEBERG,
    "IcebergFormat",
    [optional("catalog", Kind::Text), optional("namespace", Kind::Text)]
);
table_format!(DELTA_TABLE, "DeltaFormat", [optional("checkpoint_location", Kind::Text)]);
table_format!(
    HUDI,
    "HudiFormat",
    [
        optional("table_type", Kind::Text),
        optional("record_key", Kind::Text),
        optional("precombine_field", Kind::Text)
    ]
);
table_format!(
    LANCE,
    "LanceFormat",
    [
        optional("catalog", Kind::Text),
        optional("namespace", Kind::Text),
        optional("version", Kind::Int),
        optional("tag", Kind::Text)
    ]
);

/// Feast mirrors the parameters of table formats into their properties.
const MIRRORED: [(&str, &str, &str); 9] = [
    ("IcebergFormat", "catalog", "iceberg.catalog"),
    ("IcebergFormat", "namespace", "iceberg.namespace"),
    ("DeltaFormat", "checkpoint_location", "delta.checkpointLocation"),
    ("HudiFormat", "table_type", "hoodie.datasource.write.table.type"),
    ("HudiFormat", "record_key", "hoodie.datasource.write.recordkey.field"),
    ("HudiFormat", "precombine_field", "hoodie.datasource.write.precombine.field"),
    ("LanceFormat", "catalog", "lance.catalog"),
    ("LanceFormat", "namespace", "lance.namespace"),
    ("LanceFormat", "tag", "lance.tag"),
];

fn finish_table_format(_: &mut Interpreter<'_>, object: &Rc<Object>) -> Outcome<()> {
    let mut properties: Vec<(Rc<str>, Value)> = text_map(&object.get("properties"))
        .into_iter()
        .map(|(name, value)| (Rc::from(name), Value::text(value)))
        .collect();
    for (class, parameter, property) in MIRRORED {
        let value = object.get(parameter);
        if class == object.spec.name && value.truth() {
            properties.push((Rc::from(property), value));
        }
    }
    if object.is_a("LanceFormat") && !object.get("version").is_none() {
        let version = object.get("version").as_int().unwrap_or(0);
        if object.get("tag").truth() {
            return Err(object.error("LanceFormat takes a version or a tag, not both"));
        }
        if version < 1 {
            return Err(object.error("LanceFormat versions start at 1"));
        }
        properties.push((Rc::from("lance.version"), Value::text(version.to_string())));
    }
    object.set("properties", Value::text_dict(properties));
    Ok(())
}

/// `feast.credentials.ConnectionRef`; stored as tags of the data source.
pub(super) static CONNECTION_REF: ClassSpec = ClassSpec {
    name: "ConnectionRef",
    module: "feast.credentials",
    parameters: &[
        required("provider", Kind::Text),
        required("name", Kind::Text),
        with("namespace", Kind::Text, Fallback::Text("")),
        with("connection_type", Kind::Text, Fallback::Text("")),
        with("auth_type", Kind::Text, Fallback::Text("secret")),
        optional("params", Kind::TextMap),
    ],
    positional: 6,
    ..ClassSpec::BASE
};

/// The tags that stand for a connection reference.
pub(super) fn connection_tags(reference: &Object) -> Vec<(String, String)> {
    let tag = |name: &str| format!("feast.connection-ref.{name}");
    let mut tags =
        vec![(tag("provider"), reference.text("provider")), (tag("name"), reference.name())];
    let optional = [
        ("namespace", reference.text("namespace"), ""),
        ("connection-type", reference.text("connection_type"), ""),
        ("auth-type", reference.text("auth_type"), "secret"),
    ];
    for (name, value, default) in optional {
        if !value.is_empty() && value != default {
            tags.push((tag(name), value));
        }
    }
    for (name, value) in text_map(&reference.get("params")) {
        tags.push((tag(&format!("param.{name}")), value));
    }
    tags
}

/// `Aggregation`.
pub(super) static AGGREGATION: ClassSpec = ClassSpec {
    name: "Aggregation",
    module: "feast.aggregation",
    parameters: &[
        nullable("column", Kind::Text, Fallback::Text("")),
        nullable("function", Kind::Text, Fallback::Text("")),
        optional("time_window", Kind::Duration),
        optional("slide_interval", Kind::Duration),
        optional("name", Kind::Text),
    ],
    positional: 5,
    finish: Some(|_, object| {
        if !object.get("slide_interval").truth() {
            object.set("slide_interval", object.get("time_window"));
        }
        Ok(())
    }),
    ..ClassSpec::BASE
};

/// `LoggingConfig`.
pub(super) static LOGGING: ClassSpec = ClassSpec {
    name: "LoggingConfig",
    module: "feast.feature_logging",
    parameters: &[
        required("destination", Kind::Object("LoggingDestination")),
        with("sample_rate", Kind::Float, Fallback::Float(1.0)),
    ],
    positional: 2,
    ..ClassSpec::BASE
};

const fn destination(
    name: &'static str,
    module: &'static str,
    parameters: &'static [Parameter],
) -> ClassSpec {
    ClassSpec { name, module, ancestors: &["LoggingDestination"], parameters, ..ClassSpec::BASE }
}

/// `FileLoggingDestination`.
pub(super) static FILE_LOG: ClassSpec = destination(
    "FileLoggingDestination",
    "feast.infra.offline_stores.file_source",
    &[
        required("path", Kind::Text),
        with("s3_endpoint_override", Kind::Text, Fallback::Text("")),
        optional("partition_by", Kind::List(&Kind::Text)),
    ],
);
/// `BigQueryLoggingDestination`.
pub(super) static BIGQUERY_LOG: ClassSpec = destination(
    "BigQueryLoggingDestination",
    "feast.infra.offline_stores.bigquery_source",
    &[required("table_ref", Kind::Text)],
);
/// `RedshiftLoggingDestination`.
pub(super) static REDSHIFT_LOG: ClassSpec = destination(
    "RedshiftLoggingDestination",
    "feast.infra.offline_stores.redshift_source",
    &[required("table_name", Kind::Text)],
);
/// `SnowflakeLoggingDestination`.
pub(super) static SNOWFLAKE_LOG: ClassSpec = destination(
    "SnowflakeLoggingDestination",
    "feast.infra.offline_stores.snowflake_source",
    &[required("table_name", Kind::Text)],
);
/// `AthenaLoggingDestination`.
pub(super) static ATHENA_LOG: ClassSpec = destination(
    "AthenaLoggingDestination",
    "feast.infra.offline_stores.contrib.athena_offline_store.athena_source",
    &[required("table_name", Kind::Text)],
);

/// `CouchbaseColumnarLoggingDestination`.
pub(super) static COUCHBASE_LOG: ClassSpec = destination(
    "CouchbaseColumnarLoggingDestination",
    "feast.infra.offline_stores.contrib.couchbase_offline_store.couchbase_source",
    &[
        required("database", Kind::Text),
        required("scope", Kind::Text),
        required("table_name", Kind::Text),
    ],
);

/// The domain file format.
pub(super) fn file_format(value: &Value) -> Option<FileFormat> {
    let object = value.as_object()?;
    Some(if object.is_a("ParquetFormat") {
        FileFormat::Parquet
    } else {
        FileFormat::Delta { checkpoint_location: String::new(), properties: text_map(&Value::None) }
    })
}

/// The domain stream format.
pub(super) fn stream_format(value: &Value) -> Option<StreamFormat> {
    let object = value.as_object()?;
    Some(match object.spec.name {
        "AvroFormat" => StreamFormat::Avro(object.text("schema_json")),
        "JsonFormat" => StreamFormat::Json(object.text("schema_json")),
        _ => StreamFormat::Proto(object.text("class_path")),
    })
}

/// A `timedelta` that must not be negative.
///
/// # Errors
/// [`larder_core::ErrorKind::Invalid`] for a negative one, which no consumer of the registry could follow.
pub(super) fn duration(object: &Object, name: &str) -> Result<Option<std::time::Duration>> {
    let Value::Duration(micros) = object.get(name) else { return Ok(None) };
    let Ok(micros) = u64::try_from(micros) else {
        let (class, subject) = (object.spec.name, object.name());
        let what = format!("{class} \"{subject}\": {name} is negative or too long");
        return Err(Error::invalid(what).with_location(object.location.clone()));
    };
    Ok(Some(std::time::Duration::from_micros(micros)))
}

/// The domain aggregations of a view.
pub(super) fn aggregations(view: &Object) -> Result<Vec<Aggregation>> {
    let aggregation = |object: &Rc<Object>| {
        Ok(Aggregation {
            column: object.text("column"),
            function: object.text("function"),
            time_window: duration(object, "time_window")?,
            slide_interval: duration(object, "slide_interval")?,
            name: object.text("name"),
        })
    };
    view.objects("aggregations").iter().map(aggregation).collect()
}

/// The domain logging configuration.
pub(super) fn logging(config: &Object) -> Option<LoggingConfig> {
    let destination = config.get("destination");
    let destination = destination.as_object()?;
    let table = || destination.text("table_name");
    #[expect(clippy::cast_possible_truncation, reason = "the registry stores a float")]
    let sample_rate = match config.get("sample_rate") {
        Value::Float(rate) => rate as f32,
        other => other.as_int().map_or(1.0, |rate| rate as f32),
    };
    let destination = match destination.spec.name {
        "BigQueryLoggingDestination" => LoggingDestination::BigQuery(destination.text("table_ref")),
        "RedshiftLoggingDestination" => LoggingDestination::Redshift(table()),
        "SnowflakeLoggingDestination" => LoggingDestination::Snowflake(table()),
        "AthenaLoggingDestination" => LoggingDestination::Athena(table()),
        "CouchbaseColumnarLoggingDestination" => LoggingDestination::Couchbase {
            database: destination.text("database"),
            scope: destination.text("scope"),
            collection: table(),
        },
        _ => LoggingDestination::File {
            path: destination.text("path"),
            s3_endpoint_override: destination.text("s3_endpoint_override"),
            partition_by: destination
                .items("partition_by")
                .iter()
                .filter_map(|column| column.as_str().map(str::to_owned))
                .collect(),
        },
    };
    Some(LoggingConfig { sample_rate, destination })
}
