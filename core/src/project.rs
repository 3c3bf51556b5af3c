//! Projects, permissions, saved datasets and validation references.

use crate::Tags;

/// A name space for every other object.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Project {
    /// Name.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Tags.
    pub tags: Tags,
    /// Owner.
    pub owner: String,
}

/// Who may do what to which objects.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Permission {
    /// Name.
    pub name: String,
    /// Object types, numbers of `PermissionSpec.Type`.
    pub types: Vec<i32>,
    /// Full-match regular expressions on object names.
    pub name_patterns: Vec<String>,
    /// Tags that an object must carry.
    pub required_tags: Tags,
    /// Actions, numbers of `PermissionSpec.AuthzedAction`.
    pub actions: Vec<i32>,
    /// Who.
    pub policy: Option<Policy>,
    /// Tags.
    pub tags: Tags,
}

/// Who a permission is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Policy {
    /// Holders of any of these roles.
    Roles(Vec<String>),
    /// Members of any of these groups.
    Groups(Vec<String>),
    /// Service accounts of any of these namespaces.
    Namespaces(Vec<String>),
    /// Members of these groups or namespaces.
    GroupsAndNamespaces {
        /// Groups.
        groups: Vec<String>,
        /// Namespaces.
        namespaces: Vec<String>,
    },
}
