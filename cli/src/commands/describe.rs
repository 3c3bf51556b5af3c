//! `list` and `describe` of every kind of registry object.

mod rows;

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use larder_core::{Error, ObjectKind, Result};
use larder_proto::wire::registry_file::{RegistryFile, RegistryList};
use serde_json::Value;

use crate::output::{self, OutputFormat, Table};
use crate::registry_json::{self, text};
use crate::repository::Repository;

/// What to do with the objects of one kind.
#[derive(Debug, Subcommand)]
pub(crate) enum ObjectCommand {
    /// List all.
    List(TagFilter),
    /// Show one.
    Describe {
        /// Name of the object.
        name: String,
    },
}

/// Restricts a list to objects with all of these tags.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct TagFilter {
    /// Tag that an object must have, as key:value. May be repeated or separated by commas.
    #[arg(long, value_name = "KEY:VALUE", value_delimiter = ',')]
    tags: Vec<String>,
}

impl TagFilter {
    fn pairs(&self) -> Result<BTreeMap<&str, &str>> {
        let given = self.tags.iter().filter(|tag| !tag.trim().is_empty());
        given.map(|tag| split_tag(tag)).collect()
    }
}

fn split_tag(tag: &str) -> Result<(&str, &str)> {
    tag.split_once(':').map(|(key, value)| (key.trim(), value.trim())).ok_or_else(|| {
        Error::invalid(format!("\"{tag}\" is not a tag")).with_hint("write it as key:value")
    })
}

/// Kinds of objects that have a command of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Entity,
    DataSource,
    FeatureView,
    OnDemandFeatureView,
    StreamFeatureView,
    LabelView,
    FeatureService,
    SavedDataset,
    ValidationReference,
    Permission,
    Project,
}

impl Kind {
    /// Where objects of this kind are.
    pub(crate) fn list(self) -> RegistryList {
        match self {
            Self::Entity => RegistryList::Entities,
            Self::DataSource => RegistryList::DataSources,
            Self::FeatureView => RegistryList::FeatureViews,
            Self::OnDemandFeatureView => RegistryList::OnDemandFeatureViews,
            Self::StreamFeatureView => RegistryList::StreamFeatureViews,
            Self::LabelView => RegistryList::LabelViews,
            Self::FeatureService => RegistryList::FeatureServices,
            Self::SavedDataset => RegistryList::SavedDatasets,
            Self::ValidationReference => RegistryList::ValidationReferences,
            Self::Permission => RegistryList::Permissions,
            Self::Project => RegistryList::Projects,
        }
    }

    /// The class of such objects in Feast's Python.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Entity => "Entity",
            Self::DataSource => "DataSource",
            Self::FeatureView => "FeatureView",
            Self::OnDemandFeatureView => "OnDemandFeatureView",
            Self::StreamFeatureView => "StreamFeatureView",
            Self::LabelView => "LabelView",
            Self::FeatureService => "FeatureService",
            Self::SavedDataset => "SavedDataset",
            Self::ValidationReference => "ValidationReference",
            Self::Permission => "Permission",
            Self::Project => "Project",
        }
    }

    fn object_kind(self) -> ObjectKind {
        match self {
            Self::Entity => ObjectKind::Entity,
            Self::DataSource => ObjectKind::DataSource,
            Self::FeatureView => ObjectKind::FeatureView,
            Self::OnDemandFeatureView => ObjectKind::OnDemandFeatureView,
            Self::StreamFeatureView => ObjectKind::StreamFeatureView,
            Self::LabelView => ObjectKind::LabelView,
            Self::FeatureService => ObjectKind::FeatureService,
            Self::SavedDataset => ObjectKind::SavedDataset,
            Self::ValidationReference => ObjectKind::ValidationReference,
            Self::Permission => ObjectKind::Permission,
            Self::Project => ObjectKind::Project,
        }
    }
}

pub(crate) fn run(
    repository: &Repository,
    kind: Kind,
    command: &ObjectCommand,
    format: OutputFormat,
) -> Result<()> {
    match command {
        ObjectCommand::List(filter) => list(repository, kind, filter, format),
        ObjectCommand::Describe { name } => output::object(&find(repository, kind, name)?, format),
    }
}

/// Prints the objects of one kind as a table.
pub(crate) fn list(
    repository: &Repository,
    kind: Kind,
    filter: &TagFilter,
    format: OutputFormat,
) -> Result<()> {
    let objects = filtered(repository.registry_file()?, kind, repository.project()?, filter)?;
    let table: Table = rows::table(kind, &objects);
    output::table(&table, format)
}

/// Objects of one kind with all tags of the filter, by name; `__dummy` is hidden, as in Feast.
pub(crate) fn filtered(
    file: &RegistryFile,
    kind: Kind,
    project: &str,
    filter: &TagFilter,
) -> Result<Vec<(String, Value)>> {
    let wanted = filter.pairs()?;
    let mut objects = registry_json::objects(file, kind.list(), project)?;
    objects.retain(|(name, object)| {
        let has = |(key, value): (&&str, &&str)| {
            ["/spec/tags", "/tags"].iter().any(|holder| {
                object.pointer(holder).and_then(|tags| tags.get(*key)).and_then(Value::as_str)
                    == Some(*value)
            })
        };
        name != larder_core::DUMMY_ENTITY && wanted.iter().all(has)
    });
    Ok(objects)
}

/// The object of this name.
///
/// # Errors
/// `NotFound`.
pub(crate) fn find(repository: &Repository, kind: Kind, name: &str) -> Result<Value> {
    let project = repository.project()?;
    let owner = if kind == Kind::Project { "" } else { project };
    let file = repository.registry_file()?;
    match file.find(kind.list(), owner, name) {
        Some(stored) => registry_json::object(kind.list(), stored),
        None => Err(Error::not_found(kind.object_kind(), name, owner)),
    }
}

/// Names of the entities of a view.
pub(crate) fn entity_names(view: &Value) -> Vec<&str> {
    registry_json::list(view, "/spec/entities").iter().filter_map(Value::as_str).collect()
}

/// The Python class behind a data source.
pub(crate) fn class_of(source: &Value) -> &str {
    match text(source, "/dataSourceClassType") {
        "" => class_of_type(text(source, "/type")),
        class => class,
    }
}

/// The class that reads a source type, for objects that were stored without one.
fn class_of_type(source_type: &str) -> &'static str {
    match source_type {
        "BATCH_FILE" => "feast.infra.offline_stores.file_source.FileSource",
        "BATCH_BIGQUERY" => "feast.infra.offline_stores.bigquery_source.BigQuerySource",
        "BATCH_REDSHIFT" => "feast.infra.offline_stores.redshift_source.RedshiftSource",
        "BATCH_SNOWFLAKE" => "feast.infra.offline_stores.snowflake_source.SnowflakeSource",
        "STREAM_KAFKA" => "feast.data_source.KafkaSource",
        "STREAM_KINESIS" => "feast.data_source.KinesisSource",
        "REQUEST_SOURCE" => "feast.data_source.RequestSource",
        "PUSH_SOURCE" => "feast.data_source.PushSource",
        _ => "feast.data_source.DataSource",
    }
}
