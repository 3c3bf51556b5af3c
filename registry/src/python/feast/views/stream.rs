//! `StreamFeatureView` and its decorator.

use std::rc::Rc;

use super::feature_view::{self, OLD_KEYWORDS, SHARED, SOURCE};
use super::schema::{MODE, VIEW, label, mode};
use super::transformation;
use crate::python::eval::exception::Outcome;
use crate::python::eval::interpreter::Interpreter;
use crate::python::eval::record::{
    ClassSpec, Fallback, Kind, Object, nullable, optional, required, with,
};
use crate::python::eval::value::Value;

/// Microseconds of the default tile: five minutes.
const DEFAULT_HOP: i128 = 300_000_000;

/// `StreamFeatureView`.
pub(super) static STREAM_FEATURE_VIEW: ClassSpec = ClassSpec {
    name: "StreamFeatureView",
    module: "feast.stream_feature_view",
    ancestors: &["FeatureView", "BaseFeatureView"],
    parameters: &[
        required("name", Kind::Text),
        required("source", SOURCE),
        nullable("ttl", Kind::Duration, Fallback::Duration(0)),
        with("online", Kind::Bool, Fallback::Bool(true)),
        with("offline", Kind::Bool, Fallback::Bool(false)),
        optional("aggregations", Kind::List(&Kind::Object("Aggregation"))),
        with("mode", MODE, Fallback::Text("python")),
        nullable("timestamp_field", Kind::Text, Fallback::Text("")),
        optional("udf", Kind::Function),
        nullable("udf_string", Kind::Text, Fallback::Text("")),
        optional("feature_transformation", Kind::Object("Transformation")),
        optional("stream_engine", Kind::Map),
        with("enable_tiling", Kind::Bool, Fallback::Bool(false)),
        optional("tiling_hop_size", Kind::Duration),
    ],
    shared: SHARED,
    legacy: OLD_KEYWORDS,
    finish: Some(finish),
    ..VIEW
};

/// `@stream_feature_view(...)`.
pub(super) static DECORATOR: ClassSpec = ClassSpec {
    name: "stream_feature_view",
    module: "feast.stream_feature_view",
    parameters: &[
        optional("source", SOURCE),
        optional("ttl", Kind::Duration),
        nullable("online", Kind::Bool, Fallback::Bool(true)),
        optional("aggregations", Kind::List(&Kind::Object("Aggregation"))),
        nullable("mode", MODE, Fallback::Text("spark")),
        nullable("timestamp_field", Kind::Text, Fallback::Text("")),
    ],
    shared: SHARED,
    legacy: OLD_KEYWORDS,
    decorates: Some(&STREAM_FEATURE_VIEW),
    ..ClassSpec::BASE
};

fn finish(interpreter: &mut Interpreter<'_>, view: &Rc<Object>) -> Outcome<()> {
    if let Value::Object(source) = view.get("source") {
        let refused = [
            "FileSource",
            "RequestSource",
            "KinesisSource",
            "BigQuerySource",
            "RedshiftSource",
            "SnowflakeSource",
            "TrinoSource",
            "AthenaSource",
            "SparkSource",
        ];
        if refused.contains(&source.spec.name) {
            let message = format!(
                "{} needs a stream source, not the {} \"{}\"",
                label(view),
                source.spec.name,
                source.name()
            );
            return Err(view.error(message).hint("use a KafkaSource or a PushSource"));
        }
    } else if view.get("source").is_none() {
        return Err(view.error(format!("{} needs a source", label(view))));
    }
    if view.get("aggregations").truth() && !view.get("timestamp_field").truth() {
        let message = format!("{} has aggregations but no timestamp_field", label(view));
        return Err(view.error(message).hint("give timestamp_field=... of the stream"));
    }
    let known = ["pandas", "python", "spark_sql", "spark", "flink"];
    transformation::check_mode(view, &mode(view), &known)?;
    if view.get("ttl").is_none() {
        view.set("ttl", Value::Duration(0));
    }
    tiles(view)?;
    feature_view::finish(interpreter, view)
}

/// Tiles must be smaller than every window.
fn tiles(view: &Rc<Object>) -> Outcome<()> {
    if !view.get("enable_tiling").truth() {
        return Ok(());
    }
    let hop = match view.get("tiling_hop_size") {
        Value::Duration(micros) if micros != 0 => micros,
        _ => DEFAULT_HOP,
    };
    let window = |aggregation: &Rc<Object>| match aggregation.get("time_window") {
        Value::Duration(micros) => Some(micros),
        _ => None,
    };
    match view.objects("aggregations").iter().filter_map(window).min() {
        Some(window) if hop >= window => {
            let message =
                format!("{}: tiling_hop_size must be smaller than every time_window", label(view));
            Err(view.error(message))
        }
        _ => Ok(()),
    }
}
