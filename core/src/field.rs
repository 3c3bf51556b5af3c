//! Columns of views and request sources.

use std::collections::BTreeMap;

use crate::ValueType;

/// String tags, in key order.
pub type Tags = BTreeMap<String, String>;

/// A feature, an entity column or a request column.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Field {
    /// Name.
    pub name: String,
    /// Type.
    pub value_type: ValueType,
    /// Free text.
    pub description: String,
    /// Tags; `feast:struct_schema` and `feast:nested_inner_type` are Feast's own, hidden from users.
    pub tags: Tags,
    /// Whether a vector index is wanted.
    pub vector_index: bool,
    /// Distance of the vector index; empty when none.
    pub vector_search_metric: String,
    /// Dimensions of the vector; 0 when unknown.
    pub vector_length: i32,
}

impl Field {
    /// A field with a name and a type only.
    pub fn new(name: impl Into<String>, value_type: ValueType) -> Self {
        Self { name: name.into(), value_type, ..Self::default() }
    }
}
