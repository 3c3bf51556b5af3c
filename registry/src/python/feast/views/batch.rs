//! `BatchFeatureView` and its decorator.

use std::rc::Rc;

use super::feature_view::{self, OLD_KEYWORDS, SHARED, SOURCE, streams};
use super::schema::{MODE, VIEW, label, mode};
use super::transformation;
use crate::python::eval::exception::Outcome;
use crate::python::eval::interpreter::Interpreter;
use crate::python::eval::record::{
    ClassSpec, Fallback, Kind, Object, nullable, optional, required, with,
};
use crate::python::eval::value::Value;

const PYTHON: Fallback = Fallback::Text("python");

/// `BatchFeatureView`.
pub(super) static BATCH_FEATURE_VIEW: ClassSpec = ClassSpec {
    name: "BatchFeatureView",
    module: "feast.batch_feature_view",
    ancestors: &["FeatureView", "BaseFeatureView"],
    parameters: &[
        required("name", Kind::Text),
        with("mode", MODE, PYTHON),
        optional("source", SOURCE),
        optional("ttl", Kind::Duration),
        with("online", Kind::Bool, Fallback::Bool(false)),
        with("offline", Kind::Bool, Fallback::Bool(false)),
        optional("udf", Kind::Function),
        nullable("udf_string", Kind::Text, Fallback::Text("")),
        optional("feature_transformation", Kind::Object("Transformation")),
        optional("batch_engine", Kind::Map),
        optional("aggregations", Kind::List(&Kind::Object("Aggregation"))),
    ],
    shared: SHARED,
    legacy: OLD_KEYWORDS,
    finish: Some(finish),
    ..VIEW
};

/// `@batch_feature_view(...)`.
pub(super) static DECORATOR: ClassSpec = ClassSpec {
    name: "batch_feature_view",
    module: "feast.batch_feature_view",
    parameters: &[
        optional("name", Kind::Text),
        with("mode", MODE, PYTHON),
        optional("source", SOURCE),
        optional("ttl", Kind::Duration),
        with("online", Kind::Bool, Fallback::Bool(true)),
        with("offline", Kind::Bool, Fallback::Bool(true)),
    ],
    shared: SHARED,
    legacy: OLD_KEYWORDS,
    decorates: Some(&BATCH_FEATURE_VIEW),
    ..ClassSpec::BASE
};

fn finish(interpreter: &mut Interpreter<'_>, view: &Rc<Object>) -> Outcome<()> {
    if let Value::Object(source) = view.get("source")
        && (streams(&source) || source.is_a("RequestSource"))
    {
        let message = format!(
            "{} needs a batch source, not the {} \"{}\"",
            label(view),
            source.spec.name,
            source.name()
        );
        return Err(view.error(message));
    }
    let given = |name: &str| view.get(name).truth();
    if !given("source") && given("aggregations") {
        return Err(view.error(format!("{} has aggregations but no source", label(view))));
    }
    if !given("source") && !given("udf") && !given("feature_transformation") {
        let message = format!("{} needs a source, a function or a transformation", label(view));
        return Err(view.error(message));
    }
    let known = ["pandas", "python", "sql", "ray", "flink"];
    transformation::check_mode(view, &mode(view), &known)?;
    feature_view::finish(interpreter, view)
}
