//! What all views do with entities and schemas.

use std::rc::Rc;

use larder_core::{DUMMY_ENTITY, ValueType};

use crate::python::eval::exception::{Exception, Outcome};
use crate::python::eval::interpreter::{Interpreter, closest};
use crate::python::eval::record::{ClassSpec, Kind, Legacy, Object};
use crate::python::eval::value::Value;
use crate::python::feast::{field, types};

/// A list of entities; names are an older spelling.
pub(super) const ENTITIES: Kind = Kind::List(&Kind::AnyOf(&[Kind::Object("Entity"), Kind::Text]));
/// A list of fields.
pub(super) const FIELDS: Kind = Kind::List(&Kind::Object("Field"));
/// A transformation mode.
pub(super) const MODE: Kind = Kind::AnyOf(&[Kind::Text, Kind::Member("TransformationMode")]);

/// `features=[Feature(...)]` of Feast before 0.21.
pub(super) const OLD_FEATURES: Legacy =
    Legacy { old: "features", new: "schema", adapt: Some(fields_of_features) };

/// What every view class has in common.
pub(super) const VIEW: ClassSpec = ClassSpec {
    methods: super::projection::METHODS,
    item: Some(super::projection::select),
    itself: &["projection"],
    ..ClassSpec::BASE
};

#[expect(clippy::unnecessary_wraps, reason = "the signature of an adapter")]
fn fields_of_features(_: &mut Interpreter<'_>, features: Value) -> Outcome<Value> {
    let Value::List(features) = &features else { return Ok(features) };
    let features = features.0.borrow();
    let field = |feature: &Value| match feature {
        Value::Object(object) if object.is_a("Feature") => field::field_of_feature(object),
        other => other.clone(),
    };
    Ok(Value::list(features.iter().map(field).collect()))
}

/// Entities by object, or by name in the older dialect.
struct Entities {
    objects: Vec<Rc<Object>>,
    by_name: bool,
}

/// Replaces the entities by their names and sorts the schema into entity columns and features.
///
/// Views that name their entities keep the whole schema as features: which column is a join key is
/// known only when all files have been read.
pub(super) fn apply(interpreter: &mut Interpreter<'_>, view: &Rc<Object>) -> Outcome<()> {
    let entities = entities(interpreter, view);
    let keys: Vec<String> = entities.objects.iter().map(|entity| entity.text("join_key")).collect();
    for (position, key) in keys.iter().enumerate() {
        if keys[..position].contains(key) {
            let message = format!("{} has two entities with the join key \"{key}\"", label(view));
            return Err(view.error(message).hint("give the entities join keys of their own"));
        }
    }
    let mut columns = Vec::new();
    let mut features = Vec::new();
    for field in view.objects("schema") {
        match keys.iter().position(|key| *key == field.name()) {
            Some(position) => {
                same_type(view, &entities.objects[position], &field)?;
                columns.push(Value::Object(field));
            }
            None => features.push(Value::Object(field)),
        }
    }
    view.set("_by_name", Value::Bool(entities.by_name));
    view.set("entity_columns", Value::list(columns));
    view.set("features", Value::list(features));
    if view.get("schema").is_none() {
        view.set("schema", Value::list(Vec::new()));
    }
    check_version(view)?;
    field::empty_tags(view);
    Ok(())
}

fn entities(interpreter: &mut Interpreter<'_>, view: &Rc<Object>) -> Entities {
    let given = view.items("entities");
    let by_name = given.iter().any(|entity| entity.as_str().is_some());
    if by_name {
        let message = format!("{}: name the entity objects, not their names", label(view));
        interpreter.warn(message, view.location.clone());
    }
    let name = |entity: &Value| match entity {
        Value::Object(entity) => entity.get("name"),
        other => other.clone(),
    };
    let mut names: Vec<Value> = given.iter().map(name).collect();
    if names.is_empty() && !view.is_a("LabelView") {
        names.push(Value::text(DUMMY_ENTITY));
    }
    view.set("entities", Value::list(names));
    let objects = given.iter().filter_map(|entity| entity.as_object().cloned()).collect();
    Entities { objects, by_name }
}

/// A join key column must have the entity's declared type.
fn same_type(view: &Rc<Object>, entity: &Object, field: &Object) -> Outcome<()> {
    let wanted = types::registry_type(&entity.get("value_type")).unwrap_or_default();
    let given = types::registry_type(&field.get("dtype")).unwrap_or_default();
    if wanted == ValueType::Unknown || wanted == given {
        return Ok(());
    }
    let message = format!(
        "{}: entity \"{}\" has type {}, which does not match the schema's type {}",
        label(view),
        entity.name(),
        wanted.name(),
        given.name()
    );
    Err(Exception::raise("ValueError", message)
        .hint("make the field's dtype and the entity's value_type agree")
        .at(|| field.location.clone()))
}

/// `latest`, `v3` or `version3`.
fn check_version(view: &Rc<Object>) -> Outcome<()> {
    let text = view.text("version");
    if version(&text).is_some() {
        return Ok(());
    }
    let message = format!("{}: the version \"{text}\" is unknown", label(view));
    Err(view.error(message).hint("write latest, v2 or version2"))
}

/// The pinned version of a version text; `Some(None)` for the latest, `None` for nonsense.
#[expect(clippy::option_option, reason = "not pinned and not understood are different answers")]
pub(super) fn version(text: &str) -> Option<Option<i32>> {
    let text = text.to_lowercase();
    if text.is_empty() || text == "latest" {
        return Some(None);
    }
    let digits = text.strip_prefix("version").or_else(|| text.strip_prefix('v'))?;
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten().map(Some)
}

/// The text of a mode.
pub(super) fn mode(view: &Object) -> String {
    match view.get("mode") {
        Value::Member(member) => member.value.as_str().unwrap_or_default().to_owned(),
        other => other.as_str().unwrap_or_default().to_owned(),
    }
}

/// The view in messages.
pub(super) fn label(view: &Object) -> String {
    let kind = match view.spec.name {
        "BatchFeatureView" => "batch feature view",
        "StreamFeatureView" => "stream feature view",
        "LabelView" => "label view",
        "OnDemandFeatureView" => "on demand feature view",
        _ => "feature view",
    };
    format!("{kind} \"{}\"", view.name())
}

/// The feature of a view with this name, or an error that names the nearest.
pub(super) fn feature(view: &Rc<Object>, name: &str) -> Outcome<Value> {
    let features = view.objects("features");
    let found = features.iter().find(|feature| feature.name() == name);
    if let Some(feature) = found {
        return Ok(Value::Object(Rc::clone(feature)));
    }
    let message = format!("{} has no feature \"{name}\"", label(view));
    let names: Vec<String> = features.iter().map(|feature| feature.name()).collect();
    let stop = Exception::raise("ValueError", message);
    Err(match closest(name, names.iter().map(String::as_str)) {
        Some(near) => stop.hint(format!("did you mean \"{near}\"?")),
        None => stop.hint(format!("it has {}", names.join(", "))),
    })
}
