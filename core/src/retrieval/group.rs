//! What a selection asks for, view by view.

use std::collections::BTreeMap;

use crate::{Catalog, Error, FeatureRef, ObjectKind, Projection, Result, Subject};

/// Groups the references of one view while keeping the order of first appearance.
pub(super) struct Group {
    pub(super) projection: Projection,
    pub(super) features: Vec<String>,
}

pub(super) fn group_refs(catalog: &Catalog, refs: &[FeatureRef]) -> Result<Vec<Group>> {
    let mut groups: Vec<Group> = Vec::new();
    for reference in refs {
        if reference.version.is_some() && !catalog.online_versioning() {
            return Err(Error::invalid(format!(
                "\"{reference}\" names a version, but versioned reads are off"
            ))
            .with_hint("set registry.enable_online_feature_view_versioning: true"));
        }
        let known = catalog.feature_views().contains_key(&reference.view)
            || catalog.on_demand_feature_views().contains_key(&reference.view);
        if !known {
            return Err(catalog.missing(ObjectKind::FeatureView, &reference.view));
        }
        let same = |group: &&mut Group| {
            group.projection.view == reference.view
                && group.projection.version_tag == reference.version
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.features.push(reference.feature.clone()),
            None => groups.push(Group {
                projection: Projection {
                    view: reference.view.clone(),
                    alias: reference
                        .version
                        .map_or_else(String::new, |n| format!("{}@v{n}", reference.view)),
                    version_tag: reference.version,
                    ..Projection::default()
                },
                features: vec![reference.feature.clone()],
            }),
        }
    }
    Ok(groups)
}

pub(super) fn projection_groups(projections: &[Projection]) -> Vec<Group> {
    let group = |projection: &Projection| Group {
        projection: projection.clone(),
        features: projection.features.iter().map(|field| field.name.clone()).collect(),
    };
    projections.iter().map(group).collect()
}

/// Feast 0.67: bare names must be unique; with full names only identical references collide.
pub(super) fn reject_collisions(groups: &[Group], full: bool) -> Result<()> {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for group in groups {
        let view = group.projection.name_to_use();
        for feature in &group.features {
            let name = output_name(&group.projection, feature, full);
            if let Some(other) = seen.insert(name, view) {
                let subject = Subject {
                    kind: ObjectKind::Feature,
                    name: feature.clone(),
                    project: String::new(),
                };
                return Err(Error::new(
                    crate::ErrorKind::AlreadyExists,
                    format!(
                        "feature \"{feature}\" is asked for twice, from \"{other}\" and \"{view}\""
                    ),
                )
                .with_subject(subject)
                .with_hint(
                    "ask for full feature names, or give one view another name with with_name()",
                ));
            }
        }
    }
    Ok(())
}

pub(super) fn output_name(projection: &Projection, feature: &str, full: bool) -> String {
    if full { format!("{}__{feature}", projection.name_to_use()) } else { feature.to_owned() }
}
