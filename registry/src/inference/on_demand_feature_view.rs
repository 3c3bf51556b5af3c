//! Sources and entity columns of on-demand views.

use std::collections::BTreeMap;

use larder_core::{
    DUMMY_ENTITY, DUMMY_JOIN_KEY, Entity, Error, FeatureView, Field, OnDemandFeatureView,
    OnDemandSource, Result, ValueType,
};

use super::{StoredVersions, at, projection};
use crate::repo_contents::RepoContents;

/// Fills in all on-demand views of a repository.
pub(super) fn infer_all(
    contents: &mut RepoContents,
    entities: &BTreeMap<String, Entity>,
    versions: &dyn StoredVersions,
) -> Result<()> {
    let views: BTreeMap<&str, &FeatureView> =
        contents.feature_views.iter().map(|view| (view.value.name.as_str(), &view.value)).collect();
    let request_sources: BTreeMap<_, _> = contents
        .data_sources
        .iter()
        .map(|source| (source.value.name.as_str(), &source.value))
        .collect();
    for view in &mut contents.on_demand_feature_views {
        let owner = format!("on demand feature view \"{}\"", view.value.name);
        for (_, source) in &mut view.value.sources {
            match source {
                OnDemandSource::Projection(source) => {
                    projection::fill_stored(source, &owner, &views, versions)
                        .map_err(|error| at(error, &view.location))?;
                }
                OnDemandSource::Request(source) => {
                    if let Some(shared) = request_sources.get(source.name.as_str()) {
                        *source = (*shared).clone();
                    }
                }
            }
        }
        entity_columns(&mut view.value, entities, &views)
            .map_err(|error| at(error, &view.location))?;
    }
    Ok(())
}

/// The join keys of the declared entities, with the entity's type or that of a source view's column.
fn entity_columns(
    view: &mut OnDemandFeatureView,
    entities: &BTreeMap<String, Entity>,
    views: &BTreeMap<&str, &FeatureView>,
) -> Result<()> {
    if view.entities.is_empty() {
        view.entities.push(DUMMY_ENTITY.to_owned());
    }
    if view.entities == [DUMMY_ENTITY] {
        view.entity_columns = vec![Field::new(DUMMY_JOIN_KEY, ValueType::String)];
        return Ok(());
    }
    let mut columns = Vec::new();
    for name in &view.entities {
        let entity = entities.get(name).ok_or_else(|| {
            Error::invalid(format!(
                "on demand feature view \"{}\" names the unknown entity \"{name}\"",
                view.name
            ))
        })?;
        let declared = view
            .features
            .iter()
            .chain(&view.entity_columns)
            .find(|field| field.name == entity.join_key);
        let inherited = || {
            view.projections()
                .filter_map(|projection| views.get(projection.view.as_str()))
                .flat_map(|source| &source.entity_columns)
                .find(|field| field.name == entity.join_key)
                .map_or(ValueType::String, |field| field.value_type)
        };
        let column = match declared {
            Some(field) => field.clone(),
            None if entity.value_type != ValueType::Unknown => {
                Field::new(entity.join_key.clone(), entity.value_type)
            }
            None => Field::new(entity.join_key.clone(), inherited()),
        };
        columns.push(column);
    }
    view.features.retain(|field| !columns.iter().any(|column| column.name == field.name));
    view.entity_columns = columns;
    Ok(())
}
