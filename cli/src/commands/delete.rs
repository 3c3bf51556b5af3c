//! `fs delete`: one object, found by its name.

use clap::Args;
use larder_core::{ObjectKind, Result};
use larder_registry::edit;

use crate::repository::Repository;
use crate::{compose, definition, output};

/// Arguments of `fs delete`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  fs delete user_profile")]
pub(crate) struct Arguments {
    /// Name of an entity, view, service, source, dataset or reference; the first that has it is deleted.
    object_id: String,
}

/// Rows go before their view: when they cannot be removed, the view stays and can be deleted again.
pub(crate) fn run(repository: &Repository, arguments: &Arguments) -> Result<()> {
    let config = repository.existing()?;
    let (project, name) = (config.project.as_str(), arguments.object_id.as_str());
    let kind = edit::find_object(repository.registry_file()?, project, name)?;
    let tables = definition::removed(repository.catalog().ok().as_ref(), project, kind, name)?;
    if !tables.is_empty() && config.online_store.is_some() {
        let online = compose::online_store(config)?;
        compose::block_on(online.update(&[], &tables)).map_err(|error| {
            error.context(format_args!("\"{name}\" was not deleted: its rows cannot be removed"))
        })?;
    }
    let registry = compose::registry_store(config)?;
    let deleted = edit::delete_object(registry.as_ref(), project, name)?;
    let kind = class_name(deleted.kind);
    output::line(format!("Deleted {kind} {} from {project}.", deleted.name))
}

/// The Python class, as Feast names what it deleted.
fn class_name(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::Entity => "Entity",
        ObjectKind::FeatureView => "FeatureView",
        ObjectKind::FeatureService => "FeatureService",
        ObjectKind::DataSource => "DataSource",
        ObjectKind::SavedDataset => "SavedDataset",
        ObjectKind::ValidationReference => "ValidationReference",
        ObjectKind::StreamFeatureView => "StreamFeatureView",
        ObjectKind::OnDemandFeatureView => "OnDemandFeatureView",
        ObjectKind::LabelView => "LabelView",
        other => other.label(),
    }
}
