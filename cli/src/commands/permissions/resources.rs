//! The registry objects that permissions may be about.

use larder_core::Result;
use larder_registry::permissions::{Resource, Rule, class_name};
use serde_json::Value;

use super::super::describe::{Kind, TagFilter, class_of, filtered};
use crate::repository::Repository;

/// Kinds in the order in which Feast checks them.
const KINDS: [Kind; 9] = [
    Kind::Entity,
    Kind::FeatureView,
    Kind::StreamFeatureView,
    Kind::OnDemandFeatureView,
    Kind::LabelView,
    Kind::FeatureService,
    Kind::DataSource,
    Kind::ValidationReference,
    Kind::SavedDataset,
];

/// Every object of the project that has these tags, the permissions last.
pub(super) fn all(repository: &Repository, filter: &TagFilter) -> Result<Vec<Resource>> {
    let kinds = KINDS.into_iter().chain([Kind::Permission]);
    of_kinds(repository, filter, kinds)
}

/// The classes that a permission names and that have lists, each with the names of the objects that it is about.
///
/// Feast 0.67 takes views of every class for `FeatureView`, then the permission decides.
pub(super) fn matched(
    repository: &Repository,
    filter: &TagFilter,
    rule: &Rule,
) -> Result<Vec<(String, Vec<String>)>> {
    let mut all = Vec::new();
    for &number in &rule.permission().types {
        let class = class_name(number);
        let kinds: &[Kind] = match class.as_str() {
            "FeatureView" => &KINDS[1..5],
            "BatchFeatureView" => &[Kind::FeatureView],
            "StreamFeatureView" => &[Kind::StreamFeatureView],
            "OnDemandFeatureView" => &[Kind::OnDemandFeatureView],
            "Entity" => &[Kind::Entity],
            "FeatureService" => &[Kind::FeatureService],
            "DataSource" => &[Kind::DataSource],
            "ValidationReference" => &[Kind::ValidationReference],
            "SavedDataset" => &[Kind::SavedDataset],
            // Feast 0.67 has no line for projects, label views and permissions.
            _ => continue,
        };
        let resources = of_kinds(repository, filter, kinds.iter().copied())?;
        let mut names: Vec<String> = resources
            .into_iter()
            .filter(|resource| rule.matches(resource))
            .map(|resource| resource.name)
            .collect();
        names.sort();
        all.push((class, names));
    }
    Ok(all)
}

fn of_kinds(
    repository: &Repository,
    filter: &TagFilter,
    kinds: impl Iterator<Item = Kind>,
) -> Result<Vec<Resource>> {
    let (file, project) = (repository.registry_file()?, repository.project()?);
    let mut all = Vec::new();
    for kind in kinds {
        for (name, object) in filtered(file, kind, project, filter)? {
            all.push(resource(kind, name, &object));
        }
    }
    Ok(all)
}

fn resource(kind: Kind, name: String, object: &Value) -> Resource {
    let class = match kind {
        Kind::FeatureView if object.pointer("/spec/featureTransformation").is_some() => {
            "BatchFeatureView"
        }
        Kind::DataSource => class_of(object).rsplit('.').next().unwrap_or_default(),
        kind => kind.class(),
    };
    let mut resource = Resource::new(name, class);
    resource.is_data_source = kind == Kind::DataSource;
    if kind == Kind::Permission {
        let tags = object.pointer("/spec/requiredTags").and_then(Value::as_object);
        let text = |(key, value): (&String, &Value)| {
            (key.clone(), value.as_str().unwrap_or_default().to_owned())
        };
        resource.required_tags = Some(tags.into_iter().flatten().map(text).collect());
    }
    resource
}
