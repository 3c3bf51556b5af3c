//! Built-in functions.

mod order;
mod streams;

pub(super) use order::sort;

use std::cmp::Ordering;
use std::rc::Rc;

use crate::python::eval::call::{Arguments, NativeFunction};
use crate::python::eval::exception::{self, Exception, Outcome};
use crate::python::eval::function::Role;
use crate::python::eval::interpreter::Interpreter;
use crate::python::eval::operators::{as_float, binary, round_half_even};
use crate::python::eval::types::Type;
use crate::python::eval::value::{Iterator, Value};
use crate::python::eval::{attribute, class, files, format, iterate, repr, types};

type Native = fn(&mut Interpreter<'_>, &Arguments) -> Outcome<Value>;

const FUNCTIONS: &[(&str, Native)] = &[
    ("abs", abs),
    ("all", all),
    ("any", any),
    ("ascii", |interpreter, arguments| {
        let [value] = arguments.bind("ascii", ["obj"], 1)?;
        let text = repr::repr(interpreter, &value.unwrap_or(Value::None))?;
        Ok(Value::text(repr::ascii(&text)))
    }),
    ("bin", |interpreter, arguments| based(interpreter, arguments, "#b")),
    ("callable", callable),
    ("chr", chr),
    ("divmod", divmod),
    ("enumerate", streams::enumerate),
    ("filter", streams::filter),
    ("format", |interpreter, arguments| {
        let [value, spec] = arguments.bind("format", ["value", "spec"], 1)?;
        let spec = spec.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(Value::text(format::format(interpreter, &value.unwrap_or(Value::None), &spec)?))
    }),
    ("frozenset", |interpreter, arguments| types::construct(interpreter, Type::Set, arguments)),
    ("getattr", getattr),
    ("hasattr", hasattr),
    ("hex", |interpreter, arguments| based(interpreter, arguments, "#x")),
    ("isinstance", isinstance),
    ("issubclass", issubclass),
    ("iter", |interpreter, arguments| {
        let [value] = arguments.bind("iter", ["iterable"], 1)?;
        match value {
            Some(Value::Iterator(iterator)) => Ok(Value::Iterator(iterator)),
            value => {
                let items = iterate::collect(interpreter, &value.unwrap_or(Value::None))?;
                Ok(Value::iterator(items))
            }
        }
    }),
    ("len", len),
    ("map", streams::map),
    ("max", |interpreter, arguments| {
        order::extreme(interpreter, arguments, "max", Ordering::Greater)
    }),
    ("min", |interpreter, arguments| order::extreme(interpreter, arguments, "min", Ordering::Less)),
    ("next", next),
    ("open", files::open),
    ("oct", |interpreter, arguments| based(interpreter, arguments, "#o")),
    ("ord", ord),
    ("pow", |interpreter, arguments| {
        let [base, power] = arguments.bind("pow", ["base", "exp"], 2)?;
        let (base, power) = (base.unwrap_or(Value::None), power.unwrap_or(Value::None));
        binary(interpreter, ruff_python_ast::Operator::Pow, &base, &power)
    }),
    ("print", |_, _| Ok(Value::None)),
    ("repr", |interpreter, arguments| {
        let [value] = arguments.bind("repr", ["obj"], 1)?;
        Ok(Value::text(repr::repr(interpreter, &value.unwrap_or(Value::None))?))
    }),
    ("reversed", reversed),
    ("round", round),
    ("setattr", |interpreter, arguments| {
        let [owner, name, value] = arguments.bind("setattr", ["obj", "name", "value"], 3)?;
        let name = name.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
        let (owner, value) = (owner.unwrap_or(Value::None), value.unwrap_or(Value::None));
        attribute::set(interpreter, &owner, &name, value)?;
        Ok(Value::None)
    }),
    ("sorted", order::sorted),
    ("sum", sum),
    ("vars", vars),
    ("zip", streams::zip),
    ("property", |_, arguments| class::with_role(arguments, Role::Property)),
    ("staticmethod", |_, arguments| class::with_role(arguments, Role::Static)),
    ("classmethod", |_, arguments| class::with_role(arguments, Role::Class)),
];

const TYPES: &[(&str, Type)] = &[
    ("bool", Type::Bool),
    ("bytes", Type::Bytes),
    ("dict", Type::Dict),
    ("float", Type::Float),
    ("int", Type::Int),
    ("list", Type::List),
    ("object", Type::Object),
    ("range", Type::Range),
    ("set", Type::Set),
    ("str", Type::Str),
    ("tuple", Type::Tuple),
    ("type", Type::Meta),
];

/// The built-in of a name.
pub(in crate::python::eval) fn lookup(name: &str) -> Option<Value> {
    if let Some((_, kind)) = TYPES.iter().find(|(known, _)| *known == name) {
        return Some(Value::Type(*kind));
    }
    if let Some((name, call)) = FUNCTIONS.iter().find(|(known, _)| *known == name) {
        return Some(Value::Native(NativeFunction { name, call: *call }));
    }
    match name {
        "NotImplemented" => Some(Value::Opaque(Rc::from("NotImplemented"))),
        "Ellipsis" => Some(Value::Ellipsis),
        "__debug__" => Some(Value::Bool(true)),
        _ => exception::known(name).map(|class| Value::Type(Type::Exception(class))),
    }
}

/// Whether Python's built-ins have the name, including those that the evaluator does not offer.
pub(crate) fn is_builtin(name: &str) -> bool {
    const OTHERS: [&str; 21] = [
        "BaseExceptionGroup",
        "ExceptionGroup",
        "KeyboardInterrupt",
        "RecursionError",
        "Warning",
        "bytearray",
        "complex",
        "delattr",
        "dir",
        "eval",
        "exec",
        "globals",
        "hash",
        "id",
        "input",
        "locals",
        "memoryview",
        "slice",
        "super",
        "UserWarning",
        "UnicodeDecodeError",
    ];
    lookup(name).is_some() || OTHERS.contains(&name) || name.starts_with("__")
}

fn abs(_: &mut Interpreter<'_>, arguments: &Arguments) -> Outcome<Value> {
    let [value] = arguments.bind("abs", ["x"], 1)?;
    match value {
        Some(Value::Float(number)) => Ok(Value::Float(number.abs())),
        Some(Value::Duration(micros)) => Ok(Value::Duration(micros.abs())),
        value => match value.and_then(|value| value.as_int()) {
            Some(number) => Ok(Value::Int(number.checked_abs().unwrap_or(i128::MAX))),
            None => Err(Exception::raise("TypeError", "abs() takes a number")),
        },
    }
}

fn all(interpreter: &mut Interpreter<'_>, arguments: &Arguments) -> Outcome<Value> {
    let items = one_iterable(interpreter, arguments, "all")?;
    Ok(Value::Bool(items.iter().all(Value::truth)))
}

fn any(interpreter: &mut Interpreter<'_>, arguments: &Arguments) -> Outcome<Value> {
    let items = one_iterable(interpreter, arguments, "any")?;
    Ok(Value::Bool(items.iter().any(Value::truth)))
}

fn based(interpreter: &mut Interpreter<'_>, arguments: &Arguments, spec: &str) -> Outcome<Value> {
    let [value] = arguments.bind("bin", ["number"], 1)?;
    Ok(Value::text(format::format(interpreter, &value.unwrap_or(Value::None), spec)?))
}

fn callable(_: &mut Interpreter<'_>, arguments: &Arguments) -> Outcome<Value> {
    let [value] = arguments.bind("callable", ["obj"], 1)?;
    Ok(Value::Bool(matches!(
        value,
        Some(
            Value::Function(_)
                | Value::Native(_)
                | Value::Method(_)
                | Value::Type(_)
                | Value::Class(_)
                | Value::Record(_)
        )
    )))
}

fn chr(_: &mut Interpreter<'_>, arguments: &Arguments) -> Outcome<Value> {
    let [code] = arguments.bind("chr", ["i"], 1)?;
    let code = code.and_then(|code| code.as_int()).and_then(|code| u32::try_from(code).ok());
    match code.and_then(char::from_u32) {
        Some(symbol) => Ok(Value::text(symbol.to_string())),
        None => Err(Exception::raise("ValueError", "chr() takes a code point")),
    }
}

fn ord(_: &mut Interpreter<'_>, arguments: &Arguments) -> Outcome<Value> {
    let [text] = arguments.bind("ord", ["c"], 1)?;
    let mut symbols = text.as_ref().and_then(Value::as_str).unwrap_or_default().chars();
    match (symbols.next(), symbols.next()) {
        (Some(symbol), None) => Ok(Value::Int(i128::from(u32::from(symbol)))),
        _ => Err(Exception::raise("TypeError", "ord() takes one character")),
    }
}

fn divmod(interpreter: &mut Interpreter<'_>, arguments: &Arguments) -> Outcome<Value> {
    let [left, right] = arguments.bind("divmod", ["x", "y"], 2)?;
    let (left, right) = (left.unwrap_or(Value::None), right.unwrap_or(Value::None));
    let quotient = binary(interpreter, ruff_python_ast::Operator::FloorDiv, &left, &right)?;
    let rest = binary(interpreter, ruff_python_ast::Operator::Mod, &left, &right)?;
    Ok(Value::tuple(vec![quotient, rest]))
}

fn getattr(interpreter: &mut Interpreter<'_>, arguments: &Arguments) -> Outcome<Value> {
    let [owner, name, default] = arguments.bind("getattr", ["obj", "name", "default"], 2)?;
    let name = name.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
    let found = attribute::get(interpreter, &owner.unwrap_or(Value::None), &name);
    match (found, default) {
        (Err(stop), Some(default)) if is_attribute_error(&stop) => Ok(default),
        (found, _) => found,
    }
}

fn hasattr(interpreter: &mut Interpreter<'_>, arguments: &Arguments) -> Outcome<Value> {
    let [owner, name] = arguments.bind("hasattr", ["obj", "name"], 2)?;
    let name = name.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
    match attribute::get(interpreter, &owner.unwrap_or(Value::None), &name) {
        Ok(_) => Ok(Value::Bool(true)),
        Err(stop) if is_attribute_error(&stop) => Ok(Value::Bool(false)),
        Err(stop) => Err(stop),
    }
}

fn is_attribute_error(stop: &exception::Stop) -> bool {
    stop.exception().is_some_and(|exception| exception.is_a("AttributeError"))
}

fn isinstance(_: &mut Interpreter<'_>, arguments: &Arguments) -> Outcome<Value> {
    let [value, class] = arguments.bind("isinstance", ["obj", "class"], 2)?;
    let (value, class) = (value.unwrap_or(Value::None), class.unwrap_or(Value::None));
    class::is_instance(&value, &class).map(Value::Bool)
}

fn issubclass(_: &mut Interpreter<'_>, arguments: &Arguments) -> Outcome<Value> {
    let [class, parent] = arguments.bind("issubclass", ["class", "parent"], 2)?;
    match (class, parent) {
        (Some(Value::Record(class)), Some(Value::Record(parent))) => {
            Ok(Value::Bool(class.is_a(parent.name)))
        }
        (Some(Value::Class(class)), Some(parent)) => Ok(Value::Bool(class.inherits(&parent))),
        (Some(class), Some(parent)) => Ok(Value::Bool(class.is(&parent))),
        _ => Ok(Value::Bool(false)),
    }
}

fn len(_: &mut Interpreter<'_>, arguments: &Arguments) -> Outcome<Value> {
    let [value] = arguments.bind("len", ["obj"], 1)?;
    let value = value.unwrap_or(Value::None);
    let length = match &value {
        Value::Class(class) => class.members().map(|members| members.len()),
        other => iterate::length(other),
    };
    let Some(length) = length.and_then(|length| i128::try_from(length).ok()) else {
        let message = format!("a value of type {} has no length", value.type_name());
        return Err(Exception::raise("TypeError", message));
    };
    Ok(Value::Int(length))
}

fn next(_: &mut Interpreter<'_>, arguments: &Arguments) -> Outcome<Value> {
    let [iterator, default] = arguments.bind("next", ["iterator", "default"], 1)?;
    let Some(Value::Iterator(iterator)) = iterator else {
        return Err(Exception::raise("TypeError", "next() takes an iterator"));
    };
    let item = pop(&iterator);
    item.or(default).ok_or_else(|| Exception::raise("StopIteration", "the iterator is at its end"))
}

fn pop(iterator: &Rc<Iterator>) -> Option<Value> {
    iterator.0.borrow_mut().pop_front()
}

fn reversed(interpreter: &mut Interpreter<'_>, arguments: &Arguments) -> Outcome<Value> {
    let mut items = one_iterable(interpreter, arguments, "reversed")?;
    items.reverse();
    Ok(Value::iterator(items))
}

fn round(_: &mut Interpreter<'_>, arguments: &Arguments) -> Outcome<Value> {
    let [number, digits] = arguments.bind("round", ["number", "ndigits"], 1)?;
    let number = number.unwrap_or(Value::None);
    let digits = digits.and_then(|digits| digits.as_int());
    match (&number, digits) {
        (Value::Float(number), None) => Ok(Value::Int(round_half_even(*number)?)),
        (Value::Float(number), Some(digits)) => {
            // Decimal text rounds as Python does: by the exact value of the float.
            let digits = usize::try_from(digits.clamp(0, 300)).unwrap_or(0);
            Ok(Value::Float(format!("{number:.digits$}").parse().unwrap_or(*number)))
        }
        (number, _) if number.as_int().is_some() => Ok(number.clone()),
        _ => Err(Exception::raise("TypeError", "round() takes a number")),
    }
}

fn sum(interpreter: &mut Interpreter<'_>, arguments: &Arguments) -> Outcome<Value> {
    let [items, start] = arguments.bind("sum", ["iterable", "start"], 1)?;
    let mut total = start.unwrap_or(Value::Int(0));
    for item in iterate::collect(interpreter, &items.unwrap_or(Value::None))? {
        total = binary(interpreter, ruff_python_ast::Operator::Add, &total, &item)?;
    }
    Ok(total)
}

fn vars(_: &mut Interpreter<'_>, arguments: &Arguments) -> Outcome<Value> {
    let [owner] = arguments.bind("vars", ["object"], 1)?;
    match owner {
        Some(Value::Class(class)) => Ok(Value::text_dict(class.attributes.borrow().clone())),
        Some(Value::Instance(instance)) => {
            Ok(Value::text_dict(instance.attributes.borrow().clone()))
        }
        _ => Err(Exception::raise("TypeError", "vars() takes a class or an instance")),
    }
}

fn one_iterable(
    interpreter: &mut Interpreter<'_>,
    arguments: &Arguments,
    name: &str,
) -> Outcome<Vec<Value>> {
    let [items] = arguments.bind(name, ["iterable"], 1)?;
    iterate::collect(interpreter, &items.unwrap_or(Value::None))
}

/// A number for `math` functions.
pub(in crate::python::eval) fn number(value: Option<&Value>, callee: &str) -> Outcome<f64> {
    value
        .and_then(as_float)
        .ok_or_else(|| Exception::raise("TypeError", format!("{callee}() takes a number")))
}
