//! Built-in types: construction and `isinstance`.

use std::rc::Rc;

use chrono::{NaiveDate, NaiveTime};
use indexmap::IndexMap;

use super::call::Arguments;
use super::exception::{self, Exception, Outcome, Stop};
use super::interpreter::Interpreter;
use super::key::Key;
use super::operators::{DAY, as_float, duration, round_half_even, too_large};
use super::value::{DateTime, Range, Value};
use super::{iterate, paths, raised, repr};

/// A built-in type.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    Bool,
    Bytes,
    Date,
    DateTime,
    Dict,
    Duration,
    Float,
    Int,
    List,
    None,
    Object,
    Path,
    Range,
    Set,
    Str,
    Tuple,
    Meta,
    Zone,
    /// A built-in exception class, by its place in the table of names.
    Exception(&'static str),
}

impl Type {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Bytes => "bytes",
            Self::Date => "date",
            Self::DateTime => "datetime",
            Self::Dict => "dict",
            Self::Duration => "timedelta",
            Self::Float => "float",
            Self::Int => "int",
            Self::List => "list",
            Self::None => "NoneType",
            Self::Object => "object",
            Self::Path => "Path",
            Self::Range => "range",
            Self::Set => "set",
            Self::Str => "str",
            Self::Tuple => "tuple",
            Self::Meta => "type",
            Self::Zone => "timezone",
            Self::Exception(name) => name,
        }
    }

    /// `isinstance(value, self)`.
    pub(super) fn has(self, value: &Value) -> bool {
        match (self, value) {
            (Self::Object, _)
            | (Self::Bool, Value::Bool(_))
            | (Self::Int, Value::Int(_) | Value::Bool(_))
            | (Self::Bytes, Value::Bytes(_))
            | (Self::Date, Value::Date(_) | Value::DateTime(_))
            | (Self::DateTime, Value::DateTime(_))
            | (Self::Dict, Value::Dict(_))
            | (Self::Duration, Value::Duration(_))
            | (Self::Float, Value::Float(_))
            | (Self::List, Value::List(_))
            | (Self::None, Value::None)
            | (Self::Path, Value::Path(_))
            | (Self::Range, Value::Range(_))
            | (Self::Set, Value::Set(_))
            | (Self::Str, Value::Str(_))
            | (Self::Tuple, Value::Tuple(_))
            | (Self::Zone, Value::Zone(_))
            | (Self::Meta, Value::Type(_) | Value::Class(_) | Value::Record(_)) => true,
            (Self::Str, Value::Member(member)) => member.text().is_some(),
            (Self::Int, Value::Member(member)) => member.number().is_some(),
            (Self::Exception(class), value) => {
                raised::class_of(value).is_some_and(|raised| exception::descends(&raised, class))
            }
            _ => false,
        }
    }

    /// `type(value)` for built-in values.
    pub(super) fn of(value: &Value) -> Option<Self> {
        Some(match value {
            Value::None => Self::None,
            Value::Bool(_) => Self::Bool,
            Value::Int(_) => Self::Int,
            Value::Float(_) => Self::Float,
            Value::Str(_) => Self::Str,
            Value::Bytes(_) => Self::Bytes,
            Value::List(_) => Self::List,
            Value::Tuple(_) => Self::Tuple,
            Value::Dict(_) => Self::Dict,
            Value::Set(_) => Self::Set,
            Value::Range(_) => Self::Range,
            Value::Duration(_) => Self::Duration,
            Value::DateTime(_) => Self::DateTime,
            Value::Date(_) => Self::Date,
            Value::Zone(_) => Self::Zone,
            Value::Path(_) => Self::Path,
            Value::Type(_) | Value::Class(_) | Value::Record(_) => Self::Meta,
            _ => return None,
        })
    }
}

/// Calls a built-in type.
pub(super) fn construct(
    interpreter: &mut Interpreter<'_>,
    kind: Type,
    arguments: &Arguments,
) -> Outcome<Value> {
    match kind {
        Type::Bool => {
            let [value] = arguments.bind("bool", ["x"], 0)?;
            Ok(Value::Bool(value.is_some_and(|value| value.truth())))
        }
        Type::Int => int(interpreter, arguments),
        Type::Float => float(arguments),
        Type::Str => {
            let [value, ..] = arguments.bind("str", ["object", "encoding", "errors"], 0)?;
            match value {
                None => Ok(Value::text("")),
                Some(Value::Bytes(bytes)) if arguments.positional.len() > 1 => {
                    Ok(Value::text(String::from_utf8_lossy(&bytes)))
                }
                Some(value) => Ok(Value::text(repr::display(interpreter, &value)?)),
            }
        }
        Type::Bytes => bytes(interpreter, arguments),
        Type::List | Type::Tuple | Type::Set => {
            let [value] = arguments.bind(kind.name(), ["iterable"], 0)?;
            let items = match value {
                Some(value) => iterate::collect(interpreter, &value)?,
                None => Vec::new(),
            };
            match kind {
                Type::List => Ok(Value::list(items)),
                Type::Tuple => Ok(Value::tuple(items)),
                _ => iterate::to_set(interpreter, items),
            }
        }
        Type::Dict => dict(interpreter, arguments),
        Type::Range => range(arguments),
        Type::Path => paths::construct(arguments),
        Type::Duration => timedelta(arguments),
        Type::DateTime => datetime(arguments),
        Type::Date => {
            let [year, month, day] = arguments.bind("date", ["year", "month", "day"], 3)?;
            Ok(Value::Date(calendar([year, month, day])?))
        }
        Type::Zone => {
            let [offset, _] = arguments.bind("timezone", ["offset", "name"], 1)?;
            match offset {
                Some(Value::Duration(micros)) => {
                    Ok(Value::Zone(i32::try_from(micros / 1_000_000).map_err(|_| too_large())?))
                }
                _ => Err(Exception::raise("TypeError", "timezone() takes a timedelta")),
            }
        }
        Type::Meta => type_of(arguments),
        Type::Exception(class) => {
            let message = match arguments.value(0) {
                Some(value) => repr::display(interpreter, value)?,
                None => String::new(),
            };
            Ok(raised::make(class, &message))
        }
        Type::None | Type::Object => {
            Err(Stop::unsupported(format!("calling {}", kind.name()), "definitions need none"))
        }
    }
}

fn type_of(arguments: &Arguments) -> Outcome<Value> {
    let [value] = arguments.bind("type", ["object"], 1)?;
    match value {
        Some(Value::Object(object)) => Ok(Value::Record(object.spec)),
        Some(Value::Instance(instance)) => Ok(Value::Class(Rc::clone(&instance.class))),
        Some(value) => match Type::of(&value) {
            Some(kind) => Ok(Value::Type(kind)),
            None => Ok(Value::Opaque(value.type_name())),
        },
        None => Err(Exception::raise("TypeError", "type() takes one argument")),
    }
}

fn int(interpreter: &mut Interpreter<'_>, arguments: &Arguments) -> Outcome<Value> {
    let [value, base] = arguments.bind("int", ["x", "base"], 0)?;
    let base = base.and_then(|base| base.as_int()).unwrap_or(10);
    let Some(value) = value else { return Ok(Value::Int(0)) };
    if let Some(number) = value.as_int() {
        return Ok(Value::Int(number));
    }
    match &value {
        Value::Float(number) => Ok(Value::Int(round_half_even(number.trunc())?)),
        Value::Str(text) => {
            let digits = text.trim().replace('_', "");
            let radix = u32::try_from(base).ok().filter(|base| (2..=36).contains(base));
            let parsed = radix.and_then(|radix| i128::from_str_radix(&digits, radix).ok());
            parsed.map(Value::Int).ok_or_else(|| {
                let message = format!("{} is no whole number", repr::quoted(text));
                Exception::raise("ValueError", message)
            })
        }
        other => {
            let text = repr::repr(interpreter, other)?;
            Err(Exception::raise("TypeError", format!("int() cannot convert {text}")))
        }
    }
}

fn float(arguments: &Arguments) -> Outcome<Value> {
    let [value] = arguments.bind("float", ["x"], 0)?;
    let Some(value) = value else { return Ok(Value::Float(0.0)) };
    if let Some(number) = as_float(&value) {
        return Ok(Value::Float(number));
    }
    let parsed = value.as_str().and_then(|text| text.trim().replace('_', "").parse().ok());
    parsed.map(Value::Float).ok_or_else(|| {
        let message = format!("float() cannot convert a value of type {}", value.type_name());
        Exception::raise("ValueError", message)
    })
}

fn bytes(interpreter: &mut Interpreter<'_>, arguments: &Arguments) -> Outcome<Value> {
    let [value, _] = arguments.bind("bytes", ["source", "encoding"], 0)?;
    match value {
        None => Ok(Value::Bytes(Rc::from([]))),
        Some(Value::Str(text)) => Ok(Value::Bytes(Rc::from(text.as_bytes()))),
        Some(value) => {
            let items = iterate::collect(interpreter, &value)?;
            let byte = |item: &Value| item.as_int().and_then(|number| u8::try_from(number).ok());
            let bytes: Option<Vec<u8>> = items.iter().map(byte).collect();
            let bad = || Exception::raise("ValueError", "bytes must be in range(0, 256)");
            Ok(Value::Bytes(bytes.ok_or_else(bad)?.into()))
        }
    }
}

fn dict(interpreter: &mut Interpreter<'_>, arguments: &Arguments) -> Outcome<Value> {
    let mut entries = match arguments.value(0) {
        None => IndexMap::new(),
        Some(Value::Dict(dict)) => dict.0.borrow().clone(),
        Some(pairs) => {
            let mut entries = IndexMap::new();
            for pair in iterate::collect(interpreter, pairs)? {
                let pair = iterate::collect(interpreter, &pair)?;
                let [key, value] = <[Value; 2]>::try_from(pair).map_err(|_| {
                    Exception::raise("ValueError", "dict() takes pairs of key and value")
                })?;
                entries.insert(Key::of(interpreter, &key)?, (key, value));
            }
            entries
        }
    };
    interpreter.charge(entries.len())?;
    for (name, argument) in &arguments.keywords {
        let entry = (Value::Str(Rc::clone(name)), argument.value.clone());
        entries.insert(Key::Str(Rc::clone(name)), entry);
    }
    Ok(Value::dict(entries))
}

fn range(arguments: &Arguments) -> Outcome<Value> {
    let bad = || Exception::raise("TypeError", "range() takes one to three whole numbers");
    let numbers: Option<Vec<i128>> = arguments
        .positional
        .iter()
        .map(|argument| argument.value.as_int().filter(|number| number.abs() < 1 << 100))
        .collect();
    let (start, stop, step) = match numbers.ok_or_else(bad)?[..] {
        [stop] => (0, stop, 1),
        [start, stop] => (start, stop, 1),
        [_, _, 0] => return Err(Exception::raise("ValueError", "the step of range() is zero")),
        [start, stop, step] => (start, stop, step),
        _ => return Err(bad()),
    };
    Ok(Value::Range(Range { start, stop, step }))
}

fn timedelta(arguments: &Arguments) -> Outcome<Value> {
    const UNITS: [i128; 7] = [DAY, 1_000_000, 1, 1_000, 60_000_000, 3_600_000_000, 7 * DAY];
    let names = ["days", "seconds", "microseconds", "milliseconds", "minutes", "hours", "weeks"];
    let given = arguments.bind("timedelta", names, 0)?;
    let (mut micros, mut fraction) = (0_i128, 0.0);
    for (value, unit) in given.into_iter().zip(UNITS) {
        match value {
            None => {}
            Some(Value::Float(number)) => {
                let whole = round_half_even(number.trunc())?;
                micros += whole.checked_mul(unit).ok_or_else(too_large)?;
                fraction += number.fract() * unit as f64;
            }
            Some(value) => {
                let number = value.as_int().ok_or_else(|| {
                    Exception::raise("TypeError", "timedelta() takes numbers only")
                })?;
                micros += number.checked_mul(unit).ok_or_else(too_large)?;
            }
        }
    }
    duration(micros + round_half_even(fraction)?)
}

fn calendar([year, month, day]: [Option<Value>; 3]) -> Outcome<NaiveDate> {
    let number = |value: Option<Value>| value.and_then(|value| value.as_int());
    let date = (|| {
        let year = i32::try_from(number(year)?).ok().filter(|year| (1..=9999).contains(year))?;
        let month = u32::try_from(number(month)?).ok()?;
        NaiveDate::from_ymd_opt(year, month, u32::try_from(number(day)?).ok()?)
    })();
    date.ok_or_else(|| Exception::raise("ValueError", "there is no such date"))
}

fn datetime(arguments: &Arguments) -> Outcome<Value> {
    let names =
        ["year", "month", "day", "hour", "minute", "second", "microsecond", "tzinfo", "fold"];
    let [year, month, day, hour, minute, second, micro, zone, _] =
        arguments.bind("datetime", names, 3)?;
    let date = calendar([year, month, day])?;
    let number = |value: Option<Value>| match value {
        None => Some(0),
        Some(value) => value.as_int().and_then(|number| u32::try_from(number).ok()),
    };
    let time = (|| {
        NaiveTime::from_hms_micro_opt(
            number(hour)?,
            number(minute)?,
            number(second)?,
            number(micro)?,
        )
    })();
    let time = time.ok_or_else(|| Exception::raise("ValueError", "there is no such time"))?;
    let offset = match zone {
        None | Some(Value::None) => None,
        Some(Value::Zone(seconds)) => Some(seconds),
        Some(other) => {
            let what = format!("tzinfo of type {}", other.type_name());
            return Err(Stop::unsupported(what, "use timezone.utc or timezone(timedelta(...))"));
        }
    };
    Ok(Value::DateTime(DateTime { local: date.and_time(time), offset }))
}
