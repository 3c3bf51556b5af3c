//! Deleting objects and projects.

use larder_core::{Error, ErrorKind, ObjectKind, Result};
use larder_proto::wire::registry_file::{RegistryFile, RegistryList};

use crate::apply::is_view;
use crate::plan::{InfraTable, infra_tables_of, infra_with_tables};
use crate::store::{Outcome, RegistryStore};

/// Where `delete` looks for a name, in Feast's order.
const SEARCH: [ObjectKind; 9] = [
    ObjectKind::Entity,
    ObjectKind::FeatureView,
    ObjectKind::FeatureService,
    ObjectKind::DataSource,
    ObjectKind::SavedDataset,
    ObjectKind::ValidationReference,
    ObjectKind::StreamFeatureView,
    ObjectKind::OnDemandFeatureView,
    ObjectKind::LabelView,
];

/// Lists whose objects belong to a project.
const PROJECT_LISTS: [RegistryList; 10] = [
    RegistryList::ValidationReferences,
    RegistryList::SavedDatasets,
    RegistryList::FeatureServices,
    RegistryList::OnDemandFeatureViews,
    RegistryList::StreamFeatureViews,
    RegistryList::FeatureViews,
    RegistryList::LabelViews,
    RegistryList::DataSources,
    RegistryList::Entities,
    RegistryList::Permissions,
];

/// What a deletion removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deleted {
    /// Kind of the object.
    pub kind: ObjectKind,
    /// Name of the object.
    pub name: String,
}

/// The kind of the object that [`delete_object`] deletes.
///
/// # Errors
/// `NotFound` when the project has no object of this name.
pub fn find_object(file: &RegistryFile, project: &str, name: &str) -> Result<ObjectKind> {
    let has = |kind: &ObjectKind| {
        RegistryList::of(*kind).is_some_and(|list| file.find(list, project, name).is_some())
    };
    SEARCH.into_iter().find(has).ok_or_else(|| {
        Error::new(
            ErrorKind::NotFound,
            format!("object \"{name}\" does not exist in project \"{project}\""),
        )
    })
}

/// Deletes the first object of this name: entity, feature view, service, source, dataset, reference, stream view,
/// on-demand view, label view. A view's versions go with it.
///
/// # Errors
/// As [`find_object`]; what the store returns.
pub fn delete_object(store: &dyn RegistryStore, project: &str, name: &str) -> Result<Deleted> {
    let mut deleted = None;
    store.update(&mut |file| {
        let kind = find_object(file, project, name)?;
        if let Some(list) = RegistryList::of(kind) {
            file.remove(list, project, name);
        }
        if is_view(kind) {
            remove_versions(file, project, Some(name))?;
        }
        deleted = Some(Deleted { kind, name: name.to_owned() });
        Ok(Outcome::Changed)
    })?;
    deleted.ok_or_else(|| Error::internal("a deletion that reported nothing"))
}

/// Deletes a project with all its objects, versions and recorded tables; other projects stay.
///
/// # Errors
/// `NotFound` when there is no such project; what the store returns.
pub fn delete_project(store: &dyn RegistryStore, project: &str) -> Result<()> {
    store
        .update(&mut |file| {
            if file.find(RegistryList::Projects, "", project).is_none() {
                return Err(Error::not_found(ObjectKind::Project, project, ""));
            }
            remove_project(file, project)?;
            Ok(Outcome::Changed)
        })
        .map(|_| ())
}

/// Empties the registry of one project and answers the tables that were recorded for it. Nothing to do is no error.
///
/// Feast 0.67 deletes every other project in the file too; `all_projects` does the same (`compat: feast`).
///
/// # Errors
/// What the store returns.
pub fn teardown(
    store: &dyn RegistryStore,
    project: &str,
    all_projects: bool,
) -> Result<Vec<InfraTable>> {
    let mut tables = Vec::new();
    if store.load()?.is_none() {
        return Ok(tables);
    }
    store.update(&mut |file| {
        tables = infra_tables_of(file, project)?;
        let mut projects = vec![project.to_owned()];
        if all_projects {
            projects =
                file.objects(RegistryList::Projects).iter().map(|p| p.name().to_owned()).collect();
        }
        for project in &projects {
            remove_project(file, project)?;
        }
        Ok(Outcome::Changed)
    })?;
    Ok(tables)
}

fn remove_project(file: &mut RegistryFile, project: &str) -> Result<()> {
    if !infra_tables_of(file, project)?.is_empty() {
        file.set_infra(Some(&infra_with_tables(file, project, &[])?));
    }
    for list in PROJECT_LISTS {
        file.retain(list, |object| object.project() != project);
    }
    remove_versions(file, project, None)?;
    file.remove(RegistryList::ProjectMetadata, "", project);
    file.remove(RegistryList::Projects, "", project);
    Ok(())
}

fn remove_versions(file: &mut RegistryFile, project: &str, view: Option<&str>) -> Result<()> {
    file.retain_version_records(|record| {
        record.project_id != project || view.is_some_and(|view| record.feature_view_name != view)
    })
}
