//! Permissions.

use larder_core::{Permission, Policy};

use crate::feast::core::{self, policy::PolicyType};

/// A permission. Its times stay with the message.
pub fn permission_from_proto(permission: core::Permission) -> Permission {
    let spec = permission.spec.unwrap_or_default();
    Permission {
        name: spec.name,
        types: spec.types,
        name_patterns: spec.name_patterns,
        required_tags: spec.required_tags,
        actions: spec.actions,
        policy: spec.policy.and_then(|policy| policy.policy_type).map(policy_from_proto),
        tags: spec.tags,
    }
}

/// The message of a permission, without times.
pub fn permission_to_proto(permission: &Permission, project: &str) -> core::Permission {
    let spec = core::PermissionSpec {
        name: permission.name.clone(),
        project: project.to_owned(),
        types: permission.types.clone(),
        name_patterns: permission.name_patterns.clone(),
        required_tags: permission.required_tags.clone(),
        actions: permission.actions.clone(),
        policy: permission.policy.as_ref().map(policy_to_proto),
        tags: permission.tags.clone(),
    };
    core::Permission { spec: Some(spec), meta: None }
}

fn policy_from_proto(policy: PolicyType) -> Policy {
    match policy {
        PolicyType::RoleBasedPolicy(policy) => Policy::Roles(policy.roles),
        PolicyType::GroupBasedPolicy(policy) => Policy::Groups(policy.groups),
        PolicyType::NamespaceBasedPolicy(policy) => Policy::Namespaces(policy.namespaces),
        PolicyType::CombinedGroupNamespacePolicy(policy) => {
            Policy::GroupsAndNamespaces { groups: policy.groups, namespaces: policy.namespaces }
        }
    }
}

fn policy_to_proto(policy: &Policy) -> core::Policy {
    let policy_type = match policy {
        Policy::Roles(roles) => {
            PolicyType::RoleBasedPolicy(core::RoleBasedPolicy { roles: roles.clone() })
        }
        Policy::Groups(groups) => {
            PolicyType::GroupBasedPolicy(core::GroupBasedPolicy { groups: groups.clone() })
        }
        Policy::Namespaces(namespaces) => {
            let namespaces = namespaces.clone();
            PolicyType::NamespaceBasedPolicy(core::NamespaceBasedPolicy { namespaces })
        }
        Policy::GroupsAndNamespaces { groups, namespaces } => {
            PolicyType::CombinedGroupNamespacePolicy(core::CombinedGroupNamespacePolicy {
                groups: groups.clone(),
                namespaces: namespaces.clone(),
            })
        }
    };
    // Feast 0.67 leaves name and project of a policy empty.
    core::Policy { policy_type: Some(policy_type), ..core::Policy::default() }
}
