//! `OnDemandFeatureView` and its decorator.

use std::rc::Rc;

use larder_core::{DataSource, OnDemandFeatureView, OnDemandSource, Result, SourceKind, ViewMeta};

use super::schema::{self, ENTITIES, FIELDS, MODE, OLD_FEATURES, VIEW, label, mode};
use super::{projection, transformation};
use crate::python::eval::exception::Outcome;
use crate::python::eval::interpreter::Interpreter;
use crate::python::eval::record::{
    ClassSpec, Fallback, Kind, Legacy, Object, Parameter, nullable, optional, required, with,
};
use crate::python::eval::value::Value;
use crate::python::feast::field::{fields, tags};
use crate::python::feast::{formats, sources};

const SOURCES: Kind =
    Kind::List(&Kind::AnyOf(&[Kind::Object("FeatureView"), Kind::Object("RequestSource")]));

const SHARED: &[Parameter] = &[
    optional("entities", ENTITIES),
    optional("sources", SOURCES),
    optional("input_schema", FIELDS),
    with("mode", MODE, Fallback::Text("pandas")),
    with("description", Kind::Text, Fallback::Text("")),
    optional("tags", Kind::TextMap),
    with("owner", Kind::Text, Fallback::Text("")),
    with("org", Kind::Text, Fallback::Text("")),
    with("write_to_online_store", Kind::Bool, Fallback::Bool(false)),
    with("singleton", Kind::Bool, Fallback::Bool(false)),
    with("track_metrics", Kind::Bool, Fallback::Bool(false)),
    optional("aggregations", Kind::List(&Kind::Object("Aggregation"))),
    with("version", Kind::Text, Fallback::Text("latest")),
];

/// Spellings before Feast 0.22.
const OLD_KEYWORDS: &[Legacy] = &[
    OLD_FEATURES,
    Legacy { old: "inputs", new: "sources", adapt: Some(values_of) },
    Legacy { old: "input", new: "sources", adapt: Some(values_of) },
];

/// `OnDemandFeatureView`.
pub(super) static ON_DEMAND_FEATURE_VIEW: ClassSpec = ClassSpec {
    name: "OnDemandFeatureView",
    module: "feast.on_demand_feature_view",
    ancestors: &["BaseFeatureView"],
    parameters: &[
        required("name", Kind::Text),
        optional("schema", FIELDS),
        optional("udf", Kind::Function),
        nullable("udf_string", Kind::Text, Fallback::Text("")),
        optional("feature_transformation", Kind::Object("Transformation")),
        with("enabled", Kind::Bool, Fallback::Bool(true)),
    ],
    shared: SHARED,
    legacy: OLD_KEYWORDS,
    finish: Some(finish),
    ..VIEW
};

/// `@on_demand_feature_view(...)`.
pub(super) static DECORATOR: ClassSpec = ClassSpec {
    name: "on_demand_feature_view",
    module: "feast.on_demand_feature_view",
    parameters: &[
        optional("name", Kind::Text),
        required("schema", FIELDS),
        with("explode", Kind::Bool, Fallback::Bool(false)),
    ],
    shared: SHARED,
    legacy: OLD_KEYWORDS,
    decorates: Some(&ON_DEMAND_FEATURE_VIEW),
    ..ClassSpec::BASE
};

/// `inputs={"name": source}` as a list.
#[expect(clippy::unnecessary_wraps, reason = "the signature of an adapter")]
fn values_of(_: &mut Interpreter<'_>, inputs: Value) -> Outcome<Value> {
    Ok(match &inputs {
        Value::Dict(inputs) => {
            Value::list(inputs.0.borrow().values().map(|(_, source)| source.clone()).collect())
        }
        Value::Object(_) => Value::list(vec![inputs]),
        _ => inputs,
    })
}

fn finish(interpreter: &mut Interpreter<'_>, view: &Rc<Object>) -> Outcome<()> {
    view.set("mode", Value::text(mode(view).to_lowercase()));
    if view.get("input_schema").is_none() && view.items("sources").is_empty() {
        let message = format!("{} needs sources or an input_schema", label(view));
        return Err(view.error(message));
    }
    distinct_sources(view)?;
    // Feast 0.67 projects the schema as declared, before join keys are taken out.
    view.set("_projected", view.get("schema"));
    schema::apply(interpreter, view)?;
    if view.get("singleton").truth() && mode(view) != "python" {
        let message = format!("{}: singleton needs mode=\"python\"", label(view));
        return Err(view.error(message));
    }
    if mode(view) == "substrait" {
        let message = format!("{}: its Substrait plan is made by ibis in Python", label(view));
        return Err(view.error(message).hint(
            "write the function with mode=\"python\" or \"pandas\", or apply the view with Feast: \
             fs computes the plan that a registry holds",
        ));
    }
    transformation::check_mode(view, &mode(view), &["pandas", "python"])?;
    if !transformation::is_given(view) && !view.get("aggregations").truth() {
        let message = format!("{} has no function", label(view));
        return Err(view.error(message).hint("use the decorator @on_demand_feature_view"));
    }
    known_columns(view)
}

/// A view and a request source must not share a name: inputs are kept by name.
fn distinct_sources(view: &Rc<Object>) -> Outcome<()> {
    let sources = view.objects("sources");
    for (position, source) in sources.iter().enumerate() {
        let clash = sources[..position].iter().find(|earlier| {
            earlier.name() == source.name()
                && earlier.is_a("RequestSource") != source.is_a("RequestSource")
        });
        if clash.is_some() {
            let message = format!("{}: two sources are named \"{}\"", label(view), source.name());
            return Err(view.error(message));
        }
    }
    Ok(())
}

/// Aggregations over an input schema must name its fields.
fn known_columns(view: &Rc<Object>) -> Outcome<()> {
    if view.get("input_schema").is_none() {
        return Ok(());
    }
    let known: Vec<String> =
        view.objects("input_schema").iter().map(|field| field.name()).collect();
    for aggregation in view.objects("aggregations") {
        let column = aggregation.text("column");
        if !column.is_empty() && !known.contains(&column) {
            let message = format!(
                "{}: the aggregated column \"{column}\" is not in input_schema",
                label(view)
            );
            return Err(view.error(message).hint(format!("it has {}", known.join(", "))));
        }
    }
    Ok(())
}

/// The domain view.
///
/// # Errors
/// [`larder_core::ErrorKind::Invalid`] for what the registry cannot hold.
pub(in crate::python::feast) fn on_demand_feature_view(
    view: &Object,
) -> Result<OnDemandFeatureView> {
    let mut tags = tags(view);
    // Feast 0.67 keeps `track_metrics` as a tag.
    if view.get("track_metrics").truth() {
        tags.insert("feast:track_metrics".to_owned(), "true".to_owned());
    }
    Ok(OnDemandFeatureView {
        name: view.name(),
        features: fields(view, "features")?,
        sources: domain_sources(view)?,
        transformation: transformation::domain(view, &mode(view)),
        mode: mode(view),
        singleton: view.get("singleton").truth(),
        write_to_online_store: view.get("write_to_online_store").truth(),
        entities: view
            .items("entities")
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        entity_columns: fields(view, "entity_columns")?,
        aggregations: formats::aggregations(view)?,
        description: view.text("description"),
        tags,
        owner: view.text("owner"),
        org: view.text("org"),
        version: view.text("version"),
        disabled: view.attribute("enabled").is_some_and(|enabled| !enabled.truth()),
        meta: ViewMeta::default(),
    })
}

fn domain_sources(view: &Object) -> Result<Vec<(String, OnDemandSource)>> {
    let mut found = std::collections::BTreeMap::new();
    for source in view.objects("sources") {
        let input = if source.is_a("RequestSource") {
            OnDemandSource::Request(sources::data_source(&source)?)
        } else {
            OnDemandSource::Projection(projection::projection(&source)?)
        };
        found.insert(source.name(), input);
    }
    if !view.get("input_schema").is_none() {
        // Feast 0.67 keeps an input schema as a request source of this name.
        let name = format!("__input_schema__{}", view.name());
        let kind = SourceKind::Request { schema: fields(view, "input_schema")? };
        found.insert(name.clone(), OnDemandSource::Request(DataSource::new(name, kind)));
    }
    Ok(found.into_iter().collect())
}
