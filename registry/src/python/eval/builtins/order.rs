//! `sorted`, `min` and `max`.

use std::cmp::Ordering;

use crate::python::eval::call::Arguments;
use crate::python::eval::exception::{Exception, Outcome};
use crate::python::eval::interpreter::Interpreter;
use crate::python::eval::value::Value;
use crate::python::eval::{compare, iterate};

pub(super) fn sorted(interpreter: &mut Interpreter<'_>, arguments: &Arguments) -> Outcome<Value> {
    let Some((items, rest)) = arguments.without_first() else {
        return Err(Exception::raise("TypeError", "sorted() takes an iterable"));
    };
    let items = iterate::collect(interpreter, &items)?;
    Ok(Value::list(sort(interpreter, items, &rest)?))
}

/// A stable sort with `key` and `reverse`; a merge sort, as comparisons may fail.
pub(in crate::python::eval) fn sort(
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

/// `min` or `max`, by the wanted order.
pub(super) fn extreme(
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
        (None, None) => Err(Exception::raise("ValueError", format!("{name}() of nothing"))),
    }
}

fn rank(interpreter: &mut Interpreter<'_>, key: &Value, item: &Value) -> Outcome<Value> {
    if key.is_none() { Ok(item.clone()) } else { interpreter.call_values(key, vec![item.clone()]) }
}
