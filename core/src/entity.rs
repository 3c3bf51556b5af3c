//! Entities.

use crate::{Tags, ValueType};

/// Name of the entity that entityless views use.
pub const DUMMY_ENTITY: &str = "__dummy";
/// Join key of the entity that entityless views use; its value is always the empty string.
pub const DUMMY_JOIN_KEY: &str = "__dummy_id";

/// What features are looked up by. One join key each (Feast 0.67 refuses more).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entity {
    /// Name.
    pub name: String,
    /// Column that holds the key; the name when not declared.
    pub join_key: String,
    /// Declared type; `Unknown` when left to inference.
    pub value_type: ValueType,
    /// Free text.
    pub description: String,
    /// Tags.
    pub tags: Tags,
    /// Owner.
    pub owner: String,
}

impl Entity {
    /// The entity that Feast adds to every project.
    pub fn dummy() -> Self {
        Self {
            name: DUMMY_ENTITY.to_owned(),
            join_key: DUMMY_JOIN_KEY.to_owned(),
            ..Self::default()
        }
    }
}
