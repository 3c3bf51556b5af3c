//! `fs delete`: one object, found by its name.

use clap::Args;
use larder_core::{Catalog, ObjectKind, Result};
use larder_online_store::ViewTable;
use larder_registry::edit::{self, Deleted};

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

pub(crate) fn run(repository: &Repository, arguments: &Arguments) -> Result<()> {
    let config = repository.existing()?;
    let registry = compose::registry_store(config)?;
    let before = repository.catalog().ok();
    let deleted = edit::delete_object(registry.as_ref(), &config.project, &arguments.object_id)?;
    if let (Some(table), true) =
        (table(before.as_ref(), &config.project, &deleted)?, config.online_store.is_some())
    {
        let online = compose::online_store(config)?;
        compose::block_on(online.update(&[], &[table]))?;
    }
    let kind = class_name(deleted.kind);
    output::line(format!("Deleted {kind} {} from {}.", deleted.name, config.project))
}

/// The online table of a deleted view.
fn table(before: Option<&Catalog>, project: &str, deleted: &Deleted) -> Result<Option<ViewTable>> {
    let stored = matches!(
        deleted.kind,
        ObjectKind::FeatureView | ObjectKind::StreamFeatureView | ObjectKind::LabelView
    );
    stored.then(|| definition::removed(before, project, &deleted.name)).transpose()
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
