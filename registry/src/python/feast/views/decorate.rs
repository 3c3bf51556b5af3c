//! `@on_demand_feature_view(...)` and the other decorators, applied to their function.

use std::rc::Rc;

use super::function_text::{foreign_names, function_text};
use crate::python::eval::exception::Outcome;
use crate::python::eval::function::Function;
use crate::python::eval::interpreter::Interpreter;
use crate::python::eval::record;
use crate::python::eval::scope::Variables;
use crate::python::eval::value::{PendingDecorator, Value};

/// Makes the object that the decorator stands for. Its place is the first line of the definition.
pub(in crate::python::feast) fn decorate(
    interpreter: &mut Interpreter<'_>,
    decorator: &PendingDecorator,
    function: &Rc<Function>,
) -> Outcome<Value> {
    let spec = decorator.spec;
    let mut attributes = Variables::new();
    for parameter in spec.all_parameters() {
        let given = decorator.attributes.get(parameter.name).cloned();
        let value = match (parameter.name, given) {
            ("name", None | Some(Value::None)) => Value::Str(Rc::clone(&function.name)),
            ("udf", _) => Value::Function(Rc::clone(function)),
            ("udf_string", _) => Value::text(function_text(function)),
            (_, Some(value)) => value,
            (_, None) => record::default(parameter, spec.name)?,
        };
        attributes.insert(Rc::from(parameter.name), value);
    }
    if spec.name == "OnDemandFeatureView" {
        warn_of_names(interpreter, function);
    }
    let mut location = function.source().location(function.range.start());
    location.column = 0;
    record::make(interpreter, spec, attributes, location)
}

/// Feast's servers run the text of the function alone, with nothing but pandas and numpy around it.
pub(in crate::python) fn warn_of_names(interpreter: &mut Interpreter<'_>, function: &Rc<Function>) {
    for (name, range) in foreign_names(function) {
        let message = format!(
            "function \"{}\" uses \"{name}\" from outside, which Feast's servers do not have: \
             import or define it inside the function",
            function.name
        );
        interpreter.warn(message, function.source().location(range.start()));
    }
}
