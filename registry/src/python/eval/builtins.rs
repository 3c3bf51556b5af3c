//! Built-in functions.

use std::cmp::Ordering;
use std::rc::Rc;

use super::call::{Arguments, NativeFunction};
use super::exception::{self, Exception, Outcome};
use super::interpreter::Interpreter;
use super::operators::{as_float, binary, round_half_even};
use super::types::Type;
use super::value::{Iterator, Value};
use super::{attribute, class, compare, format, iterate, repr};

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
    ("enumerate", enumerate),
    ("filter", filter),
    ("format", |interpreter, arguments| {
        let [value, spec] = arguments.bind("format", ["value", "spec"], 1)?;
        let spec = spec.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(Value::text(format::format(interpreter, &value.unwrap_or(Value::None), &spec)?))
    }),
    ("frozenset", |interpreter, arguments| {
        super::types::construct(interpreter, Type::Set, arguments)
    }),
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
    ("map", map),
    ("max", |interpreter, arguments| extreme(interpreter, arguments, "max", Ordering::Greater)),
    ("min", |interpreter, arguments| extreme(interpreter, arguments, "min", Ordering::Less)),
    ("next", next),
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
    ("sorted", sorted),
    ("sum", sum),
    ("vars", vars),
    ("zip", zip),
    ("property", |_, arguments| class::with_role(arguments, super::function::Role::Property)),
    ("staticmethod", |_, arguments| class::with_role(arguments, super::function::Role::Static)),
    ("classmethod", |_, arguments| class::with_role(arguments, super::function::Role::Class)),
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
    ("type", Type::TypeType),
];

/// The built-in of a name.
pub(super) fn lookup(name: &str) -> Option<Value> {
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
    const OTHERS: [&str; 22] = [
        "BaseExceptionGroup", "ExceptionGroup", "KeyboardInterrupt", "RecursionError", "Warning",
        "bytearray", "complex", "delattr", "dir", "eval", "exec", "globals", "hash", "id", "input",
        "locals", "memoryview", "open", "slice", "super", "UserWarning", "UnicodeDecodeError",
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

fn enumerate(interpreter: &mut Interpreter<'_>, arguments: &Arguments) -> Outcome<Value> {
    let [items, start] = arguments.bind("enumerate", ["iterable", "start"], 1)?;
    let start = start.and_then(|start| start.as_int()).unwrap_or(0);
    let items = iterate::collect(interpreter, &items.unwrap_or(Value::None))?;
    let numbered = (start..).zip(items);
    Ok(Value::iterator(numbered.map(|(number, item)| Value::tuple(vec![Value::Int(number), item]))))
}

fn filter(interpreter: &mut Interpreter<'_>, arguments: &Arguments) -> Outcome<Value> {
    let [test, items] = arguments.bind("filter", ["function", "iterable"], 2)?;
    let test = test.unwrap_or(Value::None);
    let mut kept = Vec::new();
    for item in iterate::collect(interpreter, &items.unwrap_or(Value::None))? {
        let passes = if test.is_none() {
            item.truth()
        } else {
            interpreter.call_values(&test, vec![item.clone()])?.truth()
        };
        if passes {
            kept.push(item);
        }
    }
    Ok(Value::iterator(kept))
}

fn map(interpreter: &mut Interpreter<'_>, arguments: &Arguments) -> Outcome<Value> {
    let Some((function, rest)) = arguments.without_first() else {
        return Err(Exception::raise("TypeError", "map() takes a function"));
    };
    let mut mapped = Vec::new();
    for row in rows(interpreter, &rest, false)? {
        mapped.push(interpreter.call_values(&function, row)?);
    }
    Ok(Value::iterator(mapped))
}

fn zip(interpreter: &mut Interpreter<'_>, arguments: &Arguments) -> Outcome<Value> {
    let strict = arguments.keyword("strict").is_some_and(Value::truth);
    Ok(Value::iterator(rows(interpreter, arguments, strict)?.into_iter().map(Value::tuple)))
}

/// The n-th elements of all arguments together, as far as the shortest goes.
fn rows(
    interpreter: &mut Interpreter<'_>,
    arguments: &Arguments,
    strict: bool,
) -> Outcome<Vec<Vec<Value>>> {
    let mut columns = Vec::with_capacity(arguments.positional.len());
    for argument in &arguments.positional {
        columns.push(iterate::collect(interpreter, &argument.value)?);
    }
    let length = columns.iter().map(Vec::len).min().unwrap_or(0);
    if strict && columns.iter().any(|column| column.len() != length) {
        return Err(Exception::raise("ValueError", "zip() arguments differ in length"));
    }
    let mut columns: Vec<_> = columns.into_iter().map(Vec::into_iter).collect();
    Ok((0..length).map(|_| columns.iter_mut().filter_map(std::iter::Iterator::next).collect()).collect())
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
    matches!(stop, exception::Stop::Raised(exception) if exception.is_a("AttributeError"))
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
    match length.and_then(|length| i128::try_from(length).ok()) {
        Some(length) => Ok(Value::Int(length)),
        None => {
            let message = format!("a value of type {} has no length", value.type_name());
            Err(Exception::raise("TypeError", message))
        }
    }
}

fn extreme(
    interpreter: &mut Interpreter<'_>,
    arguments: &Arguments,
    name: &str,
    wanted: Ordering,
) -> Outcome<Value> {
    let items = match arguments.positional.as_slice() {
        [only] => iterate::collect(interpreter, &only.value)?,
        many => many.iter().map(|argument| argument.value.clone()).collect(),
    };
    let key = arguments.keyword("key").cloned().unwrap_or(Value::None);
    let mut best: Option<(Value, Value)> = None;
    for item in items {
        let rank = rank(interpreter, &key, &item)?;
        let better = match &best {
            None => true,
            Some((present, _)) => compare::order(interpreter, &rank, present)? == Some(wanted),
        };
        if better {
            best = Some((rank, item));
        }
    }
    match (best, arguments.keyword("default")) {
        (Some((_, item)), _) => Ok(item),
        (None, Some(default)) => Ok(default.clone()),
        (None, None) => {
            Err(Exception::raise("ValueError", format!("{name}() of nothing")))
        }
    }
}

fn rank(interpreter: &mut Interpreter<'_>, key: &Value, item: &Value) -> Outcome<Value> {
    if key.is_none() { Ok(item.clone()) } else { interpreter.call_values(key, vec![item.clone()]) }
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

fn sorted(interpreter: &mut Interpreter<'_>, arguments: &Arguments) -> Outcome<Value> {
    let Some((items, rest)) = arguments.without_first() else {
        return Err(Exception::raise("TypeError", "sorted() takes an iterable"));
    };
    let items = iterate::collect(interpreter, &items)?;
    Ok(Value::list(sort(interpreter, items, &rest)?))
}

/// A stable sort with `key` and `reverse`; a merge sort, as comparisons may fail.
pub(super) fn sort(
    interpreter: &mut Interpreter<'_>,
    items: Vec<Value>,
    arguments: &Arguments,
) -> Outcome<Vec<Value>> {
    let key = arguments.keyword("key").cloned().unwrap_or(Value::None);
    let reverse = arguments.keyword("reverse").is_some_and(Value::truth);
    let mut ranked = Vec::with_capacity(items.len());
    for item in items {
        ranked.push((rank(interpreter, &key, &item)?, item));
    }
    if reverse {
        ranked.reverse();
    }
    let mut width = 1;
    while width < ranked.len() {
        let mut merged = Vec::with_capacity(ranked.len());
        for pair in ranked.chunks(width * 2) {
            let (left, right) = pair.split_at(width.min(pair.len()));
            merge(interpreter, left, right, &mut merged)?;
        }
        ranked = merged;
        width *= 2;
    }
    if reverse {
        ranked.reverse();
    }
    Ok(ranked.into_iter().map(|(_, item)| item).collect())
}

fn merge<'a>(
    interpreter: &mut Interpreter<'_>,
    mut left: &'a [(Value, Value)],
    mut right: &'a [(Value, Value)],
    merged: &mut Vec<(Value, Value)>,
) -> Outcome<()> {
    while let (Some(first), Some(second)) = (left.first(), right.first()) {
        let second_first =
            compare::order(interpreter, &second.0, &first.0)? == Some(Ordering::Less);
        let from = if second_first { &mut right } else { &mut left };
        merged.push(from[0].clone());
        *from = &from[1..];
    }
    merged.extend(left.iter().chain(right).cloned());
    Ok(())
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
pub(super) fn number(value: Option<Value>, callee: &str) -> Outcome<f64> {
    value.as_ref().and_then(as_float).ok_or_else(|| {
        Exception::raise("TypeError", format!("{callee}() takes a number"))
    })
}
