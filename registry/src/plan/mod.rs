//! What an apply would do, as data: Feast's diff between a repository and the registry.

mod field_change;
mod infra;
mod normal_form;
mod pinned;
mod proto_text;
mod stored;

use std::collections::{BTreeMap, BTreeSet};

use larder_core::{DUMMY_ENTITY, ObjectKind, Result};
use larder_proto::wire::registry_file::{RegistryFile, RegistryList, StoredObject};

pub use field_change::FieldChange;
pub use infra::{InfraChange, InfraTable};
pub(crate) use infra::{replaced as infra_with_tables, tables_of as infra_tables_of};
pub(crate) use normal_form::{Comparable, schema_changed};
use pinned::Lazy;
pub(crate) use stored::{decode, encode};

use crate::definitions::Object;
use crate::repo_contents::RepoContents;

/// What happens to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It is new.
    Create,
    /// Its definition changed.
    Update,
    /// The repository no longer defines it.
    Delete,
}

/// One registry object that an apply would change.
#[derive(Debug, Clone)]
pub struct Change {
    /// Kind of the object.
    pub kind: ObjectKind,
    /// Name of the object.
    pub name: String,
    /// What happens to it.
    pub action: Action,
    /// The fields that differ, in the order of the protobuf message; only for updates.
    pub fields: Vec<FieldChange>,
    /// The definition; `None` for a deletion.
    pub(crate) definition: Option<Object>,
    /// What the registry held when the plan was made; `None` for a creation.
    pub(crate) before: Option<StoredObject>,
}

impl Change {
    /// Whether Feast's CLI prints it (Feast 0.67: no data sources, no `__dummy`).
    pub fn is_shown(&self) -> bool {
        self.kind != ObjectKind::DataSource && self.name != DUMMY_ENTITY
    }
}

/// Everything that an apply would change, in the order of kinds that Feast has and of names.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Project.
    pub project: String,
    /// Changed registry objects. What is not here stays as it is, byte for byte.
    pub changes: Vec<Change>,
    /// Changed tables of a SQLite online store; empty for other stores.
    pub infra: Vec<InfraChange>,
    /// The tables after the apply; `None` when the online store has none that the registry records.
    pub(crate) tables: Option<Vec<InfraTable>>,
}

impl Plan {
    /// Whether an apply would change nothing.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.infra.is_empty()
    }
}

/// Kinds in Feast's order.
const ORDER: [ObjectKind; 9] = [
    ObjectKind::Project,
    ObjectKind::DataSource,
    ObjectKind::Entity,
    ObjectKind::FeatureView,
    ObjectKind::OnDemandFeatureView,
    ObjectKind::StreamFeatureView,
    ObjectKind::LabelView,
    ObjectKind::FeatureService,
    ObjectKind::Permission,
];

/// Compares complete definitions (after inference) with the registry.
///
/// `sqlite_path` is the absolute path of a SQLite online store's file, whose tables the registry records.
///
/// # Errors
/// `Data` when a stored object of the project cannot be decoded.
pub fn plan(
    file: &RegistryFile,
    contents: &RepoContents,
    sqlite_path: Option<&str>,
) -> Result<Plan> {
    let mut desired = definitions(contents);
    let project = contents.project.name.as_str();
    let versions = Lazy::new(file, project);
    let mut changes = Vec::new();
    for kind in ORDER {
        let Some(list) = RegistryList::of(kind) else { continue };
        let stored = stored_objects(file, list, kind, project);
        let wanted = desired.remove(&kind).unwrap_or_default();
        let names: BTreeSet<&str> =
            stored.keys().copied().chain(wanted.keys().map(String::as_str)).collect();
        for name in names {
            changes.extend(change(
                kind,
                list,
                name,
                wanted.get(name),
                stored.get(name).copied(),
                project,
                &versions,
            )?);
        }
    }
    let (infra, tables) = match sqlite_path {
        Some(path) => infra::diff(file, project, &infra::tables(contents, path))?,
        None => (Vec::new(), None),
    };
    Ok(Plan { project: project.to_owned(), changes, infra, tables })
}

/// The stored objects of one kind by name. A project never deletes another one.
fn stored_objects<'a>(
    file: &'a RegistryFile,
    list: RegistryList,
    kind: ObjectKind,
    project: &str,
) -> BTreeMap<&'a str, &'a StoredObject> {
    let of_project = |object: &&StoredObject| match kind {
        ObjectKind::Project => object.name() == project,
        _ => object.project() == project,
    };
    file.objects(list).iter().filter(of_project).map(|object| (object.name(), object)).collect()
}

fn definitions(contents: &RepoContents) -> BTreeMap<ObjectKind, BTreeMap<String, Object>> {
    let mut all: BTreeMap<ObjectKind, BTreeMap<String, Object>> = BTreeMap::new();
    let mut add = |object: Object| {
        all.entry(object.kind()).or_default().insert(object.name().to_owned(), object);
    };
    add(Object::Project(contents.project.clone()));
    contents.data_sources.iter().for_each(|o| add(Object::DataSource(o.value.clone())));
    contents.entities.iter().for_each(|o| add(Object::Entity(o.value.clone())));
    contents.feature_views.iter().for_each(|o| add(Object::FeatureView(o.value.clone())));
    contents
        .on_demand_feature_views
        .iter()
        .for_each(|o| add(Object::OnDemandFeatureView(o.value.clone())));
    contents.feature_services.iter().for_each(|o| add(Object::FeatureService(o.value.clone())));
    contents.permissions.iter().for_each(|o| add(Object::Permission(o.value.clone())));
    all
}

fn change(
    kind: ObjectKind,
    list: RegistryList,
    name: &str,
    wanted: Option<&Object>,
    stored: Option<&StoredObject>,
    project: &str,
    versions: &Lazy<'_>,
) -> Result<Option<Change>> {
    let action = match (wanted, stored) {
        (Some(_), None) => Action::Create,
        (None, Some(_)) => Action::Delete,
        (Some(wanted), Some(stored)) => {
            let existing = decode(list, stored)?;
            if Comparable::new(wanted) == Comparable::new(&existing)
                || pinned::is_settled(wanted, &existing, versions)?
            {
                return Ok(None);
            }
            let fields = field_change::between(&existing, wanted, project)?;
            return Ok(Some(Change {
                kind,
                name: name.to_owned(),
                action: Action::Update,
                fields,
                definition: Some(wanted.clone()),
                before: Some(stored.clone()),
            }));
        }
        (None, None) => return Ok(None),
    };
    Ok(Some(Change {
        kind,
        name: name.to_owned(),
        action,
        fields: Vec::new(),
        definition: wanted.cloned(),
        before: stored.cloned(),
    }))
}
