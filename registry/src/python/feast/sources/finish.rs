//! What source constructors check and derive.

use std::rc::Rc;

use super::custom::{self, Absent};
use super::streams;
use crate::python::eval::exception::{Outcome, Stop};
use crate::python::eval::interpreter::Interpreter;
use crate::python::eval::json;
use crate::python::eval::record::Object;
use crate::python::eval::value::Value;

/// Readers that a Ray source may name.
const RAY_READERS: [&str; 11] = [
    "parquet",
    "csv",
    "json",
    "text",
    "images",
    "binary_files",
    "tfrecords",
    "webdataset",
    "huggingface",
    "mongo",
    "sql",
];
/// File formats that a Spark source may name.
const SPARK_FORMATS: [&str; 4] = ["csv", "json", "parquet", "avro"];

/// Runs after the construction of any source.
pub(super) fn finish(interpreter: &mut Interpreter<'_>, object: &Rc<Object>) -> Outcome<()> {
    object.set("_given_name", object.get("name"));
    match object.spec.name {
        "FileSource" => default_name(object, &["path"]),
        "KafkaSource" => kafka(interpreter, object),
        "RequestSource" => streams::request_schema(interpreter, object)?,
        "BigQuerySource" | "RedshiftSource" | "SnowflakeSource" | "AthenaSource" => {
            warehouse(object)?;
        }
        "SparkSource" => spark(object)?,
        "RaySource" if !RAY_READERS.contains(&&*object.text("reader_type")) => {
            let readers = RAY_READERS.join(", ");
            return Err(object.error("the reader_type of the Ray source is unknown").hint(readers));
        }
        "ChrononSource" => chronon(object)?,
        "LanceSource" => lance(object)?,
        "MlflowDatasetSource" => mlflow(object)?,
        "IcebergSource" => default_name(object, &["warehouse", "namespace", "table"]),
        "UnityCatalogSource" => unity(interpreter, object),
        "CouchbaseColumnarSource" => named_by(object, "collection")?,
        "TrinoSource" | "PostgreSQLSource" | "ClickhouseSource" => named_by(object, "table")?,
        _ => {}
    }
    older_timestamp(interpreter, object);
    let created = object.text("created_timestamp_column");
    if !created.is_empty() && created == object.text("timestamp_field") {
        let message = format!(
            "{} \"{}\" uses \"{created}\" for both timestamp_field and created_timestamp_column",
            object.spec.name,
            object.name()
        );
        return Err(object.error(message).hint("leave created_timestamp_column out"));
    }
    crate::python::feast::field::empty_tags(object);
    configuration(interpreter, object)
}

/// `event_timestamp_column` of a file source: Feast 0.67 accepts and forgets it, which nobody can want.
fn older_timestamp(interpreter: &mut Interpreter<'_>, object: &Rc<Object>) {
    let old = object.get("event_timestamp_column");
    if object.is_a("MsSqlServerSource") || object.is_a("OracleSource") {
        object.set("timestamp_field", old);
    } else if old.truth() {
        let message = format!(
            "{} \"{}\": \"event_timestamp_column\" is Feast's old name for \"timestamp_field\"",
            object.spec.name,
            object.name()
        );
        interpreter.warn(message, object.location.clone());
        if !object.get("timestamp_field").truth() {
            object.set("timestamp_field", old);
        }
    }
}

fn default_name(object: &Object, parts: &[&str]) {
    if !object.get("name").truth() {
        let parts: Vec<String> = parts.iter().map(|part| object.text(part)).collect();
        object.set("name", Value::text(parts.join(".")));
    }
}

fn named_by(object: &Rc<Object>, attribute: &str) -> Outcome<()> {
    if object.get("name").is_none() && object.get(attribute).is_none() {
        return Err(unnamed(object));
    }
    default_name(object, &[attribute]);
    Ok(())
}

fn unnamed(object: &Rc<Object>) -> Stop {
    object.error(format!("a {} needs a name", object.spec.name)).hint("give name=...")
}

fn kafka(interpreter: &mut Interpreter<'_>, object: &Rc<Object>) {
    if object.get("bootstrap_servers").truth() {
        let message = format!(
            "KafkaSource \"{}\": \"bootstrap_servers\" is Feast's old name for \"kafka_bootstrap_servers\"",
            object.name()
        );
        interpreter.warn(message, object.location.clone());
        if !object.get("kafka_bootstrap_servers").truth() {
            object.set("kafka_bootstrap_servers", object.get("bootstrap_servers"));
        }
    }
}

fn warehouse(object: &Rc<Object>) -> Outcome<()> {
    let (table, query) = (object.get("table"), object.get("query"));
    if table.is_none() && query.is_none() {
        let message = format!("{} needs a table or a query", object.spec.name);
        return Err(object.error(message));
    }
    if object.is_a("SnowflakeSource") && table.truth() && query.truth() {
        return Err(object.error("SnowflakeSource takes a table or a query, not both"));
    }
    named_by(object, "table")?;
    let default = match object.spec.name {
        "RedshiftSource" if table.truth() => Some(("schema", "public")),
        "SnowflakeSource" if table.truth() && object.get("database").truth() => {
            Some(("schema", "PUBLIC"))
        }
        "AthenaSource" if table.truth() => Some(("database", "default")),
        _ => None,
    };
    if let Some((attribute, value)) = default
        && !object.get(attribute).truth()
    {
        object.set(attribute, Value::text(value));
    }
    Ok(())
}

fn spark(object: &Rc<Object>) -> Outcome<()> {
    named_by(object, "table")?;
    let given = |name: &str| object.get(name).truth();
    if given("table") && (given("query") || given("path")) {
        return Err(object.error("SparkSource: table cannot be combined with query or path"));
    }
    if !given("table") && !given("query") && !given("path") {
        return Err(object.error("SparkSource needs a table, a query or a path"));
    }
    if given("path") && !given("table_format") && !given("file_format") {
        return Err(object.error("SparkSource: a path needs a file_format or a table_format"));
    }
    let format = object.text("file_format");
    if given("path") && given("file_format") && !SPARK_FORMATS.contains(&&*format) {
        let message = format!("SparkSource: the file_format \"{format}\" is unknown");
        return Err(object.error(message).hint(SPARK_FORMATS.join(", ")));
    }
    Ok(())
}

fn chronon(object: &Rc<Object>) -> Outcome<()> {
    for needed in ["materialization_path", "timestamp_field"] {
        if !object.get(needed).truth() {
            return Err(object.error(format!("ChrononSource needs a {needed}")));
        }
    }
    let (join, group) =
        (object.get("chronon_join").truth(), object.get("chronon_group_by").truth());
    if join && group {
        return Err(object.error("ChrononSource takes chronon_join or chronon_group_by, not both"));
    }
    if object.get("online_endpoint").truth() && !join && !group {
        let message = "ChrononSource: online_endpoint needs chronon_join or chronon_group_by";
        return Err(object.error(message));
    }
    default_name(object, &["materialization_path"]);
    Ok(())
}

fn lance(object: &Rc<Object>) -> Outcome<()> {
    let (uri, table) = (object.get("uri").truth(), object.get("table").truth());
    if uri == table {
        return Err(object.error("LanceSource takes either a uri or a table"));
    }
    if table && !object.get("namespace_impl").truth() {
        return Err(object.error("LanceSource: a table needs a namespace_impl"));
    }
    let format = object.get("table_format");
    let part = |name: &str| match &format {
        Value::Object(format) => format.get(name),
        _ => Value::None,
    };
    if !object.get("name").truth() {
        let table = [part("catalog"), part("namespace"), object.get("table")];
        let parts: Vec<&str> =
            table.iter().filter_map(Value::as_str).filter(|part| !part.is_empty()).collect();
        let name = if uri { object.text("uri") } else { parts.join(".") };
        object.set("name", Value::text(name));
    }
    let empty = || Value::text_dict(Vec::new());
    let properties = if format.is_none() { empty() } else { part("properties") };
    let written = [
        ("format_type", Value::text("lance")),
        ("catalog", part("catalog")),
        ("namespace", part("namespace")),
        ("version", part("version")),
        ("tag", part("tag")),
        ("properties", properties),
    ];
    let written = written.into_iter().map(|(name, value)| (Rc::from(name), value));
    object.set("_table_format", Value::text_dict(written));
    Ok(())
}

fn mlflow(object: &Rc<Object>) -> Outcome<()> {
    let given = |name: &str| object.get(name).truth();
    let dataset = given("dataset_name") || given("dataset_id");
    let artifact = given("run_id") && given("artifact_path");
    if dataset == artifact {
        let message = "MlflowDatasetSource takes either dataset_name or dataset_id, or run_id with artifact_path";
        return Err(object.error(message));
    }
    if artifact && !["parquet", "csv"].contains(&&*object.text("artifact_format")) {
        return Err(object.error("MlflowDatasetSource: artifact_format must be parquet or csv"));
    }
    if object.get("name").is_none() {
        return Err(unnamed(object));
    }
    let batch = object.get("batch_source");
    for column in ["timestamp_field", "created_timestamp_column"] {
        if let Value::Object(batch) = &batch
            && !given(column)
        {
            object.set(column, batch.get(column));
        }
    }
    Ok(())
}

fn unity(interpreter: &mut Interpreter<'_>, object: &Rc<Object>) {
    default_name(object, &["warehouse", "namespace", "table"]);
    if object.get("endpoint").is_none() {
        let host = interpreter.environment.variable("DATABRICKS_HOST").unwrap_or_default();
        object.set("endpoint", Value::text(format!("{host}/api/2.1/unity-catalog/iceberg")));
    }
    if object.get("token_env_var").is_none() {
        object.set("token_env_var", Value::text("DATABRICKS_TOKEN"));
    }
}

/// The JSON text of a class that Feast stores as a custom source.
fn configuration(interpreter: &mut Interpreter<'_>, object: &Rc<Object>) -> Outcome<()> {
    let Some(custom) = custom::CLASSES.iter().find(|custom| std::ptr::eq(custom.spec, object.spec))
    else {
        return Ok(());
    };
    let entries = custom.json.iter().map(|(name, attribute, absent)| {
        let value = object.get(attribute);
        let value = match absent {
            Absent::Empty if !value.truth() => Value::text(""),
            Absent::Map if value.is_none() => Value::text_dict(Vec::new()),
            _ => value,
        };
        (Rc::from(*name), value)
    });
    let text = json::dump(interpreter, &Value::text_dict(entries))?;
    object.set("_configuration", Value::text(text));
    Ok(())
}
