//! `FeatureView`.

use std::rc::Rc;

use super::schema::{self, ENTITIES, FIELDS, MODE, OLD_FEATURES, VIEW, label};
use crate::python::eval::exception::Outcome;
use crate::python::eval::interpreter::Interpreter;
use crate::python::eval::record::{
    ClassSpec, Fallback, Kind, Legacy, Object, Parameter, nullable, optional, required, with,
};
use crate::python::eval::value::Value;
use crate::python::feast::field::text_map;

/// What a stored view may read from.
pub(super) const SOURCE: Kind = Kind::AnyOf(&[
    Kind::Object("DataSource"),
    Kind::Object("FeatureView"),
    Kind::List(&Kind::Object("FeatureView")),
]);

/// Spellings before Feast 0.22.
pub(super) const OLD_KEYWORDS: &[Legacy] = &[
    OLD_FEATURES,
    Legacy { old: "batch_source", new: "source", adapt: None },
    Legacy { old: "input", new: "source", adapt: None },
    Legacy { old: "stream_source", new: "_stream_source", adapt: None },
];

/// Parameters of all stored views.
pub(super) const SHARED: &[Parameter] = &[
    optional("sink_source", Kind::Object("DataSource")),
    optional("schema", FIELDS),
    optional("entities", ENTITIES),
    with("description", Kind::Text, Fallback::Text("")),
    optional("tags", Kind::TextMap),
    with("owner", Kind::Text, Fallback::Text("")),
    with("org", Kind::Text, Fallback::Text("")),
    with("enable_validation", Kind::Bool, Fallback::Bool(false)),
    with("version", Kind::Text, Fallback::Text("latest")),
    optional("_stream_source", Kind::Object("DataSource")),
];

/// `FeatureView`.
pub(super) static FEATURE_VIEW: ClassSpec = ClassSpec {
    name: "FeatureView",
    module: "feast.feature_view",
    ancestors: &["BaseFeatureView"],
    parameters: &[
        required("name", Kind::Text),
        optional("source", SOURCE),
        nullable("ttl", Kind::Duration, Fallback::Duration(0)),
        with("online", Kind::Bool, Fallback::Bool(true)),
        with("offline", Kind::Bool, Fallback::Bool(false)),
        optional("mode", MODE),
        with("enabled", Kind::Bool, Fallback::Bool(true)),
    ],
    shared: SHARED,
    legacy_positional: &["name", "entities", "ttl"],
    legacy: OLD_KEYWORDS,
    finish: Some(finish),
    ..VIEW
};

/// Sources, entities and schema of any stored view.
pub(super) fn finish(interpreter: &mut Interpreter<'_>, view: &Rc<Object>) -> Outcome<()> {
    sources(view)?;
    schema::apply(interpreter, view)?;
    let vectors = view.objects("features");
    if vectors.iter().filter(|feature| feature.get("vector_index").truth()).count() > 1 {
        let message = format!("{} has more than one feature with a vector index", label(view));
        return Err(view.error(message));
    }
    unmapped(view)
}

/// Sorts `source` into batch source, stream source and source views.
fn sources(view: &Rc<Object>) -> Outcome<()> {
    let older_stream = view.get("_stream_source");
    let (mut batch, mut stream, mut views) = (Value::None, older_stream, Vec::new());
    match view.get("source") {
        Value::Object(source) if source.is_a("FeatureView") => views.push(Value::Object(source)),
        Value::Object(source) if streams(&source) => {
            batch = source.get("batch_source");
            if batch.is_none() {
                let message = format!(
                    "{}: the stream source \"{}\" needs a batch_source",
                    label(view),
                    source.name()
                );
                return Err(view.error(message).hint("give the source batch_source=..."));
            }
            stream = Value::Object(source);
        }
        list @ Value::List(_) => views = view_list(&list),
        source => batch = source,
    }
    if !views.is_empty() {
        batch = view.get("sink_source");
        if batch.is_none() {
            let message = format!("{} is derived from views and needs a sink_source", label(view));
            return Err(view.error(message));
        }
    }
    view.set("batch_source", batch);
    view.set("stream_source", stream);
    view.set("source_views", Value::list(views));
    Ok(())
}

fn view_list(list: &Value) -> Vec<Value> {
    match list {
        Value::List(list) => list.0.borrow().clone(),
        _ => Vec::new(),
    }
}

/// Push, Kafka and Kinesis sources.
pub(super) fn streams(source: &Object) -> bool {
    matches!(source.spec.name, "PushSource" | "KafkaSource" | "KinesisSource")
}

/// No field of the schema may go by the source's own name of a column that is renamed.
fn unmapped(view: &Rc<Object>) -> Outcome<()> {
    let Value::Object(source) = view.get("batch_source") else { return Ok(()) };
    let mapping = text_map(&source.get("field_mapping"));
    for field in view.objects("schema") {
        if let Some(renamed) = mapping.get(&field.name()) {
            let message = format!(
                "{}: the source renames the column \"{}\" to \"{renamed}\"",
                label(view),
                field.name()
            );
            let hint = format!("name the field \"{renamed}\", or take it out of field_mapping");
            return Err(view.error(message).hint(hint));
        }
    }
    Ok(())
}
