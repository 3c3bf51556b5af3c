//! `kind: permission`.

use larder_core::{Permission, Policy, Result};

use super::field::tags;
use crate::yaml::{Section, Value};

/// Names of `PermissionSpec.Type`, by their numbers.
const TYPES: [&str; 12] = [
    "FeatureView",
    "OnDemandFeatureView",
    "BatchFeatureView",
    "StreamFeatureView",
    "Entity",
    "FeatureService",
    "DataSource",
    "ValidationReference",
    "SavedDataset",
    "Permission",
    "Project",
    "LabelView",
];

/// Names of `PermissionSpec.AuthzedAction`, by their numbers.
const ACTIONS: [&str; 8] = [
    "CREATE",
    "DESCRIBE",
    "UPDATE",
    "DELETE",
    "READ_ONLINE",
    "READ_OFFLINE",
    "WRITE_ONLINE",
    "WRITE_OFFLINE",
];

pub(super) fn permission(section: &Section<'_>) -> Result<Permission> {
    let types = section.read("types", |value| numbers(value, &TYPES))?;
    let actions = section.read("actions", |value| numbers(value, &ACTIONS))?;
    Ok(Permission {
        name: section.require("name")?.text()?,
        types: types.unwrap_or_else(|| all(&TYPES)),
        name_patterns: section.read("name_patterns", Value::texts)?.unwrap_or_default(),
        required_tags: section.read("required_tags", Value::text_map)?.unwrap_or_default(),
        actions: actions.unwrap_or_else(|| all(&ACTIONS)),
        policy: policy(section)?,
        tags: tags(section)?,
    })
}

fn all(names: &[&str]) -> Vec<i32> {
    (0..).take(names.len()).collect()
}

fn numbers(value: &Value<'_>, names: &[&str]) -> Result<Vec<i32>> {
    value
        .list()?
        .iter()
        .map(|item| {
            let name = item.text()?;
            (0..)
                .zip(names)
                .find(|(_, known)| **known == name)
                .map(|(number, _)| number)
                .ok_or_else(|| item.error(format!("\"{name}\" is not one of {}", names.join(", "))))
        })
        .collect()
}

fn policy(section: &Section<'_>) -> Result<Option<Policy>> {
    let roles = section.read("roles", Value::texts)?;
    let groups = section.read("groups", Value::texts)?;
    let namespaces = section.read("namespaces", Value::texts)?;
    Ok(match (roles, groups, namespaces) {
        (None, None, None) => None,
        (Some(roles), None, None) => Some(Policy::Roles(roles)),
        (None, Some(groups), None) => Some(Policy::Groups(groups)),
        (None, None, Some(namespaces)) => Some(Policy::Namespaces(namespaces)),
        (None, Some(groups), Some(namespaces)) => {
            Some(Policy::GroupsAndNamespaces { groups, namespaces })
        }
        _ => return Err(section.error("roles cannot be combined with groups or namespaces")),
    })
}
