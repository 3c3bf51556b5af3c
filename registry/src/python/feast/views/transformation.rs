//! Transformations given as objects, and the function of a view.

use std::rc::Rc;

use larder_core::{Location, Transformation};

use super::function_text::function_text;
use super::schema::{MODE, label};
use crate::python::eval::exception::Outcome;
use crate::python::eval::record::{
    ClassSpec, Fallback, Kind, Object, Parameter, nullable, optional, required, with,
};
use crate::python::eval::value::Value;

const DESCRIBED: &[Parameter] = &[
    optional("name", Kind::Text),
    optional("tags", Kind::TextMap),
    nullable("description", Kind::Text, Fallback::Text("")),
    nullable("owner", Kind::Text, Fallback::Text("")),
];

/// `Transformation(mode=..., udf=..., udf_string=...)`.
pub(super) static TRANSFORMATION: ClassSpec = ClassSpec {
    name: "Transformation",
    module: "feast.transformation.base",
    parameters: &[
        required("mode", MODE),
        required("udf", Kind::Function),
        with("udf_string", Kind::Text, Fallback::Text("")),
    ],
    shared: DESCRIBED,
    positional: 7,
    ..ClassSpec::BASE
};

/// `@transformation(mode=...)`.
pub(super) static DECORATOR: ClassSpec = ClassSpec {
    name: "transformation",
    module: "feast.transformation.base",
    parameters: &[required("mode", MODE)],
    shared: DESCRIBED,
    positional: 5,
    decorates: Some(&TRANSFORMATION),
    ..ClassSpec::BASE
};

/// `PandasTransformation(udf=..., udf_string=...)`.
pub(super) static PANDAS: ClassSpec = ClassSpec {
    name: "PandasTransformation",
    module: "feast.transformation.pandas_transformation",
    ancestors: &["Transformation"],
    parameters: FUNCTION,
    shared: DESCRIBED,
    positional: 6,
    ..ClassSpec::BASE
};

/// `PythonTransformation(udf=..., udf_string=...)`.
pub(super) static PYTHON: ClassSpec = ClassSpec {
    name: "PythonTransformation",
    module: "feast.transformation.python_transformation",
    ancestors: &["Transformation"],
    parameters: FUNCTION,
    shared: DESCRIBED,
    positional: 6,
    ..ClassSpec::BASE
};

const FUNCTION: &[Parameter] =
    &[required("udf", Kind::Function), with("udf_string", Kind::Text, Fallback::Text(""))];

/// `SubstraitTransformation`: its plan can only be made by Python.
pub(super) static SUBSTRAIT: ClassSpec = ClassSpec {
    name: "SubstraitTransformation",
    module: "feast.transformation.substrait_transformation",
    ancestors: &["Transformation"],
    refused: Some((
        "a Substrait transformation",
        "its plan is made by ibis in Python: write the function with mode=\"python\" or \"pandas\"",
    )),
    ..ClassSpec::BASE
};

/// Whether the view has a function or a transformation.
pub(super) fn is_given(view: &Object) -> bool {
    view.get("udf").truth() || view.get("feature_transformation").truth()
}

/// Refuses a function in a mode that the view cannot have.
pub(super) fn check_mode(view: &Rc<Object>, mode: &str, known: &[&str]) -> Outcome<()> {
    let needed = !view.get("udf").is_none() && view.get("feature_transformation").is_none();
    if !needed || known.contains(&mode) {
        return Ok(());
    }
    let message = format!("{} cannot have the mode \"{mode}\"", label(view));
    Err(view.error(message).hint(format!("it may be {}", known.join(", "))))
}

/// The domain transformation of a view.
///
/// A class form without `udf_string` gets the text of its function: Feast would rely on pickled code,
/// which only Python can make.
pub(super) fn domain(view: &Object, mode: &str) -> Option<Transformation> {
    let (holder, mode) = match view.get("feature_transformation") {
        Value::Object(transformation) => {
            let mode = match transformation.spec.name {
                "PandasTransformation" => "pandas".to_owned(),
                "PythonTransformation" => "python".to_owned(),
                _ => super::schema::mode(&transformation),
            };
            (transformation, mode)
        }
        _ => return function(view, mode),
    };
    function(&holder, &mode)
}

/// Where the stored text of a view's function starts, unless it was given as a text of its own.
pub(in crate::python::feast) fn function_place(view: &Object) -> Option<Location> {
    let transformation = view.get("feature_transformation");
    let holder = transformation.as_object().map_or(view, |transformation| &**transformation);
    let Value::Function(function) = holder.get("udf") else { return None };
    let text = holder.text("udf_string");
    (text.is_empty() || text == function_text(&function))
        .then(|| function.source().location(function.range.start()))
}

fn function(holder: &Object, mode: &str) -> Option<Transformation> {
    let Value::Function(function) = holder.get("udf") else { return None };
    let text = holder.text("udf_string");
    Some(Transformation::Function {
        name: function.name.as_ref().to_owned(),
        body: Vec::new(),
        body_text: if text.is_empty() { function_text(&function) } else { text },
        mode: mode.to_owned(),
    })
}
