//! Which kind of document calls which constructor.

use larder_core::Result;

use crate::python::{ClassSpec, Parameter, class};
use crate::yaml::{Value as Yaml, did_you_mean};

/// Kinds of documents with Feast's classes.
const KINDS: [(&str, &str); 31] = [
    ("project", "Project"),
    ("entity", "Entity"),
    ("file_source", "FileSource"),
    ("push_source", "PushSource"),
    ("request_source", "RequestSource"),
    ("kafka_source", "KafkaSource"),
    ("kinesis_source", "KinesisSource"),
    ("bigquery_source", "BigQuerySource"),
    ("redshift_source", "RedshiftSource"),
    ("snowflake_source", "SnowflakeSource"),
    ("trino_source", "TrinoSource"),
    ("athena_source", "AthenaSource"),
    ("spark_source", "SparkSource"),
    ("postgres_source", "PostgreSQLSource"),
    ("clickhouse_source", "ClickhouseSource"),
    ("couchbase_source", "CouchbaseColumnarSource"),
    ("mssql_source", "MsSqlServerSource"),
    ("oracle_source", "OracleSource"),
    ("ray_source", "RaySource"),
    ("chronon_source", "ChrononSource"),
    ("lance_source", "LanceSource"),
    ("mlflow_source", "MlflowDatasetSource"),
    ("iceberg_source", "IcebergSource"),
    ("unity_catalog_source", "UnityCatalogSource"),
    ("feature_view", "FeatureView"),
    ("batch_feature_view", "BatchFeatureView"),
    ("stream_feature_view", "StreamFeatureView"),
    ("label_view", "LabelView"),
    ("on_demand_feature_view", "OnDemandFeatureView"),
    ("feature_service", "FeatureService"),
    ("permission", "Permission"),
];

/// Kinds that no repository defines, neither in Python: their constructors say why.
const REFUSED: [(&str, &str); 2] =
    [("saved_dataset", "SavedDataset"), ("validation_reference", "ValidationReference")];

/// The class of a kind.
///
/// # Errors
/// `Invalid` at the value for an unknown kind.
pub(super) fn class_of(kind: &Yaml<'_>) -> Result<&'static ClassSpec> {
    let word = kind.text()?;
    let named = KINDS.iter().chain(&REFUSED).find(|(known, _)| *known == word);
    if let Some(class) = named.and_then(|(_, name)| class("", name)) {
        return Ok(class);
    }
    let error = kind.error(format!("\"{word}\" is no kind of object"));
    Err(match did_you_mean(&word, KINDS.iter().map(|(known, _)| *known)) {
        Some(known) => error.with_hint(format!("did you mean \"{known}\"?")),
        None => error.with_hint(known_kinds()),
    })
}

/// A hint that lists all kinds.
pub(super) fn known_kinds() -> String {
    let words: Vec<&str> = KINDS.iter().map(|(known, _)| *known).collect();
    format!("known kinds: {}", words.join(", "))
}

/// Parameters that mean something in Python only: functions as objects, engines that the registry does not hold,
/// times that an apply sets.
const PYTHON_ONLY: [&str; 7] = [
    "udf",
    "udf_string",
    "feature_transformation",
    "stream_engine",
    "batch_engine",
    "created_timestamp",
    "last_updated_timestamp",
];

/// Older spellings of other parameters.
const OLDER: [(&str, &str); 2] =
    [("FileSource", "event_timestamp_column"), ("KafkaSource", "bootstrap_servers")];

/// The parameters of a class that are keys of its documents.
pub(super) fn keys(class: &'static ClassSpec) -> impl Iterator<Item = &'static Parameter> {
    class.all_parameters().filter(|parameter| {
        let name = parameter.name;
        !name.starts_with('_')
            && !PYTHON_ONLY.contains(&name)
            && !OLDER.contains(&(class.name, name))
    })
}

/// Whether a view of this class may have a function.
pub(super) fn computes(class: &ClassSpec) -> bool {
    class.all_parameters().any(|parameter| parameter.name == "udf")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = include_str!("../../../docs/yaml-definitions.md");

    /// The paragraphs of the page that name something in backticks, without the examples.
    fn paragraphs() -> Vec<&'static str> {
        let prose = PAGE.split("```").step_by(2);
        prose.flat_map(|text| text.split("\n\n")).flat_map(|text| text.split(".\n`")).collect()
    }

    #[test]
    fn the_page_names_every_kind_with_every_key() {
        let shared: Vec<&str> =
            paragraphs().into_iter().filter(|text| text.starts_with("Every ")).collect();
        for (kind, name) in KINDS {
            let class = class("", name).unwrap();
            assert!(PAGE.contains(&format!("kind: {kind}\n")), "no example of {kind}");
            let own = paragraphs().into_iter().find(|text| {
                let words = text.split(": ").next().unwrap_or_default();
                words.trim_start_matches('`').contains(kind)
            });
            let own = own.unwrap_or_else(|| panic!("no paragraph of {kind}"));
            for parameter in keys(class) {
                let word = format!("`{}`", parameter.name);
                let named = own.contains(&word)
                    || shared.iter().any(|text| text.contains(&word))
                    || matches!(parameter.name, "policy");
                assert!(named, "{kind}: the page does not name {word}");
            }
        }
    }
}
