//! `fs features list|describe`.

use clap::{Subcommand, ValueEnum};
use larder_core::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use super::describe::{Kind, TagFilter, filtered};
use crate::output::{self, OutputFormat, Table};
use crate::registry_json::{list, text};
use crate::repository::Repository;

/// What to do with features.
#[derive(Debug, Subcommand)]
pub(crate) enum FeatureCommand {
    /// List the features of all views.
    List {
        /// How to print; overrides --output-format.
        #[arg(long, value_enum, ignore_case = true)]
        output: Option<ListOutput>,
    },
    /// Show a feature of every view that has one of this name.
    Describe {
        /// Name of the feature.
        name: String,
    },
}

/// Feast's own flag values.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ListOutput {
    /// A table.
    Table,
    /// A JSON list.
    Json,
}

/// Views in the order in which Feast lists them.
const VIEW_KINDS: [Kind; 3] =
    [Kind::FeatureView, Kind::OnDemandFeatureView, Kind::StreamFeatureView];

pub(crate) fn run(
    repository: &Repository,
    command: &FeatureCommand,
    format: OutputFormat,
) -> Result<()> {
    match command {
        FeatureCommand::List { output } => {
            let as_json = match output {
                Some(choice) => matches!(choice, ListOutput::Json),
                None => format == OutputFormat::Json,
            };
            list_all(repository, as_json)
        }
        FeatureCommand::Describe { name } => describe(repository, name),
    }
}

fn views(repository: &Repository) -> Result<Vec<(String, Value)>> {
    let file = repository.registry_file()?;
    let project = repository.project()?;
    let mut views = Vec::new();
    for kind in VIEW_KINDS {
        views.extend(filtered(file, kind, project, &TagFilter::default())?);
    }
    Ok(views)
}

fn list_all(repository: &Repository, as_json: bool) -> Result<()> {
    let mut table = Table::new(["Feature", "Feature View", "Data Type"]);
    let mut objects = Vec::new();
    for (view_name, view) in views(repository)? {
        for feature in list(&view, "/spec/features") {
            let (name, dtype) = (text(feature, "/name"), type_name(feature));
            // Feast 0.67 swaps the two names in its JSON; here they say what they mean.
            objects.push(json!({"feature_name": name, "feature_view": view_name, "dtype": dtype}));
            table.push([name.into(), view_name.as_str().into(), dtype.into()]);
        }
    }
    if as_json {
        output::json(&Value::Array(objects), 4)
    } else {
        output::table(&table, OutputFormat::Table)
    }
}

fn describe(repository: &Repository, name: &str) -> Result<()> {
    let mut found = Vec::new();
    for (view_name, view) in views(repository)? {
        for feature in list(&view, "/spec/features") {
            if text(feature, "/name") != name {
                continue;
            }
            let source = view.pointer("/spec/batchSource").cloned().unwrap_or_else(|| json!("N/A"));
            found.push(json!({
                "Feature Name": name,
                "Feature View": view_name,
                "Data Type": type_name(feature),
                "Description": text(feature, "/description"),
                "Online Store": view.pointer("/spec/online").cloned().unwrap_or_else(|| json!(false)),
                "Source": source,
            }));
        }
    }
    if found.is_empty() {
        return Err(Error::new(
            ErrorKind::NotFound,
            format!("no feature view has a feature \"{name}\""),
        )
        .with_hint("fs features list shows all"));
    }
    output::json(&Value::Array(found), 4)
}

/// The type as Feast's Python prints it: `Float64`, `Array(String)`.
fn type_name(feature: &Value) -> String {
    let name = text(feature, "/valueType");
    if let Some(element) = name.strip_suffix("_LIST") {
        return format!("Array({})", scalar_name(element));
    }
    if let Some(element) = name.strip_suffix("_SET") {
        return format!("Set({})", scalar_name(element));
    }
    scalar_name(name).to_owned()
}

fn scalar_name(name: &str) -> &str {
    match name {
        "BYTES" => "Bytes",
        "STRING" => "String",
        "INT32" => "Int32",
        "INT64" => "Int64",
        "DOUBLE" => "Float64",
        "FLOAT" => "Float32",
        "BOOL" => "Bool",
        "UNIX_TIMESTAMP" => "UnixTimestamp",
        "MAP" => "Map",
        "JSON" => "Json",
        "STRUCT" => "Struct",
        "UUID" => "Uuid",
        "TIME_UUID" => "TimeUuid",
        "DECIMAL" => "Decimal",
        "ZONED_TIMESTAMP" => "ZonedTimestamp",
        "SCALAR_MAP" => "ScalarMap",
        "" | "INVALID" => "Invalid",
        other => other,
    }
}
