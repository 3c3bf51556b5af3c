//! `Field`, the older `Feature`, `Entity`, `Project`.

use std::rc::Rc;

use larder_core::{Entity, Error, Field, Project, Result, Tags, ValueType};

use super::types::{self, DTYPE, VALUE_TYPE};
use crate::python::eval::exception::Outcome;
use crate::python::eval::interpreter::Interpreter;
use crate::python::eval::record::{
    ClassSpec, Fallback, Kind, Legacy, Object, optional, required, with,
};
use crate::python::eval::value::Value;

/// `Field`.
pub(super) static FIELD: ClassSpec = ClassSpec {
    name: "Field",
    module: "feast.field",
    parameters: &[
        required("name", Kind::Text),
        required("dtype", DTYPE),
        with("description", Kind::Text, Fallback::Text("")),
        optional("tags", Kind::TextMap),
        with("vector_index", Kind::Bool, Fallback::Bool(false)),
        with("vector_length", Kind::Int, Fallback::Int(0)),
        optional("vector_search_metric", Kind::Text),
    ],
    legacy_positional: &["name", "dtype"],
    legacy: &[Legacy { old: "labels", new: "tags", adapt: None }],
    finish: Some(|interpreter, object| {
        if matches!(object.get("dtype"), Value::Member(member) if *member.class == *VALUE_TYPE) {
            let message =
                format!("field \"{}\": use a type of feast.types, not ValueType", object.name());
            interpreter.warn(message, object.location.clone());
        }
        empty_tags(object);
        Ok(())
    }),
    ..ClassSpec::BASE
};

/// `Feature` of Feast before 0.22.
pub(super) static FEATURE: ClassSpec = ClassSpec {
    name: "Feature",
    module: "feast.feature",
    parameters: &[
        required("name", Kind::Text),
        required("dtype", Kind::Member(VALUE_TYPE)),
        with("description", Kind::Text, Fallback::Text("")),
        optional("labels", Kind::TextMap),
    ],
    positional: 4,
    finish: Some(|interpreter, object| {
        let message =
            format!("feature \"{}\": Feature is Feast's old class, use Field", object.name());
        interpreter.warn(message, object.location.clone());
        if types::registry_type(&object.get("dtype")).ok() == Some(ValueType::Unknown) {
            return Err(object.error("dtype cannot be ValueType.UNKNOWN"));
        }
        Ok(())
    }),
    ..ClassSpec::BASE
};

/// `Entity`.
pub(super) static ENTITY: ClassSpec = ClassSpec {
    name: "Entity",
    module: "feast.entity",
    parameters: &[
        required("name", Kind::Text),
        optional("join_keys", Kind::List(&Kind::Text)),
        optional("value_type", Kind::Member(VALUE_TYPE)),
        with("description", Kind::Text, Fallback::Text("")),
        optional("tags", Kind::TextMap),
        with("owner", Kind::Text, Fallback::Text("")),
    ],
    legacy_positional: &["name", "value_type", "description"],
    legacy: &[
        Legacy {
            old: "join_key",
            new: "join_keys",
            adapt: Some(|_, key| Ok(if key.is_none() { key } else { Value::list(vec![key]) })),
        },
        Legacy { old: "labels", new: "tags", adapt: None },
    ],
    finish: Some(finish_entity),
    ..ClassSpec::BASE
};

fn finish_entity(_: &mut Interpreter<'_>, object: &Rc<Object>) -> Outcome<()> {
    let keys = object.items("join_keys");
    if keys.len() > 1 {
        let message = format!("entity \"{}\" may have one join key only", object.name());
        return Err(object.error(message).hint("define one entity per join key"));
    }
    let key = keys.first().cloned().unwrap_or_else(|| object.get("name"));
    object.set("join_key", key);
    if object.get("value_type").is_none() {
        object.set("value_type", types::value_type_member("UNKNOWN").unwrap_or(Value::None));
    }
    empty_tags(object);
    Ok(())
}

/// `Project`.
pub(super) static PROJECT: ClassSpec = ClassSpec {
    name: "Project",
    module: "feast.project",
    parameters: &[
        required("name", Kind::Text),
        with("description", Kind::Text, Fallback::Text("")),
        optional("tags", Kind::TextMap),
        with("owner", Kind::Text, Fallback::Text("")),
        optional("created_timestamp", Kind::Any),
        optional("last_updated_timestamp", Kind::Any),
    ],
    finish: Some(|_, object| {
        empty_tags(object);
        Ok(())
    }),
    ..ClassSpec::BASE
};

/// `tags=None` reads back as an empty dictionary.
pub(super) fn empty_tags(object: &Object) {
    if object.get("tags").is_none() {
        object.set("tags", Value::dict(indexmap::IndexMap::new()));
    }
}

/// A field of an older `Feature`.
pub(super) fn field_of_feature(feature: &Object) -> Value {
    let dtype = types::registry_type(&feature.get("dtype"))
        .ok()
        .and_then(types::from_value_type)
        .unwrap_or_else(|| feature.get("dtype"));
    let attributes = [
        ("name", feature.get("name")),
        ("dtype", dtype),
        ("description", feature.get("description")),
        ("tags", feature.get("labels")),
        ("vector_index", Value::Bool(false)),
        ("vector_length", Value::Int(0)),
        ("vector_search_metric", Value::None),
    ];
    let attributes = attributes.into_iter().map(|(name, value)| (Rc::from(name), value)).collect();
    let field = Object::new(&FIELD, attributes, feature.location.clone());
    empty_tags(&field);
    Value::Object(field)
}

/// Text tags of an object.
pub(super) fn tags(object: &Object) -> Tags {
    text_map(&object.get("tags"))
}

/// A dictionary of text, in key order.
pub(super) fn text_map(value: &Value) -> Tags {
    let Value::Dict(dict) = value else { return Tags::new() };
    let dict = dict.0.borrow();
    let entry = |(key, value): &(Value, Value)| {
        Some((key.as_str()?.to_owned(), value.as_str().unwrap_or_default().to_owned()))
    };
    dict.values().filter_map(entry).collect()
}

/// The domain field.
pub(super) fn field(object: &Object) -> Result<Field> {
    let dtype = object.get("dtype");
    let mut tags = tags(object);
    tags.extend(types::internal_tags(&dtype));
    let value_type = types::registry_type(&dtype)
        .map_err(|error| error.with_location(object.location.clone()))?;
    let length = object.get("vector_length").as_int().unwrap_or(0);
    let vector_length = i32::try_from(length).map_err(|_| {
        Error::invalid(format!(
            "field \"{}\": vector_length {length} is out of range",
            object.name()
        ))
        .with_location(object.location.clone())
    })?;
    Ok(Field {
        name: object.name(),
        value_type,
        description: object.text("description"),
        tags,
        vector_index: object.get("vector_index").truth(),
        vector_search_metric: object.text("vector_search_metric"),
        vector_length,
    })
}

/// The domain fields of a list attribute.
pub(super) fn fields(object: &Object, attribute: &str) -> Result<Vec<Field>> {
    object.objects(attribute).iter().map(|item| field(item)).collect()
}

/// The domain entity.
pub(super) fn entity(object: &Object) -> Entity {
    Entity {
        name: object.name(),
        join_key: object.text("join_key"),
        value_type: types::registry_type(&object.get("value_type")).unwrap_or_default(),
        description: object.text("description"),
        tags: tags(object),
        owner: object.text("owner"),
    }
}

/// The domain project.
pub(super) fn project(object: &Object) -> Project {
    Project {
        name: object.name(),
        description: object.text("description"),
        tags: tags(object),
        owner: object.text("owner"),
    }
}
