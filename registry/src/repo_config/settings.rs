//! The record of what was set where.

use crate::yaml::Origin;

/// One setting as `fs configuration` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Dotted path, for instance `online_store.path`.
    pub key: String,
    /// Value as text; secrets are `***`, unset values empty.
    pub value: String,
    /// Where it came from.
    pub origin: Origin,
}
