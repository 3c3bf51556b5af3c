//! `enumerate`, `filter`, `map` and `zip`.

use crate::python::eval::call::Arguments;
use crate::python::eval::exception::{Exception, Outcome};
use crate::python::eval::interpreter::Interpreter;
use crate::python::eval::iterate;
use crate::python::eval::value::Value;

pub(super) fn enumerate(
    interpreter: &mut Interpreter<'_>,
    arguments: &Arguments,
) -> Outcome<Value> {
    let [items, start] = arguments.bind("enumerate", ["iterable", "start"], 1)?;
    let start = start.and_then(|start| start.as_int()).unwrap_or(0);
    let items = iterate::collect(interpreter, &items.unwrap_or(Value::None))?;
    let numbered = (start..).zip(items);
    Ok(Value::iterator(numbered.map(|(number, item)| Value::tuple(vec![Value::Int(number), item]))))
}

pub(super) fn filter(interpreter: &mut Interpreter<'_>, arguments: &Arguments) -> Outcome<Value> {
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

pub(super) fn map(interpreter: &mut Interpreter<'_>, arguments: &Arguments) -> Outcome<Value> {
    let Some((function, rest)) = arguments.without_first() else {
        return Err(Exception::raise("TypeError", "map() takes a function"));
    };
    let mut mapped = Vec::new();
    for row in rows(interpreter, &rest, false)? {
        mapped.push(interpreter.call_values(&function, row)?);
    }
    Ok(Value::iterator(mapped))
}

pub(super) fn zip(interpreter: &mut Interpreter<'_>, arguments: &Arguments) -> Outcome<Value> {
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
    let mut row = || columns.iter_mut().filter_map(Iterator::next).collect();
    Ok((0..length).map(|_| row()).collect())
}
