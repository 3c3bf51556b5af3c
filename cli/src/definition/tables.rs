//! Which tables of the online store an apply makes and removes.

use larder_core::{Catalog, FeatureView, ObjectKind, Result};
use larder_materializer::PrecomputedService;
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

/// Whether rows may have to go with what the plan changes: with a deleted view or service, and with an on-demand view
/// or service that is not stored any more.
pub(super) fn may_remove_rows(plan: &Plan) -> bool {
    plan.changes.iter().any(|change| match change.kind {
        ObjectKind::OnDemandFeatureView | ObjectKind::FeatureService => {
            change.action != Action::Create
        }
        kind => is_stored(kind) && change.action == Action::Delete,
    })
}

/// Tables of the views and services that are stored `before` an apply of the plan and not `after` it.
///
/// # Errors
/// `Invalid` for a view whose features clash.
pub(super) fn deleted(
    before: Option<&Catalog>,
    after: &Catalog,
    plan: &Plan,
) -> Result<Vec<ViewTable>> {
    // A view that changed its kind is deleted under one and created under the other.
    let is_gone = |name: &str| after.online_view(name).is_err();
    let Some(before) = before else {
        let deleted = plan.changes.iter().filter(|change| {
            is_stored(change.kind) && change.action == Action::Delete && is_gone(&change.name)
        });
        return deleted.map(|change| unknown(&plan.project, &change.name)).collect();
    };
    let gone: Vec<_> = before.online_views().filter(|view| is_gone(&view.name)).collect();
    let kept = PrecomputedService::all(after);
    // Vectors that were made of a view that is gone must not outlive it.
    let lose_vectors = |service: &PrecomputedService| {
        gone.iter().any(|view| service.has(&view.name))
            || kept.iter().all(|kept| kept.name() != service.name())
    };
    let mut tables = gone.iter().map(|view| table(before, view)).collect::<Result<Vec<_>>>()?;
    tables.extend(vectors(before, lose_vectors));
    Ok(tables)
}

/// The online tables that go with a deleted object; without features if the catalog from before is not known.
///
/// # Errors
/// `Invalid` for a view whose features clash.
pub(crate) fn removed(
    before: Option<&Catalog>,
    project: &str,
    kind: ObjectKind,
    name: &str,
) -> Result<Vec<ViewTable>> {
    let Some(before) = before else {
        return is_stored(kind).then(|| unknown(project, name)).into_iter().collect();
    };
    match kind {
        ObjectKind::FeatureService => Ok(vectors(before, |service| service.name() == name)),
        ObjectKind::OnDemandFeatureView => with_vectors(before, name),
        kind if is_stored(kind) => with_vectors(before, name),
        _ => Ok(Vec::new()),
    }
}

fn with_vectors(before: &Catalog, view: &str) -> Result<Vec<ViewTable>> {
    let Ok(stored) = before.online_view(view) else { return Ok(Vec::new()) };
    let mut tables = vec![table(before, stored)?];
    tables.extend(vectors(before, |service| service.has(view)));
    Ok(tables)
}

fn vectors(catalog: &Catalog, wanted: impl Fn(&PrecomputedService) -> bool) -> Vec<ViewTable> {
    let services = PrecomputedService::all(catalog);
    services.iter().filter(|one| wanted(one)).map(|service| service.table().clone()).collect()
}

/// The table of a view of which only the name is known.
fn unknown(project: &str, name: &str) -> Result<ViewTable> {
    ViewTable::new(project, name, [""; 0])
}

/// The online table of a registered view.
///
/// # Errors
/// `Invalid` for a view whose features clash.
pub(crate) fn table(catalog: &Catalog, view: &FeatureView) -> Result<ViewTable> {
    let name = view.table_name(catalog.online_versioning());
    ViewTable::of_view(catalog.project().name.as_str(), name, view, &view.features)
}
