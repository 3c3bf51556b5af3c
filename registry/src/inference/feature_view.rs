//! Entity columns and features of stored views.

use std::collections::BTreeMap;

use larder_core::{
    DUMMY_ENTITY, DUMMY_JOIN_KEY, DataSource, Entity, Error, FeatureView, Field, Result, ValueType,
    ViewKind,
};

use super::SourceSchemas;

/// Fills in entity columns and features.
///
/// Order of authority for a join key, as in Feast 0.67: the view's schema, the entity's own type, the source.
pub(super) fn infer(
    view: &mut FeatureView,
    entities: &BTreeMap<String, Entity>,
    schemas: &dyn SourceSchemas,
) -> Result<()> {
    let keys = join_keys(view, entities)?;
    let mut columns: Vec<Field> = std::mem::take(&mut view.entity_columns);
    let declared = std::mem::take(&mut view.features);
    for field in declared {
        if !keys.iter().any(|entity| entity.join_key == field.name) {
            view.features.push(field);
        } else if !has(&columns, &field.name) {
            columns.push(field);
        }
    }
    for entity in &keys {
        if entity.value_type != ValueType::Unknown && !has(&columns, &entity.join_key) {
            columns.push(Field::new(entity.join_key.clone(), entity.value_type));
        }
    }
    if is_entityless(view) && columns.is_empty() {
        columns.push(Field::new(DUMMY_JOIN_KEY, ValueType::String));
    }
    let open_features = view.features.is_empty();
    if open_features && matches!(view.kind, ViewKind::Stream { .. }) {
        return Err(Error::invalid(format!(
            "stream feature view \"{}\" must declare its schema",
            view.name
        )));
    }
    let open_keys = keys.iter().any(|entity| !has(&columns, &entity.join_key));
    if open_keys || open_features {
        if let (ViewKind::Label { .. }, true) = (&view.kind, !open_features) {
            // Feast 0.67 does not look into the source of a label view: an untyped key becomes a string.
            add_untyped_keys(&mut columns, &keys);
        } else {
            from_source(view, &mut columns, &keys, schemas)?;
        }
    }
    if view.features.is_empty() {
        return Err(Error::invalid(format!("could not infer features for {}", label(view))));
    }
    view.entity_columns = in_entity_order(columns, &keys);
    Ok(())
}

fn label(view: &FeatureView) -> String {
    format!("{} \"{}\"", view.object_kind().label(), view.name)
}

fn is_entityless(view: &FeatureView) -> bool {
    view.entities == [DUMMY_ENTITY]
}

fn has(fields: &[Field], name: &str) -> bool {
    fields.iter().any(|field| field.name == name)
}

/// The entities of a view. Feast lets an unknown entity pass, which turns its join key into a feature; here it is an
/// error.
fn join_keys<'a>(
    view: &FeatureView,
    entities: &'a BTreeMap<String, Entity>,
) -> Result<Vec<&'a Entity>> {
    view.entities
        .iter()
        .filter(|name| *name != DUMMY_ENTITY)
        .map(|name| {
            entities.get(name).ok_or_else(|| {
                let error =
                    Error::invalid(format!("{} names the unknown entity \"{name}\"", label(view)));
                match crate::yaml::did_you_mean(name, entities.keys().map(String::as_str)) {
                    Some(known) => error.with_hint(format!("did you mean \"{known}\"?")),
                    None => error.with_hint(
                        "define it with Entity(...) at the top of a file of this repository",
                    ),
                }
            })
        })
        .collect()
}

fn add_untyped_keys(columns: &mut Vec<Field>, keys: &[&Entity]) {
    for entity in keys {
        if !has(columns, &entity.join_key) {
            columns.push(Field::new(entity.join_key.clone(), ValueType::String));
        }
    }
}

fn from_source(
    view: &mut FeatureView,
    columns: &mut Vec<Field>,
    keys: &[&Entity],
    schemas: &dyn SourceSchemas,
) -> Result<()> {
    let Some(source) = view.batch_source.clone() else {
        return Err(Error::invalid(format!("{} has no source to infer from", label(view)))
            .with_hint("declare the schema and the type of every entity"));
    };
    let schema = schemas.schema(&source)?;
    let excluded = excluded_columns(&source);
    let open_features = view.features.is_empty();
    for column in schema.fields() {
        let name = column.name();
        let is_key = keys.iter().any(|entity| entity.join_key == *name);
        if excluded.contains(&name.as_str())
            || (!is_key && !open_features)
            || is_internal(name) && !is_key
        {
            continue;
        }
        let value_type = || {
            ValueType::from_arrow(column.data_type())
                .map_err(|error| error.context(format!("{}, column \"{name}\"", label(view))))
        };
        if is_key {
            if !has(columns, name) {
                columns.push(Field::new(name.clone(), value_type()?));
            }
        } else {
            let feature = source.field_mapping.get(name).unwrap_or(name);
            let field = Field::new(feature.clone(), value_type()?);
            if !has(&view.features, feature) {
                view.features.push(field);
            }
        }
    }
    for entity in keys {
        if !has(columns, &entity.join_key) {
            return Err(Error::invalid(format!(
                "{}: data source \"{}\" has no column \"{}\", the join key of entity \"{}\"",
                label(view),
                source.name,
                entity.join_key,
                entity.name
            )));
        }
    }
    Ok(())
}

/// Source columns that are never features: the timestamps, under their names in the source.
fn excluded_columns(source: &DataSource) -> Vec<&str> {
    [&source.timestamp_field, &source.created_timestamp_column]
        .into_iter()
        .filter(|name| !name.is_empty())
        .map(|name| {
            let original = source.field_mapping.iter().find(|(_, mapped)| *mapped == name);
            original.map_or(name.as_str(), |(original, _)| original.as_str())
        })
        .collect()
}

/// Feast 0.67 takes names that start with two underscores, or are nothing else, for internal.
fn is_internal(name: &str) -> bool {
    name.starts_with("__")
}

fn in_entity_order(mut columns: Vec<Field>, keys: &[&Entity]) -> Vec<Field> {
    let position = |field: &Field| keys.iter().position(|entity| entity.join_key == field.name);
    columns.sort_by_key(|field| position(field).unwrap_or(usize::MAX));
    columns
}
