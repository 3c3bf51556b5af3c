//! `fs registry-dump`: the project's objects as JSON with sorted keys.

use larder_core::Result;
use larder_proto::wire::registry_file::RegistryList;
use serde_json::{Map, Value};

use crate::repository::Repository;
use crate::{output, registry_json};

/// Keys of the dump, as Feast names them.
const LISTS: [(&str, RegistryList); 11] = [
    ("dataSources", RegistryList::DataSources),
    ("entities", RegistryList::Entities),
    ("featureServices", RegistryList::FeatureServices),
    ("featureViews", RegistryList::FeatureViews),
    ("labelViews", RegistryList::LabelViews),
    ("onDemandFeatureViews", RegistryList::OnDemandFeatureViews),
    ("permissions", RegistryList::Permissions),
    ("projectMetadata", RegistryList::ProjectMetadata),
    ("savedDatasets", RegistryList::SavedDatasets),
    ("streamFeatureViews", RegistryList::StreamFeatureViews),
    ("validationReferences", RegistryList::ValidationReferences),
];

/// Unlike Feast 0.67, which fails on any on-demand view in python mode, this dumps every registry.
pub(crate) fn run(repository: &Repository) -> Result<()> {
    let project = repository.project()?;
    let file = repository.registry_file()?;
    let mut dump = Map::new();
    dump.insert("project".to_owned(), project.into());
    for (key, list) in LISTS {
        let mut objects = registry_json::objects(file, list, project)?;
        if list == RegistryList::ProjectMetadata {
            objects = registry_json::objects(file, list, "")?;
            objects.retain(|(name, _)| name == project);
        }
        if !objects.is_empty() {
            let values = objects.into_iter().map(|(_, object)| object).collect();
            dump.insert(key.to_owned(), Value::Array(values));
        }
    }
    if let Some(infra) = file.infra() {
        let infra = registry_json::message("feast.core.Infra", infra)?;
        if let Some(objects) = infra.get("infraObjects") {
            dump.insert("infra".to_owned(), objects.clone());
        }
    }
    let mut dump = Value::Object(dump);
    dump.sort_all_objects();
    output::json(&dump, 2)
}
