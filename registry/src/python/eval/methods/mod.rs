//! Methods of built-in values.

mod containers;
mod text;

use super::call::Arguments;
use super::exception::{Exception, Outcome};
use super::interpreter::Interpreter;
use super::types::Type;
use super::value::{DateTime, Value};
use super::{class, environment, files, paths, record, times};

/// The methods that a value has.
pub(super) fn names(value: &Value) -> &'static [&'static str] {
    match value {
        Value::Str(_) | Value::Type(Type::Str) => text::METHODS,
        Value::Bytes(_) => text::BYTES_METHODS,
        Value::List(_) => containers::LIST_METHODS,
        Value::Tuple(_) | Value::Range(_) => containers::TUPLE_METHODS,
        Value::Dict(_) => containers::DICT_METHODS,
        Value::Type(Type::Dict) => &["fromkeys"],
        Value::Set(_) => containers::SET_METHODS,
        Value::Path(_) => paths::METHODS,
        Value::File(_) => files::METHODS,
        Value::Type(Type::Path) => &["cwd", "home"],
        Value::Duration(_) => times::DURATION_METHODS,
        Value::DateTime(_) | Value::Date(_) => times::MOMENT_METHODS,
        Value::Type(Type::DateTime | Type::Date) => times::CLASS_METHODS,
        Value::Opaque(name) if &**name == environment::VARIABLES => environment::METHODS,
        _ => &[],
    }
}

/// Calls a method.
pub(super) fn call(
    interpreter: &mut Interpreter<'_>,
    receiver: &Value,
    name: &str,
    arguments: &Arguments,
) -> Outcome<Value> {
    match receiver {
        Value::Str(text) => text::call(interpreter, text, name, arguments),
        Value::Bytes(bytes) => text::decode(bytes),
        Value::List(list) => containers::call_list(interpreter, list, name, arguments),
        Value::Tuple(_) | Value::Range(_) => {
            containers::call_tuple(interpreter, receiver, name, arguments)
        }
        Value::Dict(dict) => containers::call_dict(interpreter, dict, name, arguments),
        Value::Set(set) => containers::call_set(interpreter, set, name, arguments),
        Value::Path(path) => paths::call(interpreter, path, name, arguments),
        Value::File(file) => Ok(files::call(file, name)),
        Value::Duration(micros) => Ok(times::call_duration(*micros)),
        Value::DateTime(moment) => times::call_moment(*moment, false, name, arguments),
        Value::Date(date) => {
            let local = date.and_time(chrono::NaiveTime::MIN);
            times::call_moment(DateTime { local, offset: None }, true, name, arguments)
        }
        Value::Opaque(_) => environment::call(interpreter, name, arguments),
        Value::Object(object) => record::call_method(interpreter, object, name, arguments),
        Value::Class(_) | Value::Instance(_) => {
            class::call_method(interpreter, receiver, name, arguments)
        }
        Value::Type(kind) => call_type(interpreter, *kind, name, arguments),
        other => {
            let message = format!("a value of type {} has no method {name}", other.type_name());
            Err(Exception::raise("AttributeError", message))
        }
    }
}

/// `str.join(...)`, `dict.fromkeys(...)`, `datetime.strptime(...)`.
fn call_type(
    interpreter: &mut Interpreter<'_>,
    kind: Type,
    name: &str,
    arguments: &Arguments,
) -> Outcome<Value> {
    match kind {
        Type::DateTime | Type::Date => times::call_class(name, kind == Type::Date, arguments),
        Type::Dict => containers::from_keys(interpreter, arguments),
        Type::Path => {
            let folder = match name {
                "cwd" => interpreter.files.root().to_owned(),
                _ => interpreter.environment.variable("HOME").ok_or_else(|| {
                    Exception::raise("RuntimeError", "the home folder is not known")
                })?,
            };
            paths::construct(&Arguments::of(interpreter, vec![Value::text(folder)]))
        }
        _ => match arguments.without_first() {
            Some((receiver @ Value::Str(_), rest)) => call(interpreter, &receiver, name, &rest),
            _ => Err(Exception::raise("TypeError", format!("{name}() needs a string"))),
        },
    }
}
