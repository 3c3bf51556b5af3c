//! Exceptions as values.

use super::class::{Class, Instance};
use super::exception::{Exception, Outcome};
use super::interpreter::Interpreter;
use super::repr;
use super::types::Type;
use super::value::Value;

/// An exception as a value, for `except ... as name` and `raise`.
pub(super) fn make(class: &str, message: &str) -> Value {
    let base = super::exception::known(class).unwrap_or("Exception");
    let class = Class::derived(class, Value::Type(Type::Exception(base)));
    let arguments = Value::tuple(vec![Value::text(message)]);
    Value::Instance(Instance::with(class, "args", arguments))
}

/// The value of a caught exception.
pub(super) fn value_of(exception: &Exception) -> Value {
    make(&exception.class, &exception.message)
}

/// Class of an exception value.
pub(super) fn class_of(value: &Value) -> Option<String> {
    match value {
        Value::Instance(instance) if instance.class.exception().is_some() => {
            Some(instance.class.name.as_ref().to_owned())
        }
        _ => None,
    }
}

/// The exception class that `except` or `raise` names.
pub(super) fn class_named(value: &Value) -> Option<String> {
    match value {
        Value::Type(Type::Exception(class)) => Some((*class).to_owned()),
        Value::Class(class) => class.exception().map(|_| class.name.as_ref().to_owned()),
        other => class_of(other),
    }
}

/// The message of a raised class or exception.
pub(super) fn message(interpreter: &mut Interpreter<'_>, value: &Value) -> Outcome<String> {
    match value {
        Value::Instance(_) => repr::display(interpreter, value),
        other => Ok(class_named(other).unwrap_or_else(|| "exception".to_owned())),
    }
}
