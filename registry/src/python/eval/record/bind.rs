//! Construction: arguments to attributes, with checks.

use std::rc::Rc;

use larder_core::Location;

use super::{ClassSpec, Fallback, Kind, Object, Parameter};
use crate::python::eval::call::{Argument, Arguments, foreign};
use crate::python::eval::exception::{Exception, Outcome, Stop};
use crate::python::eval::interpreter::{Interpreter, closest};
use crate::python::eval::member::Member;
use crate::python::eval::scope::Variables;
use crate::python::eval::value::{PendingDecorator, Value};

/// Calls a described class.
pub(in crate::python::eval) fn construct(
    interpreter: &mut Interpreter<'_>,
    spec: &'static ClassSpec,
    arguments: &Arguments,
) -> Outcome<Value> {
    let attributes = bind(interpreter, spec, arguments)?;
    if let Some(spec) = spec.decorates {
        return Ok(Value::Decorator(Rc::new(PendingDecorator { spec, attributes })));
    }
    make(interpreter, spec, attributes, arguments.location())
}

/// An object of bound attributes, checked.
pub(crate) fn make(
    interpreter: &mut Interpreter<'_>,
    spec: &'static ClassSpec,
    attributes: Variables,
    location: Location,
) -> Outcome<Value> {
    let object = Object::new(spec, attributes, location);
    if let Some(finish) = spec.finish {
        finish(interpreter, &object).map_err(|stop| stop.at(|| object.location.clone()))?;
    }
    Ok(Value::Object(object))
}

/// Calls a described class with arguments by name, from another notation than Python.
pub(crate) fn call(
    interpreter: &mut Interpreter<'_>,
    spec: &'static ClassSpec,
    mut given: Variables,
    location: &Location,
) -> Outcome<Rc<Object>> {
    if let Some((what, hint)) = spec.refused {
        return Err(Stop::unsupported(what, hint));
    }
    let subject = spec.name;
    let mut attributes = Variables::with_capacity(spec.parameters.len());
    for parameter in spec.all_parameters() {
        let value = match given.swap_remove(parameter.name) {
            Some(value) => {
                check(parameter, &value, subject)?;
                value
            }
            None => default(parameter, subject)?,
        };
        attributes.insert(Rc::from(parameter.name), value);
    }
    match make(interpreter, spec, attributes, location.clone())? {
        Value::Object(object) => Ok(object),
        other => Err(Exception::raise("TypeError", other.type_name().as_ref())),
    }
}

/// Sorts the arguments of a constructor into its parameters and checks them.
fn bind(
    interpreter: &mut Interpreter<'_>,
    spec: &'static ClassSpec,
    arguments: &Arguments,
) -> Outcome<Variables> {
    if let Some((what, hint)) = spec.refused {
        return Err(Stop::unsupported(what, hint));
    }
    let mut given: indexmap::IndexMap<&'static str, Argument> = indexmap::IndexMap::new();
    for (position, argument) in arguments.positional.iter().enumerate() {
        let name = positional_name(interpreter, spec, position, arguments, argument)?;
        given.insert(name, argument.clone());
    }
    for (keyword, argument) in &arguments.keywords {
        let (name, argument) = keyword_name(interpreter, spec, keyword, arguments, argument)?;
        if given.insert(name, argument.clone()).is_some() {
            let message = format!("{} gets \"{name}\" twice", spec.name);
            return Err(
                Exception::raise("TypeError", message).at(|| arguments.location_of(&argument))
            );
        }
    }
    let subject = match given.get("name").and_then(|argument| argument.value.as_str()) {
        Some(name) => format!("{} \"{name}\"", spec.name),
        None => spec.name.to_owned(),
    };
    let mut attributes = Variables::with_capacity(spec.parameters.len());
    for parameter in spec.all_parameters() {
        let value = match given.swap_remove(parameter.name) {
            Some(argument) => {
                check(parameter, &argument.value, &subject)
                    .map_err(|stop| stop.at(|| arguments.location_of(&argument)))?;
                argument.value
            }
            None => default(parameter, &subject)?,
        };
        attributes.insert(Rc::from(parameter.name), value);
    }
    Ok(attributes)
}

fn positional_name(
    interpreter: &mut Interpreter<'_>,
    spec: &'static ClassSpec,
    position: usize,
    arguments: &Arguments,
    argument: &Argument,
) -> Outcome<&'static str> {
    if let Some(parameter) = spec.all_parameters().take(spec.positional).nth(position) {
        return Ok(parameter.name);
    }
    let location = arguments.location_of(argument);
    let Some(name) = spec.legacy_positional.get(position) else {
        let message = format!("{} takes keyword arguments only", spec.name);
        let hint = "write name=value for each argument";
        return Err(Exception::raise("TypeError", message).hint(hint).at(|| location));
    };
    interpreter.warn(format!("{}: give \"{name}\" by keyword", spec.name), location);
    Ok(name)
}

fn keyword_name(
    interpreter: &mut Interpreter<'_>,
    spec: &'static ClassSpec,
    keyword: &str,
    arguments: &Arguments,
    argument: &Argument,
) -> Outcome<(&'static str, Argument)> {
    let hidden = keyword.starts_with('_');
    if let Some(parameter) = spec.all_parameters().find(|known| known.name == keyword && !hidden) {
        return Ok((parameter.name, argument.clone()));
    }
    let location = arguments.location_of(argument);
    if let Some(legacy) = spec.legacy.iter().find(|legacy| legacy.old == keyword) {
        let message = match legacy.new.strip_prefix('_') {
            Some(_) => format!("{}: \"{keyword}\" is a parameter of older versions", spec.name),
            None => format!(
                "{}: \"{keyword}\" is the old name of \"{}\", use the new one",
                spec.name, legacy.new
            ),
        };
        interpreter.warn(message, location.clone());
        let value = match legacy.adapt {
            Some(adapt) => {
                adapt(interpreter, argument.value.clone()).map_err(|stop| stop.at(|| location))?
            }
            None => argument.value.clone(),
        };
        return Ok((legacy.new, Argument { value, range: argument.range }));
    }
    let stop =
        Exception::raise("TypeError", format!("{} has no parameter \"{keyword}\"", spec.name));
    let known = spec.all_parameters().map(|parameter| parameter.name);
    let known = known.filter(|name| !name.starts_with('_'));
    let stop = match closest(keyword, known.clone()) {
        Some(near) => stop.hint(format!("did you mean \"{near}\"?")),
        None => stop.hint(format!("it takes {}", known.collect::<Vec<_>>().join(", "))),
    };
    Err(stop.at(|| location))
}

pub(crate) fn default(parameter: &Parameter, subject: &str) -> Outcome<Value> {
    Ok(match parameter.default {
        Fallback::Required => {
            let message = format!("{subject} misses the argument \"{}\"", parameter.name);
            return Err(Exception::raise("TypeError", message));
        }
        Fallback::None => Value::None,
        Fallback::Bool(flag) => Value::Bool(flag),
        Fallback::Int(number) => Value::Int(number),
        Fallback::Float(number) => Value::Float(number),
        Fallback::Text(text) => Value::text(text),
        Fallback::Duration(micros) => Value::Duration(micros),
        Fallback::Member(class, name) => Value::Member(Member::plain(class, name)),
    })
}

fn check(parameter: &Parameter, value: &Value, subject: &str) -> Outcome<()> {
    if (value.is_none() && parameter.nullable) || parameter.kind.accepts(value) {
        return Ok(());
    }
    if let Value::Foreign(name) = value {
        return Err(foreign(name, "using"));
    }
    let wanted = parameter.kind.describe();
    let given = match (&parameter.kind, value) {
        (Kind::List(kind), Value::List(list)) => {
            let list = list.0.borrow();
            let wrong = list.iter().find(|item| !kind.accepts(item)).map(Value::type_name);
            format!("a list with an item of type {}", wrong.unwrap_or_else(|| Rc::from("?")))
        }
        _ => value.type_name().as_ref().to_owned(),
    };
    let message = format!("{subject}: \"{}\" must be {wanted}, not {given}", parameter.name);
    Err(Exception::raise("TypeError", message))
}
