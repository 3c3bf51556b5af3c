//! `LabelView`.

use std::rc::Rc;

use larder_core::ValueType;

use super::feature_view::streams;
use super::schema::{self, ENTITIES, FIELDS, VIEW};
use crate::python::eval::exception::Outcome;
use crate::python::eval::interpreter::Interpreter;
use crate::python::eval::record::{
    ClassSpec, Fallback, Kind, Object, nullable, optional, required, with,
};
use crate::python::eval::scope::Variables;
use crate::python::eval::value::Value;
use crate::python::feast::field::{self, FIELD};
use crate::python::feast::types;

/// Members of `ConflictPolicy`, in the order of Feast's numbers.
pub(super) const POLICIES: [(&str, &str); 3] = [
    ("LAST_WRITE_WINS", "last_write_wins"),
    ("LABELER_PRIORITY", "labeler_priority"),
    ("MAJORITY_VOTE", "majority_vote"),
];

/// Names of the conflict policies.
pub(in crate::python::feast) fn policy_names() -> Vec<&'static str> {
    POLICIES.iter().map(|(name, _)| *name).collect()
}

/// `LabelView`.
pub(super) static LABEL_VIEW: ClassSpec = ClassSpec {
    name: "LabelView",
    module: "feast.labeling.label_view",
    ancestors: &["BaseFeatureView"],
    parameters: &[
        required("name", Kind::Text),
        optional("source", Kind::Object("DataSource")),
        optional("schema", FIELDS),
        optional("entities", ENTITIES),
        nullable("ttl", Kind::Duration, Fallback::Duration(0)),
        with("online", Kind::Bool, Fallback::Bool(true)),
        with("description", Kind::Text, Fallback::Text("")),
        optional("tags", Kind::TextMap),
        with("owner", Kind::Text, Fallback::Text("")),
        with("labeler_field", Kind::Text, Fallback::Text("labeler")),
        with(
            "conflict_policy",
            Kind::Member("ConflictPolicy"),
            Fallback::Member("ConflictPolicy", "LAST_WRITE_WINS"),
        ),
        optional("reference_feature_view", Kind::Text),
    ],
    finish: Some(finish),
    ..VIEW
};

fn finish(interpreter: &mut Interpreter<'_>, view: &Rc<Object>) -> Outcome<()> {
    let entities: Vec<Rc<Object>> = view.objects("entities");
    let source = view.get("source");
    let (batch, stream) = match &source {
        Value::Object(object) if streams(object) => (object.get("batch_source"), source.clone()),
        _ => (source.clone(), Value::None),
    };
    view.set("batch_source", batch);
    view.set("stream_source", stream);
    schema::apply(interpreter, view)?;
    untyped_keys(view, &entities);
    Ok(())
}

/// Join keys outside of the schema get a column at once: of the entity's type, else text (Feast 0.67).
fn untyped_keys(view: &Rc<Object>, entities: &[Rc<Object>]) {
    let mut columns = view.items("entity_columns");
    let declared: Vec<String> =
        view.objects("entity_columns").iter().map(|column| column.name()).collect();
    for entity in entities {
        if declared.contains(&entity.text("join_key")) {
            continue;
        }
        let value_type = types::registry_type(&entity.get("value_type")).unwrap_or_default();
        let value_type =
            if value_type == ValueType::Unknown { ValueType::String } else { value_type };
        let Some(dtype) = types::from_value_type(value_type) else { continue };
        let attributes = [("name", entity.get("join_key")), ("dtype", dtype)];
        let attributes: Variables =
            attributes.into_iter().map(|(name, value)| (Rc::from(name), value)).collect();
        let column = Object::new(&FIELD, attributes, view.location.clone());
        field::empty_tags(&column);
        columns.push(Value::Object(column));
    }
    view.set("entity_columns", Value::list(columns));
}
