//! Fields, entities and projects.

use larder_core::{Entity, Error, Field, Project, Result, ValueType};

use crate::feast::core;

/// The type of a number in the registry.
pub(crate) fn value_type(number: i32) -> Result<ValueType> {
    ValueType::from_number(number)
        .ok_or_else(|| Error::data(format!("the registry holds an unknown value type {number}")))
}

/// A column of a view or request source.
///
/// # Errors
/// `Data` for a value type that Feast does not define.
pub fn field_from_proto(field: core::FeatureSpecV2) -> Result<Field> {
    Ok(Field {
        value_type: value_type(field.value_type)
            .map_err(|error| error.context(format_args!("field \"{}\"", field.name)))?,
        name: field.name,
        description: field.description,
        tags: field.tags,
        vector_index: field.vector_index,
        vector_search_metric: field.vector_search_metric,
        vector_length: field.vector_length,
    })
}

/// The message of a column.
pub fn field_to_proto(field: &Field) -> core::FeatureSpecV2 {
    core::FeatureSpecV2 {
        name: field.name.clone(),
        value_type: field.value_type.number(),
        tags: field.tags.clone(),
        description: field.description.clone(),
        vector_index: field.vector_index,
        vector_search_metric: field.vector_search_metric.clone(),
        vector_length: field.vector_length,
    }
}

pub(crate) fn fields_from_proto(fields: Vec<core::FeatureSpecV2>) -> Result<Vec<Field>> {
    fields.into_iter().map(field_from_proto).collect()
}

pub(crate) fn fields_to_proto(fields: &[Field]) -> Vec<core::FeatureSpecV2> {
    fields.iter().map(field_to_proto).collect()
}

/// An entity. Its times stay with the message.
///
/// # Errors
/// `Data` for a value type that Feast does not define.
pub fn entity_from_proto(entity: core::Entity) -> Result<Entity> {
    let spec = entity.spec.unwrap_or_default();
    Ok(Entity {
        value_type: value_type(spec.value_type)
            .map_err(|error| error.context(format_args!("entity \"{}\"", spec.name)))?,
        name: spec.name,
        join_key: spec.join_key,
        description: spec.description,
        tags: spec.tags,
        owner: spec.owner,
    })
}

/// The message of an entity, without times.
pub fn entity_to_proto(entity: &Entity, project: &str) -> core::Entity {
    let spec = core::EntitySpecV2 {
        name: entity.name.clone(),
        value_type: entity.value_type.number(),
        description: entity.description.clone(),
        join_key: entity.join_key.clone(),
        tags: entity.tags.clone(),
        project: project.to_owned(),
        owner: entity.owner.clone(),
    };
    core::Entity { spec: Some(spec), meta: None }
}

/// A project. Its times stay with the message.
pub fn project_from_proto(project: core::Project) -> Project {
    let spec = project.spec.unwrap_or_default();
    Project { name: spec.name, description: spec.description, tags: spec.tags, owner: spec.owner }
}

/// The message of a project, without times.
pub fn project_to_proto(project: &Project) -> core::Project {
    let spec = core::ProjectSpec {
        name: project.name.clone(),
        description: project.description.clone(),
        tags: project.tags.clone(),
        owner: project.owner.clone(),
    };
    core::Project { spec: Some(spec), meta: None }
}
