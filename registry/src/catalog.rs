//! From a registry to the snapshot that servers and jobs work with.

use larder_core::{Catalog, CatalogParts, Error, ObjectKind, Project, Result};
use larder_proto::wire::registry_file::{RegistryFile, RegistryList};

use crate::definitions::Object;
use crate::plan::decode;
use crate::store::{ChangeMark, RegistryStore};

/// The lists that a catalog is made of.
const LISTS: [RegistryList; 7] = [
    RegistryList::Entities,
    RegistryList::DataSources,
    RegistryList::FeatureViews,
    RegistryList::StreamFeatureViews,
    RegistryList::LabelViews,
    RegistryList::OnDemandFeatureViews,
    RegistryList::FeatureServices,
];

/// The definitions of one project. `online_versioning` is `registry.enable_online_feature_view_versioning`.
///
/// # Errors
/// `NotFound` when the registry has nothing of this project; `Data` when an object cannot be decoded.
pub fn catalog(file: &RegistryFile, project: &str, online_versioning: bool) -> Result<Catalog> {
    let mut parts = CatalogParts {
        project: project_of(file, project)?,
        version: file.version_id().to_owned(),
        online_versioning,
        ..CatalogParts::default()
    };
    for list in LISTS {
        for stored in file.objects_of(list, project) {
            match decode(list, stored)? {
                Object::Entity(object) => parts.entities.push(object),
                Object::DataSource(object) => parts.data_sources.push(object),
                Object::FeatureView(object) => parts.feature_views.push(object),
                Object::OnDemandFeatureView(object) => parts.on_demand_feature_views.push(object),
                Object::FeatureService(object) => parts.feature_services.push(object),
                Object::Project(_) | Object::Permission(_) => {}
            }
        }
    }
    Ok(Catalog::new(parts))
}

/// The stored project; one that only `project_metadata` or its objects name has no description.
fn project_of(file: &RegistryFile, project: &str) -> Result<Project> {
    let stored = file.find(RegistryList::Projects, "", project);
    if let Some(Object::Project(object)) =
        stored.map(|stored| decode(RegistryList::Projects, stored)).transpose()?
    {
        return Ok(object);
    }
    let named = file.find(RegistryList::ProjectMetadata, "", project).is_some()
        || LISTS.iter().any(|&list| file.objects_of(list, project).next().is_some());
    if named {
        Ok(Project { name: project.to_owned(), ..Project::default() })
    } else {
        Err(Error::not_found(ObjectKind::Project, project, "").with_hint("run fs apply first"))
    }
}

/// Follows a registry: hands out a new catalog after every change.
#[derive(Debug)]
pub struct CatalogWatch {
    project: String,
    online_versioning: bool,
    mark: ChangeMark,
    version: String,
}

impl CatalogWatch {
    /// Loads the first catalog.
    ///
    /// # Errors
    /// `NotFound` when there is no registry or no such project; what the store returns.
    pub fn start(
        store: &dyn RegistryStore,
        project: &str,
        online_versioning: bool,
    ) -> Result<(Self, Catalog)> {
        // The mark is taken before the state, so that a write in between is seen next time.
        let mark = store.change_mark()?;
        let file = store.load()?.ok_or_else(|| {
            Error::not_found(ObjectKind::Project, project, "")
                .context(format!("there is no registry at {}", store.location()))
                .with_hint("run fs apply first")
        })?;
        let catalog = catalog(&file, project, online_versioning)?;
        let version = file.version_id().to_owned();
        Ok((Self { project: project.to_owned(), online_versioning, mark, version }, catalog))
    }

    /// The new catalog if the registry changed since the last call. Costs one look at the file when it did not.
    ///
    /// # Errors
    /// What the store returns, also when a writer that writes in place (real Feast) is not done yet: keep the old
    /// catalog and ask again.
    pub fn poll(&mut self, store: &dyn RegistryStore) -> Result<Option<Catalog>> {
        let mark = store.change_mark()?;
        if mark == self.mark {
            return Ok(None);
        }
        let file = store.load()?.ok_or_else(|| {
            Error::not_found(ObjectKind::Project, &self.project, "")
                .context("the registry was removed")
        })?;
        if file.version_id() == self.version {
            self.mark = mark;
            return Ok(None);
        }
        let catalog = catalog(&file, &self.project, self.online_versioning)?;
        self.mark = mark;
        file.version_id().clone_into(&mut self.version);
        Ok(Some(catalog))
    }
}
