//! `view[["a", "b"]]`, `with_name`, `with_join_key_map`; what services and on-demand views take.

use std::rc::Rc;

use larder_core::{Error, Field, Projection, Result, ValueType};

use super::schema;
use crate::python::eval::call::Arguments;
use crate::python::eval::exception::{Exception, Outcome};
use crate::python::eval::interpreter::Interpreter;
use crate::python::eval::record::{Object, ObjectMethod};
use crate::python::eval::value::Value;
use crate::python::feast::field::{field, text_map};
use crate::python::feast::sources::optional_source;

/// Methods of all views.
pub(super) const METHODS: &[(&str, ObjectMethod)] =
    &[("with_name", with_name), ("with_join_key_map", with_join_key_map)];

/// `view[["a", "b"]]`.
pub(super) fn select(_: &mut Interpreter<'_>, view: &Rc<Object>, index: &Value) -> Outcome<Value> {
    let Value::List(names) = index else {
        let message = "features are chosen with a list of names";
        return Err(Exception::raise("TypeError", message).hint("write view[[\"feature\"]]"));
    };
    let copy = view.copy();
    let open = view.items("features").is_empty() || view.get("_by_name").truth();
    let mut chosen = Vec::new();
    for name in names.0.borrow().iter() {
        let Some(name) = name.as_str() else {
            return Err(Exception::raise("TypeError", "feature names must be strings"));
        };
        // The features of a view without a schema are known after inference only.
        chosen.push(if open { Value::text(name) } else { schema::feature(view, name)? });
    }
    copy.set("_projected", Value::list(chosen));
    Ok(Value::Object(copy))
}

fn with_name(_: &mut Interpreter<'_>, view: &Rc<Object>, arguments: &Arguments) -> Outcome<Value> {
    let [name] = arguments.bind("with_name", ["name"], 1)?;
    let name = name.filter(|name| name.as_str().is_some());
    let copy = view.copy();
    let needs_text = || Exception::raise("TypeError", "with_name() takes a string");
    copy.set("_alias", name.ok_or_else(needs_text)?);
    Ok(Value::Object(copy))
}

fn with_join_key_map(
    _: &mut Interpreter<'_>,
    view: &Rc<Object>,
    arguments: &Arguments,
) -> Outcome<Value> {
    let [map] = arguments.bind("with_join_key_map", ["join_key_map"], 1)?;
    let map = map.filter(|map| matches!(map, Value::Dict(_)));
    let copy = view.copy();
    let needs_map = || Exception::raise("TypeError", "with_join_key_map() takes a dictionary");
    copy.set("_join_key_map", map.ok_or_else(needs_map)?);
    Ok(Value::Object(copy))
}

/// The domain projection in a feature service, which keeps the version that the view is pinned to.
///
/// # Errors
/// [`larder_core::ErrorKind::Invalid`] for what the registry cannot hold.
pub(in crate::python::feast) fn served_projection(view: &Object) -> Result<Projection> {
    let projection = projection(view)?;
    let pinned = schema::version(&view.text("version")).flatten();
    Ok(Projection { version_tag: projection.version_tag.or(pinned), ..projection })
}

/// The domain projection of a view, or of a copy made by the methods above.
///
/// # Errors
/// [`larder_core::ErrorKind::Invalid`] for what the registry cannot hold.
pub(in crate::python::feast) fn projection(view: &Object) -> Result<Projection> {
    if let Some(version) = view.get("_version_tag").as_int() {
        return versioned(view, version);
    }
    let batch_source = optional_source(&view.get("batch_source"))?;
    let created = batch_source.as_ref().map(|source| source.created_timestamp_column.clone());
    let partition = batch_source.as_ref().map(|source| source.date_partition_column.clone());
    Ok(Projection {
        view: view.name(),
        alias: view.text("_alias"),
        features: features(view)?,
        join_key_map: text_map(&view.get("_join_key_map")),
        version_tag: None,
        // Feast 0.67 stores the created column here (an upstream slip).
        timestamp_field: created.clone().unwrap_or_default(),
        date_partition_column: partition.unwrap_or_default(),
        created_timestamp_column: created.unwrap_or_default(),
        batch_source: batch_source.map(Box::new),
        view_type: if view.is_a("LabelView") { "labelView" } else { "featureView" }.to_owned(),
    })
}

/// A version of a view, which the YAML form can name: what it holds is read from the registry.
fn versioned(view: &Object, version: i128) -> Result<Projection> {
    let version = i32::try_from(version)
        .map_err(|_| Error::invalid(format!("{} has no version {version}", schema::label(view))))?;
    let chosen = view.items("_projected");
    let named = chosen.iter().filter_map(Value::as_str);
    Ok(Projection {
        view: view.name(),
        alias: view.text("_alias"),
        features: named.map(|name| Field::new(name, ValueType::Unknown)).collect(),
        join_key_map: text_map(&view.get("_join_key_map")),
        version_tag: Some(version),
        view_type: "featureView".to_owned(),
        ..Projection::default()
    })
}

fn features(view: &Object) -> Result<Vec<Field>> {
    let chosen = match view.get("_projected") {
        // All features: left open when a join key may still be among them.
        Value::None if view.get("_by_name").truth() => return Ok(Vec::new()),
        Value::None => view.items("features"),
        _ => view.items("_projected"),
    };
    chosen
        .iter()
        .map(|feature| match feature {
            Value::Object(object) => field(object),
            name => Ok(Field::new(name.as_str().unwrap_or_default(), ValueType::Unknown)),
        })
        .collect()
}
