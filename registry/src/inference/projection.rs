//! What projections hold: the chosen features with their types, and facts about the view's source.

use std::collections::BTreeMap;

use larder_core::{
    DataSource, Error, FeatureView, Field, OnDemandFeatureView, Projection, Result, ValueType,
};

use super::{StoredVersions, at};
use crate::repo_contents::RepoContents;
use crate::yaml::did_you_mean;

/// Fills in the projections of all feature services.
pub(super) fn infer_services(
    contents: &mut RepoContents,
    versions: &dyn StoredVersions,
) -> Result<()> {
    let stored: BTreeMap<&str, &FeatureView> =
        contents.feature_views.iter().map(|view| (view.value.name.as_str(), &view.value)).collect();
    let on_demand: BTreeMap<&str, &OnDemandFeatureView> = contents
        .on_demand_feature_views
        .iter()
        .map(|view| (view.value.name.as_str(), &view.value))
        .collect();
    for service in &mut contents.feature_services {
        let owner = format!("feature service \"{}\"", service.value.name);
        for projection in &mut service.value.projections {
            let filled = match on_demand.get(projection.view.as_str()) {
                Some(view) => fill_on_demand(projection, &owner, view, versions),
                None => fill_stored(projection, &owner, &stored, versions),
            };
            filled.map_err(|error| at(error, &service.location))?;
        }
    }
    Ok(())
}

/// Fills in a projection of a stored view.
pub(super) fn fill_stored(
    projection: &mut Projection,
    owner: &str,
    views: &BTreeMap<&str, &FeatureView>,
    versions: &dyn StoredVersions,
) -> Result<()> {
    if let Some(version) = projection.version_tag {
        if let Some(view) = versions.feature_view(&projection.view, version)? {
            return fill(projection, owner, &view.features, view.batch_source.as_ref());
        }
        if let Some(view) = versions.on_demand_feature_view(&projection.view, version)? {
            return fill(projection, owner, &view.features, None);
        }
        return Err(Error::invalid(format!(
            "{owner} uses version {version} of feature view \"{}\", which does not exist",
            projection.view
        )));
    }
    let view = views.get(projection.view.as_str()).ok_or_else(|| {
        let error = Error::invalid(format!(
            "{owner} uses the unknown feature view \"{}\"",
            projection.view
        ));
        match did_you_mean(&projection.view, views.keys().copied()) {
            Some(known) => error.with_hint(format!("did you mean \"{known}\"?")),
            None => error.with_hint("every view that is used must be defined in this repository"),
        }
    })?;
    fill(projection, owner, &view.features, view.batch_source.as_ref())
}

fn fill_on_demand(
    projection: &mut Projection,
    owner: &str,
    view: &OnDemandFeatureView,
    versions: &dyn StoredVersions,
) -> Result<()> {
    let Some(version) = projection.version_tag else {
        return fill(projection, owner, &view.features, None);
    };
    let stored = versions.on_demand_feature_view(&projection.view, version)?.ok_or_else(|| {
        Error::invalid(format!(
            "{owner} uses version {version} of on demand feature view \"{}\", which does not exist",
            projection.view
        ))
    })?;
    fill(projection, owner, &stored.features, None)
}

/// Chosen features keep the order of the projection when it names them with types (Feast copies them), and take
/// the view's order when it only names them.
fn fill(
    projection: &mut Projection,
    owner: &str,
    features: &[Field],
    source: Option<&DataSource>,
) -> Result<()> {
    for chosen in &projection.features {
        if !features.iter().any(|field| field.name == chosen.name) {
            let error = Error::invalid(format!(
                "{owner} uses the unknown feature \"{}\" of feature view \"{}\"",
                chosen.name, projection.view
            ));
            return Err(
                match did_you_mean(&chosen.name, features.iter().map(|field| field.name.as_str())) {
                    Some(known) => error.with_hint(format!("did you mean \"{known}\"?")),
                    None => error,
                },
            );
        }
    }
    if projection.features.is_empty() {
        projection.features = features.to_vec();
    } else if projection.features.iter().any(|field| field.value_type == ValueType::Unknown) {
        let chosen = std::mem::take(&mut projection.features);
        projection.features = features
            .iter()
            .filter(|field| chosen.iter().any(|other| other.name == field.name))
            .cloned()
            .collect();
    }
    if projection.view_type.is_empty() {
        "featureView".clone_into(&mut projection.view_type);
    }
    if let Some(source) = source {
        // Feast 0.67 stores the created timestamp column under both names.
        projection.timestamp_field.clone_from(&source.created_timestamp_column);
        projection.created_timestamp_column.clone_from(&source.created_timestamp_column);
        projection.date_partition_column.clone_from(&source.date_partition_column);
        projection.batch_source = Some(Box::new(source.clone()));
    }
    Ok(())
}
