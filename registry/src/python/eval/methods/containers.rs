//! Methods of lists, tuples, dictionaries and sets.

use std::rc::Rc;

use indexmap::IndexMap;

use crate::python::eval::call::Arguments;
use crate::python::eval::exception::{Exception, Outcome, Stop};
use crate::python::eval::interpreter::Interpreter;
use crate::python::eval::key::Key;
use crate::python::eval::value::{Dict, List, Set, Value};
use crate::python::eval::{builtins, compare, iterate, repr};

/// Methods of lists.
pub(super) const LIST_METHODS: &[&str] = &[
    "append", "clear", "copy", "count", "extend", "index", "insert", "pop", "remove", "reverse",
    "sort",
];
/// Methods of tuples.
pub(super) const TUPLE_METHODS: &[&str] = &["count", "index"];
/// Methods of dictionaries.
pub(super) const DICT_METHODS: &[&str] =
    &["clear", "copy", "get", "items", "keys", "pop", "popitem", "setdefault", "update", "values"];
/// Methods of sets.
pub(super) const SET_METHODS: &[&str] = &[
    "add",
    "clear",
    "copy",
    "difference",
    "discard",
    "intersection",
    "isdisjoint",
    "issubset",
    "issuperset",
    "remove",
    "symmetric_difference",
    "union",
    "update",
];

/// Calls a method of a list.
pub(super) fn call_list(
    interpreter: &mut Interpreter<'_>,
    list: &Rc<List>,
    name: &str,
    arguments: &Arguments,
) -> Outcome<Value> {
    let argument = || {
        let value = arguments.value(0).cloned();
        value.ok_or_else(|| Exception::raise("TypeError", format!("{name}() takes an argument")))
    };
    match name {
        "append" => list.0.borrow_mut().push(argument()?),
        "extend" => {
            let items = iterate::collect(interpreter, &argument()?)?;
            list.0.borrow_mut().extend(items);
        }
        "clear" => {
            let cleared = std::mem::take(&mut *list.0.borrow_mut());
            drop(cleared);
        }
        "copy" => {
            interpreter.charge(list.0.borrow().len())?;
            return Ok(Value::list(list.0.borrow().clone()));
        }
        "insert" => {
            let length = list.0.borrow().len();
            let at = place(argument()?.as_int().unwrap_or(0), length).min(length);
            let item = arguments.value(1).cloned().unwrap_or(Value::None);
            list.0.borrow_mut().insert(at, item);
        }
        "pop" => {
            let length = list.0.borrow().len();
            let at = arguments.value(0).and_then(Value::as_int).unwrap_or(-1);
            let at = place(at, length);
            if at >= length {
                return Err(Exception::raise("IndexError", "the list has no such item to pop"));
            }
            return Ok(list.0.borrow_mut().remove(at));
        }
        "remove" => {
            let items = list.0.borrow().clone();
            let at = position(interpreter, &items, &argument()?)?;
            let removed = list.0.borrow_mut().remove(at);
            drop(removed);
        }
        "reverse" => list.0.borrow_mut().reverse(),
        "sort" => {
            let items = list.0.borrow().clone();
            let sorted = builtins::sort(interpreter, items, arguments)?;
            *list.0.borrow_mut() = sorted;
        }
        _ => return call_tuple(interpreter, &Value::List(Rc::clone(list)), name, arguments),
    }
    Ok(Value::None)
}

/// A position that may count from the end.
fn place(number: i128, length: usize) -> usize {
    let length = i128::try_from(length).unwrap_or(i128::MAX);
    let number = if number < 0 { (number + length).max(0) } else { number };
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Calls `count` or `index` of a sequence.
pub(super) fn call_tuple(
    interpreter: &mut Interpreter<'_>,
    sequence: &Value,
    name: &str,
    arguments: &Arguments,
) -> Outcome<Value> {
    let [wanted] = arguments.bind(name, ["value"], 1)?;
    let wanted = wanted.unwrap_or(Value::None);
    let items = iterate::collect(interpreter, sequence)?;
    if name == "index" {
        let at = position(interpreter, &items, &wanted)?;
        return Ok(Value::Int(i128::try_from(at).unwrap_or(i128::MAX)));
    }
    let mut count = 0;
    for item in &items {
        count += i128::from(compare::equal(interpreter, item, &wanted)?);
    }
    Ok(Value::Int(count))
}

fn position(interpreter: &mut Interpreter<'_>, items: &[Value], wanted: &Value) -> Outcome<usize> {
    for (at, item) in items.iter().enumerate() {
        if compare::equal(interpreter, item, wanted)? {
            return Ok(at);
        }
    }
    let text = repr::repr(interpreter, wanted)?;
    Err(Exception::raise("ValueError", format!("{text} is not in the sequence")))
}

/// Calls a method of a dictionary.
pub(super) fn call_dict(
    interpreter: &mut Interpreter<'_>,
    dict: &Rc<Dict>,
    name: &str,
    arguments: &Arguments,
) -> Outcome<Value> {
    match name {
        "keys" | "values" | "items" | "copy" => {
            interpreter.charge(dict.0.borrow().len())?;
            Ok(view(&dict.0.borrow(), name))
        }
        "clear" => {
            let cleared = std::mem::take(&mut *dict.0.borrow_mut());
            drop(cleared);
            Ok(Value::None)
        }
        "update" => {
            let more = super::super::types::construct(
                interpreter,
                super::super::types::Type::Dict,
                arguments,
            )?;
            if let Value::Dict(more) = more {
                let more = more.0.borrow().clone();
                dict.0.borrow_mut().extend(more);
            }
            Ok(Value::None)
        }
        "popitem" => match dict.0.borrow_mut().pop() {
            Some((_, (key, value))) => Ok(Value::tuple(vec![key, value])),
            None => Err(Exception::raise("KeyError", "the dictionary is empty")),
        },
        _ => by_key(interpreter, dict, name, arguments),
    }
}

fn view(entries: &IndexMap<Key, (Value, Value)>, name: &str) -> Value {
    match name {
        "keys" => Value::list(entries.values().map(|(key, _)| key.clone()).collect()),
        "values" => Value::list(entries.values().map(|(_, value)| value.clone()).collect()),
        "items" => {
            let pair =
                |(key, value): &(Value, Value)| Value::tuple(vec![key.clone(), value.clone()]);
            Value::list(entries.values().map(pair).collect())
        }
        _ => Value::dict(entries.clone()),
    }
}

/// `get`, `pop` and `setdefault`.
fn by_key(
    interpreter: &mut Interpreter<'_>,
    dict: &Rc<Dict>,
    name: &str,
    arguments: &Arguments,
) -> Outcome<Value> {
    let [key, default] = arguments.bind(name, ["key", "default"], 1)?;
    let key = key.unwrap_or(Value::None);
    let hashed = Key::of(interpreter, &key)?;
    let found = match name {
        "pop" => dict.0.borrow_mut().shift_remove(&hashed).map(|(_, value)| value),
        _ => dict.0.borrow().get(&hashed).map(|(_, value)| value.clone()),
    };
    match (found, name, default) {
        (Some(value), _, _) => Ok(value),
        (None, "pop", None) => {
            let text = repr::repr(interpreter, &key)?;
            Err(Exception::raise("KeyError", format!("the dictionary has no key {text}")))
        }
        (None, "setdefault", default) => {
            let default = default.unwrap_or(Value::None);
            dict.0.borrow_mut().insert(hashed, (key, default.clone()));
            Ok(default)
        }
        (None, _, default) => Ok(default.unwrap_or(Value::None)),
    }
}

/// `dict.fromkeys(keys, value)`.
pub(super) fn from_keys(
    interpreter: &mut Interpreter<'_>,
    arguments: &Arguments,
) -> Outcome<Value> {
    let [keys, value] = arguments.bind("fromkeys", ["iterable", "value"], 1)?;
    let value = value.unwrap_or(Value::None);
    let mut entries = IndexMap::new();
    for key in iterate::collect(interpreter, &keys.unwrap_or(Value::None))? {
        entries.insert(Key::of(interpreter, &key)?, (key, value.clone()));
    }
    Ok(Value::dict(entries))
}

/// Calls a method of a set.
pub(super) fn call_set(
    interpreter: &mut Interpreter<'_>,
    set: &Rc<Set>,
    name: &str,
    arguments: &Arguments,
) -> Outcome<Value> {
    match name {
        "clear" => {
            let cleared = std::mem::take(&mut *set.0.borrow_mut());
            drop(cleared);
            return Ok(Value::None);
        }
        "copy" => return Ok(Value::set(set.0.borrow().clone())),
        "add" | "discard" | "remove" => return change(interpreter, set, name, arguments),
        _ => {}
    }
    let mut present = set.0.borrow().clone();
    interpreter.charge(present.len())?;
    for argument in &arguments.positional {
        let items = iterate::collect(interpreter, &argument.value)?;
        let Value::Set(other) = iterate::to_set(interpreter, items)? else { continue };
        let other = other.0.borrow();
        match name {
            "union" | "update" => {
                for (key, value) in other.iter() {
                    present.entry(key.clone()).or_insert_with(|| value.clone());
                }
            }
            "intersection" => present.retain(|key, _| other.contains_key(key)),
            "difference" => present.retain(|key, _| !other.contains_key(key)),
            "symmetric_difference" => {
                let added: Vec<_> = other
                    .iter()
                    .filter(|(key, _)| !present.contains_key(*key))
                    .map(|(key, value)| (key.clone(), value.clone()))
                    .collect();
                present.retain(|key, _| !other.contains_key(key));
                present.extend(added);
            }
            "isdisjoint" => {
                return Ok(Value::Bool(!present.keys().any(|key| other.contains_key(key))));
            }
            "issubset" => {
                return Ok(Value::Bool(present.keys().all(|key| other.contains_key(key))));
            }
            _ => return Ok(Value::Bool(other.keys().all(|key| present.contains_key(key)))),
        }
    }
    if name == "update" {
        *set.0.borrow_mut() = present;
        return Ok(Value::None);
    }
    Ok(Value::set(present))
}

fn change(
    interpreter: &mut Interpreter<'_>,
    set: &Rc<Set>,
    name: &str,
    arguments: &Arguments,
) -> Outcome<Value> {
    let [item] = arguments.bind(name, ["item"], 1)?;
    let item = item.unwrap_or(Value::None);
    let key = Key::of(interpreter, &item)?;
    if name == "add" {
        set.0.borrow_mut().entry(key).or_insert(item);
        return Ok(Value::None);
    }
    let removed = set.0.borrow_mut().shift_remove(&key);
    match (removed, name) {
        (None, "remove") => Err(absent(interpreter, &item)?),
        _ => Ok(Value::None),
    }
}

fn absent(interpreter: &mut Interpreter<'_>, item: &Value) -> Outcome<Stop> {
    let text = repr::repr(interpreter, item)?;
    Ok(Exception::raise("KeyError", format!("the set has no item {text}")))
}
