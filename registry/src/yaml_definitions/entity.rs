//! `kind: entity` and `kind: project`.

use larder_core::{Entity, Project, Result};

use super::field::{tags, value_type};
use crate::yaml::{Section, Value};

pub(super) fn project(section: &Section<'_>) -> Result<Project> {
    Ok(Project {
        name: section.require("name")?.text()?,
        description: section.text_or_empty("description")?,
        tags: tags(section)?,
        owner: section.text_or_empty("owner")?,
    })
}

pub(super) fn entity(section: &Section<'_>) -> Result<Entity> {
    let name = section.require("name")?.text()?;
    let join_key = match (section.get("join_key"), section.get("join_keys")) {
        (Some(_), Some(many)) => return Err(many.error("give either join_key or join_keys")),
        (Some(one), None) => one.text()?,
        (None, Some(many)) => match many.texts()?.as_slice() {
            [one] => one.clone(),
            _ => return Err(many.error("an entity has exactly one join key")),
        },
        (None, None) => name.clone(),
    };
    Ok(Entity {
        name,
        join_key,
        value_type: section.read("value_type", value_type)?.unwrap_or_default(),
        description: section.text_or_empty("description")?,
        tags: tags(section)?,
        owner: section.text_or_empty("owner")?,
    })
}

/// Names of entities; an entityless view has none.
pub(super) fn entity_names(section: &Section<'_>) -> Result<Vec<String>> {
    Ok(section.read("entities", Value::texts)?.unwrap_or_default())
}
