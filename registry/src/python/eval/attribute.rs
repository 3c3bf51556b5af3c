//! `value.name`.

use std::rc::Rc;

use chrono::{Datelike, Timelike};

use super::exception::{Exception, Outcome, Stop};
use super::interpreter::{Interpreter, closest};
use super::operators::DAY;
use super::value::{DateTime, Method, Value};
use super::{call, class, methods, module, paths, record};

/// Reads an attribute.
pub(super) fn get(interpreter: &mut Interpreter<'_>, value: &Value, name: &str) -> Outcome<Value> {
    let found = match value {
        Value::Module(module) => return module::attribute(interpreter, module, name),
        Value::Foreign(package) => {
            return Err(call::foreign(&format!("{package}.{name}"), "using"));
        }
        Value::Opaque(owner) if &**owner == super::environment::VARIABLES => None,
        Value::Opaque(owner) => return Ok(Value::Opaque(Rc::from(format!("{owner}.{name}")))),
        Value::Object(object) => return record::attribute(object, name),
        Value::Class(class) => return class::class_attribute(class, name),
        Value::Instance(instance) => {
            return class::instance_attribute(interpreter, instance, name);
        }
        Value::Record(spec) => match name {
            "__name__" | "__qualname__" => Some(Value::text(spec.name)),
            _ => match spec.class_attribute.and_then(|read| read(name)) {
                Some(value) => Some(value),
                None => return Err(unknown_class_attribute(spec, name)),
            },
        },
        Value::Member(member) => match name {
            "name" => Some(Value::Str(Rc::clone(&member.name))),
            "value" => Some(member.value.clone()),
            _ => match member.text() {
                Some(text) => return get(interpreter, &Value::text(text), name),
                None => None,
            },
        },
        Value::Function(function) => match name {
            "__name__" | "__qualname__" => Some(Value::Str(Rc::clone(&function.name))),
            "__doc__" => Some(Value::None),
            _ => None,
        },
        Value::Type(kind) if name == "__name__" => Some(Value::text(kind.name())),
        Value::Type(super::types::Type::Zone) if name == "utc" => Some(Value::Zone(0)),
        Value::Path(path) => paths::attribute(path, name),
        Value::Duration(micros) => timedelta(*micros, name),
        Value::DateTime(moment) => datetime(*moment, name),
        Value::Date(date) => {
            let local = date.and_time(chrono::NaiveTime::MIN);
            datetime(DateTime { local, offset: None }, name)
                .filter(|_| matches!(name, "year" | "month" | "day"))
        }
        Value::Range(range) => match name {
            "start" => Some(Value::Int(range.start)),
            "stop" => Some(Value::Int(range.stop)),
            "step" => Some(Value::Int(range.step)),
            _ => None,
        },
        _ => None,
    };
    match found {
        Some(value) => Ok(value),
        None if methods::names(value).contains(&name) => {
            Ok(Value::Method(Rc::new(Method { receiver: value.clone(), name: Rc::from(name) })))
        }
        None => Err(missing(value, name)),
    }
}

fn missing(value: &Value, name: &str) -> Stop {
    let message = format!("a value of type {} has no attribute \"{name}\"", value.type_name());
    let stop = Exception::raise("AttributeError", message);
    match closest(name, methods::names(value).iter().copied()) {
        Some(near) => stop.hint(format!("did you mean \"{near}\"?")),
        None => stop,
    }
}

fn unknown_class_attribute(spec: &record::ClassSpec, name: &str) -> Stop {
    Exception::raise("AttributeError", format!("{} has no attribute \"{name}\"", spec.name))
}

fn timedelta(micros: i128, name: &str) -> Option<Value> {
    let rest = micros.rem_euclid(DAY);
    Some(Value::Int(match name {
        "days" => micros.div_euclid(DAY),
        "seconds" => rest / 1_000_000,
        "microseconds" => rest % 1_000_000,
        _ => return None,
    }))
}

fn datetime(moment: DateTime, name: &str) -> Option<Value> {
    let local = moment.local;
    Some(Value::Int(match name {
        "year" => i128::from(local.year()),
        "month" => i128::from(local.month()),
        "day" => i128::from(local.day()),
        "hour" => i128::from(local.hour()),
        "minute" => i128::from(local.minute()),
        "second" => i128::from(local.second()),
        "microsecond" => i128::from(local.and_utc().timestamp_subsec_micros()),
        "tzinfo" => return Some(moment.offset.map_or(Value::None, Value::Zone)),
        _ => return None,
    }))
}

/// Assigns an attribute.
pub(super) fn set(
    interpreter: &mut Interpreter<'_>,
    owner: &Value,
    name: &str,
    value: Value,
) -> Outcome<()> {
    interpreter.tick()?;
    match owner {
        Value::Object(object) => {
            object.set(name, value);
            Ok(())
        }
        Value::Instance(instance) => {
            let replaced = instance.attributes.borrow_mut().insert(Rc::from(name), value);
            drop(replaced);
            Ok(())
        }
        Value::Class(class) => {
            let replaced = class.attributes.borrow_mut().insert(Rc::from(name), value);
            drop(replaced);
            Ok(())
        }
        Value::Opaque(_) => Ok(()),
        Value::Foreign(package) => Err(call::foreign(package, "changing")),
        other => {
            let message = format!("attributes of a {} cannot be set", other.type_name());
            Err(Exception::raise("AttributeError", message))
        }
    }
}
