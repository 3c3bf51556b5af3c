//! The fields in which two definitions differ.

use larder_core::{Error, ObjectKind, Result};
use larder_proto::descriptors;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, ReflectMessage, Value};

use super::normal_form::without_opaque;
use super::proto_text::value_text;
use super::stored::encode;
use crate::definitions::Object;

/// A field that changes, with both values in protobuf text as Feast prints them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldChange {
    /// Name of the field; parts of a function as `feature_transformation.body_text`.
    pub field: String,
    /// Value in the registry.
    pub old: String,
    /// Value in the repository.
    pub new: String,
}

/// The fields of the spec in which two definitions differ, in the order of the message. Times and pickled bodies are
/// left out (Feast prints nested times as differences).
pub(super) fn between(old: &Object, new: &Object, project: &str) -> Result<Vec<FieldChange>> {
    let (old, new) = (spec(old, project)?, spec(new, project)?);
    let mut changes = Vec::new();
    for field in old.descriptor().fields().filter(|field| field.name() != "project") {
        let (before, after) = (old.get_field(&field), new.get_field(&field));
        if before == after && old.has_field(&field) == new.has_field(&field) {
            continue;
        }
        if field.name() == "feature_transformation" {
            function_changes(&field, &before, &after, &mut changes);
        } else {
            changes.push(FieldChange {
                field: field.name().to_owned(),
                old: value_text(&field, &before),
                new: value_text(&field, &after),
            });
        }
    }
    Ok(changes)
}

/// The message that Feast compares: the spec, or the object itself where there is none.
fn spec(object: &Object, project: &str) -> Result<DynamicMessage> {
    let object = without_opaque(object);
    let name = match object.kind() {
        ObjectKind::Project => "feast.core.Project",
        ObjectKind::DataSource => "feast.core.DataSource",
        ObjectKind::Entity => "feast.core.Entity",
        ObjectKind::OnDemandFeatureView => "feast.core.OnDemandFeatureView",
        ObjectKind::StreamFeatureView => "feast.core.StreamFeatureView",
        ObjectKind::LabelView => "feast.core.LabelView",
        ObjectKind::FeatureService => "feast.core.FeatureService",
        ObjectKind::Permission => "feast.core.Permission",
        _ => "feast.core.FeatureView",
    };
    let descriptor = descriptors()
        .get_message_by_name(name)
        .ok_or_else(|| Error::internal(format!("no descriptor of {name}")))?;
    let message = DynamicMessage::decode(descriptor, encode(&object, project)?.as_slice())
        .map_err(|error| {
            Error::internal("an encoded definition does not decode").with_source(error)
        })?;
    let Some(field) = message.descriptor().get_field_by_name("spec") else { return Ok(message) };
    match message.get_field(&field).into_owned() {
        Value::Message(spec) => Ok(spec),
        _ => Err(Error::internal("a spec that is no message")),
    }
}

/// Feast 0.67 shows a changed function by its parts, without the pickled body.
fn function_changes(
    field: &FieldDescriptor,
    old: &Value,
    new: &Value,
    changes: &mut Vec<FieldChange>,
) {
    let (Some(old), Some(new)) = (function(old), function(new)) else {
        changes.push(FieldChange {
            field: field.name().to_owned(),
            old: value_text(field, old),
            new: value_text(field, new),
        });
        return;
    };
    for part in old.descriptor().fields().filter(|part| part.name() != "body") {
        let (before, after) = (old.get_field(&part), new.get_field(&part));
        if before != after {
            changes.push(FieldChange {
                field: format!("{}.{}", field.name(), part.name()),
                old: value_text(&part, &before),
                new: value_text(&part, &after),
            });
        }
    }
}

fn function(transformation: &Value) -> Option<DynamicMessage> {
    let Value::Message(message) = transformation else { return None };
    let field = message.descriptor().get_field_by_name("user_defined_function")?;
    debug_assert!(matches!(field.kind(), Kind::Message(_)), "the function is a message");
    match message.get_field(&field).into_owned() {
        Value::Message(function) => Some(function),
        _ => None,
    }
}
