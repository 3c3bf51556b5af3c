//! `value[index]`.

use std::rc::Rc;

use ruff_python_ast::{Expr, ExprSlice};

use super::exception::{Exception, Outcome, Stop};
use super::expression::{Bounds, slice_range};
use super::interpreter::Interpreter;
use super::key::Key;
use super::value::{Value, put};
use super::{call, class, iterate, repr};

/// Reads `value[slice]`.
pub(super) fn get(
    interpreter: &mut Interpreter<'_>,
    value: &Value,
    index: &Expr,
) -> Outcome<Value> {
    if let Expr::Slice(slice) = index {
        return take(interpreter, value, slice);
    }
    let index = interpreter.evaluate(index)?;
    item(interpreter, value, &index)
}

/// Reads `value[index]` of an evaluated index.
pub(super) fn item(
    interpreter: &mut Interpreter<'_>,
    value: &Value,
    index: &Value,
) -> Outcome<Value> {
    match value {
        Value::List(list) => at(&list.0.borrow(), index),
        Value::Tuple(tuple) => at(&tuple.0, index),
        Value::Str(text) => {
            interpreter.charge_text(text.len())?;
            let symbols: Vec<Value> =
                text.chars().map(|symbol| Value::text(symbol.to_string())).collect();
            at(&symbols, index)
        }
        Value::Bytes(bytes) => {
            let bytes: Vec<Value> =
                bytes.iter().map(|byte| Value::Int(i128::from(*byte))).collect();
            at(&bytes, index)
        }
        Value::Range(range) => {
            let position = position(index, range.len())?;
            range.get(position).ok_or_else(out_of_range)
        }
        Value::Dict(dict) => {
            let key = Key::of(interpreter, index)?;
            let found = dict.0.borrow().get(&key).map(|(_, value)| value.clone());
            match found {
                Some(value) => Ok(value),
                None => Err(missing_key(interpreter, index)?),
            }
        }
        Value::Opaque(name) if &**name == super::environment::VARIABLES => {
            let name = index.as_str().unwrap_or_default();
            match interpreter.environment.variable(name) {
                Some(value) => Ok(Value::text(value)),
                None => Err(Exception::raise(
                    "KeyError",
                    format!("the environment variable \"{name}\" is not set"),
                )
                .hint("set it, or give a default: os.environ.get(name, default)")),
            }
        }
        Value::Opaque(name) => Ok(Value::Opaque(Rc::clone(name))),
        // `list[str]` and the like: annotations.
        Value::Type(kind) => Ok(Value::Opaque(Rc::from(kind.name()))),
        Value::Class(class) => class::member(class, index),
        Value::Record(spec) => match spec.class_item {
            Some(read) => read(interpreter, index),
            None => Ok(Value::Opaque(Rc::from(spec.name))),
        },
        Value::Object(object) => match object.spec.item {
            Some(read) => read(interpreter, object, index),
            None => Err(not_subscriptable(value)),
        },
        Value::Foreign(name) => Err(call::foreign(name, "indexing")),
        _ => Err(not_subscriptable(value)),
    }
}

fn missing_key(interpreter: &mut Interpreter<'_>, index: &Value) -> Outcome<Stop> {
    let key = repr::repr(interpreter, index)?;
    Ok(Exception::raise("KeyError", format!("the dictionary has no key {key}")))
}

fn not_subscriptable(value: &Value) -> Stop {
    let message = format!("a value of type {} cannot be indexed", value.type_name());
    Exception::raise("TypeError", message)
}

fn at(items: &[Value], index: &Value) -> Outcome<Value> {
    items.get(position(index, items.len())?).cloned().ok_or_else(out_of_range)
}

/// Position for an index that may count from the end.
fn position(index: &Value, length: usize) -> Outcome<usize> {
    let Some(number) = index.as_int() else {
        let message = format!("an index must be a whole number, not {}", index.type_name());
        return Err(Exception::raise("TypeError", message));
    };
    let length = i128::try_from(length).unwrap_or(i128::MAX);
    let number = if number < 0 { number + length } else { number };
    usize::try_from(number).map_err(|_| out_of_range())
}

fn out_of_range() -> Stop {
    Exception::raise("IndexError", "the index is out of range")
}

/// Reads `value[start:stop:step]`.
fn take(interpreter: &mut Interpreter<'_>, value: &Value, slice: &ExprSlice) -> Outcome<Value> {
    let mut bounds: Bounds = [None; 3];
    for (bound, part) in bounds.iter_mut().zip([&slice.lower, &slice.upper, &slice.step]) {
        if let Some(part) = part {
            let number = interpreter.evaluate(part)?;
            if !number.is_none() {
                let bad = || Exception::raise("TypeError", "slice bounds must be whole numbers");
                *bound = Some(number.as_int().ok_or_else(bad)?);
            }
        }
    }
    let Some(length) = iterate::length(value) else { return Err(not_subscriptable(value)) };
    interpreter.charge(length / 16)?;
    let (start, stop, step) = clamp(bounds, length)?;
    if let Value::Range(range) = value {
        return Ok(Value::Range(slice_range(*range, start, stop, step)));
    }
    let positions = super::value::Range { start, stop, step };
    let chosen = |items: &[Value]| -> Vec<Value> {
        (0..positions.len())
            .filter_map(|step| positions.get(step)?.as_int())
            .filter_map(|position| items.get(usize::try_from(position).ok()?).cloned())
            .collect()
    };
    Ok(match value {
        Value::List(list) => Value::list(chosen(&list.0.borrow())),
        Value::Tuple(tuple) => Value::tuple(chosen(&tuple.0)),
        Value::Str(text) => {
            let symbols: Vec<Value> =
                text.chars().map(|symbol| Value::text(symbol.to_string())).collect();
            let kept = chosen(&symbols);
            Value::text(kept.iter().filter_map(Value::as_str).collect::<String>())
        }
        Value::Bytes(bytes) => {
            let kept: Vec<u8> = (0..positions.len())
                .filter_map(|step| positions.get(step)?.as_int())
                .filter_map(|position| bytes.get(usize::try_from(position).ok()?).copied())
                .collect();
            Value::Bytes(kept.into())
        }
        other => return Err(not_subscriptable(other)),
    })
}

/// Python's rules for bounds that are absent, negative or too large.
fn clamp([start, stop, step]: Bounds, length: usize) -> Outcome<(i128, i128, i128)> {
    let length = i128::try_from(length).unwrap_or(i128::MAX);
    let step = step.unwrap_or(1);
    if step == 0 {
        return Err(Exception::raise("ValueError", "the step of a slice cannot be zero"));
    }
    let (low, high) = if step > 0 { (0, length) } else { (-1, length - 1) };
    let place = |bound: Option<i128>, default: i128| match bound {
        None => default,
        Some(bound) if bound < 0 => (bound + length).max(low),
        Some(bound) => bound.min(high),
    };
    let (first, last) = if step > 0 { (low, high) } else { (high, low) };
    Ok((place(start, first), place(stop, last), step))
}

/// `value[index] = item`.
pub(super) fn set(
    interpreter: &mut Interpreter<'_>,
    value: &Value,
    index: &Value,
    item: Value,
) -> Outcome<()> {
    match value {
        Value::Dict(dict) => {
            let key = Key::of(interpreter, index)?;
            put(&mut dict.0.borrow_mut(), key, (index.clone(), item));
            Ok(())
        }
        Value::List(list) => {
            let position = position(index, list.0.borrow().len())?;
            let mut items = list.0.borrow_mut();
            *items.get_mut(position).ok_or_else(out_of_range)? = item;
            Ok(())
        }
        Value::Opaque(name) if &**name == super::environment::VARIABLES => Err(Stop::unsupported(
            "changing an environment variable",
            "set it before the repository is read",
        )),
        Value::Opaque(_) => Ok(()),
        _ => Err(not_subscriptable(value)),
    }
}

/// `del value[index]`.
pub(super) fn delete(
    interpreter: &mut Interpreter<'_>,
    value: &Value,
    index: &Value,
) -> Outcome<()> {
    match value {
        Value::Dict(dict) => {
            let key = Key::of(interpreter, index)?;
            let removed = dict.0.borrow_mut().shift_remove(&key);
            match removed {
                Some(_) => Ok(()),
                None => Err(missing_key(interpreter, index)?),
            }
        }
        Value::List(list) => {
            let position = position(index, list.0.borrow().len())?;
            if position >= list.0.borrow().len() {
                return Err(out_of_range());
            }
            let removed = list.0.borrow_mut().remove(position);
            drop(removed);
            Ok(())
        }
        _ => Err(not_subscriptable(value)),
    }
}
