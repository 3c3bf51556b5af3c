//! Which tables of the online store an apply makes and removes.

use larder_core::{Catalog, FeatureView, ObjectKind, Result};
use larder_online_store::ViewTable;
use larder_registry::RepoConfig;
use larder_registry::plan::{Action, Plan};

/// One table that an apply makes, moves or removes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TableChange {
    /// What happens.
    pub(crate) action: Action,
    /// Type of the online store.
    pub(crate) store: String,
    /// `{project}_{view}`, as Feast names tables.
    pub(crate) name: String,
}

/// The changes to show. SQLite's are those that the registry records, as in Feast; other stores follow the views.
pub(super) fn changes(plan: &Plan, config: &RepoConfig) -> Vec<TableChange> {
    let Some(store) = &config.online_store else { return Vec::new() };
    let store = store.type_name().to_owned();
    if store == "sqlite" {
        let change = |change: &larder_registry::plan::InfraChange| TableChange {
            action: change.action,
            store: store.clone(),
            name: change.table.name.clone(),
        };
        return plan.infra.iter().map(change).collect();
    }
    plan.changes
        .iter()
        .filter(|change| is_stored(change.kind) && change.action != Action::Update)
        .map(|change| TableChange {
            action: change.action,
            store: store.clone(),
            name: format!("{}_{}", plan.project, change.name),
        })
        .collect()
}

/// Whether rows of views of this kind are kept online.
fn is_stored(kind: ObjectKind) -> bool {
    matches!(kind, ObjectKind::FeatureView | ObjectKind::StreamFeatureView | ObjectKind::LabelView)
}

/// Whether the plan deletes a view whose rows are kept online.
pub(super) fn deletes_views(plan: &Plan) -> bool {
    plan.changes.iter().any(|change| is_stored(change.kind) && change.action == Action::Delete)
}

/// Tables of the views that are registered `before` an apply of the plan and not `after` it.
///
/// # Errors
/// `Invalid` for a view whose features clash.
pub(super) fn deleted(
    before: Option<&Catalog>,
    after: &Catalog,
    plan: &Plan,
) -> Result<Vec<ViewTable>> {
    let deleted = plan.changes.iter().filter(|change| {
        is_stored(change.kind)
            && change.action == Action::Delete
            // A view that changed its kind is deleted under one and created under the other.
            && !after.feature_views().contains_key(&change.name)
    });
    deleted.map(|change| removed(before, plan.project.as_str(), &change.name)).collect()
}

/// The online table of a view that is not registered any more; with its features if the catalog from before is known.
///
/// # Errors
/// `Invalid` for a view whose features clash.
pub(crate) fn removed(before: Option<&Catalog>, project: &str, name: &str) -> Result<ViewTable> {
    let view = before.and_then(|catalog| Some((catalog, catalog.feature_views().get(name)?)));
    match view {
        Some((catalog, view)) => table(catalog, view),
        None => ViewTable::new(project, name, [""; 0]),
    }
}

/// The online table of a registered view.
///
/// # Errors
/// `Invalid` for a view whose features clash.
pub(crate) fn table(catalog: &Catalog, view: &FeatureView) -> Result<ViewTable> {
    let name = view.table_name(catalog.online_versioning());
    ViewTable::of_view(catalog.project().name.as_str(), name, view, &view.features)
}
