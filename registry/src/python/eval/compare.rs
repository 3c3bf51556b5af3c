//! Equality, order and membership.

use std::cmp::Ordering;

use ruff_python_ast::CmpOp;

use super::exception::{Exception, Outcome};
use super::interpreter::Interpreter;
use super::key::Key;
use super::value::Value;
use super::{iterate, operators};

/// `left operator right` of a comparison.
pub(super) fn compare(
    interpreter: &mut Interpreter<'_>,
    operator: CmpOp,
    left: &Value,
    right: &Value,
) -> Outcome<bool> {
    Ok(match operator {
        CmpOp::Eq => equal(interpreter, left, right)?,
        CmpOp::NotEq => !equal(interpreter, left, right)?,
        CmpOp::Is => left.is(right),
        CmpOp::IsNot => !left.is(right),
        CmpOp::In => contains(interpreter, right, left)?,
        CmpOp::NotIn => !contains(interpreter, right, left)?,
        CmpOp::Lt => matches!(order(interpreter, left, right)?, Some(Ordering::Less)),
        CmpOp::Gt => matches!(order(interpreter, left, right)?, Some(Ordering::Greater)),
        CmpOp::LtE => {
            matches!(order(interpreter, left, right)?, Some(Ordering::Less | Ordering::Equal))
        }
        CmpOp::GtE => {
            matches!(order(interpreter, left, right)?, Some(Ordering::Greater | Ordering::Equal))
        }
    })
}

/// Python's `==`.
pub(super) fn equal(
    interpreter: &mut Interpreter<'_>,
    left: &Value,
    right: &Value,
) -> Outcome<bool> {
    interpreter.tick()?;
    if left.address().is_some() && left.address() == right.address() {
        return Ok(true);
    }
    if let (Some(left), Some(right)) = (left.as_str(), right.as_str()) {
        return Ok(left == right);
    }
    if let (Some(left), Some(right)) = (operators::as_float(left), operators::as_float(right)) {
        #[expect(clippy::float_cmp, reason = "Python compares exactly")]
        return Ok(left == right);
    }
    Ok(match (left, right) {
        (Value::List(left), Value::List(right)) => {
            let (left, right) = (left.0.borrow().clone(), right.0.borrow().clone());
            all_equal(interpreter, &left, &right)?
        }
        (Value::Tuple(left), Value::Tuple(right)) => all_equal(interpreter, &left.0, &right.0)?,
        (Value::Dict(left), Value::Dict(right)) => {
            let (left, right) = (left.0.borrow().clone(), right.0.borrow().clone());
            if left.len() != right.len() {
                return Ok(false);
            }
            for (key, (_, value)) in &left {
                let Some((_, other)) = right.get(key) else { return Ok(false) };
                if !interpreter.nested(|interpreter| equal(interpreter, value, other))? {
                    return Ok(false);
                }
            }
            true
        }
        (Value::Object(left), Value::Object(right)) => {
            if !std::ptr::eq(left.spec, right.spec) {
                return Ok(false);
            }
            let (left, right) = (left.declared(), right.declared());
            all_equal(interpreter, &left, &right)?
        }
        (Value::Set(left), Value::Set(right)) => {
            let (left, right) = (left.0.borrow(), right.0.borrow());
            left.len() == right.len() && left.keys().all(|key| right.contains_key(key))
        }
        (Value::Bytes(left), Value::Bytes(right)) => left == right,
        (Value::Range(left), Value::Range(right)) => left == right,
        (Value::Duration(left), Value::Duration(right)) => left == right,
        (Value::Path(left), Value::Path(right)) => left == right,
        (Value::DateTime(left), Value::DateTime(right)) => {
            left.offset.is_some() == right.offset.is_some() && left.utc() == right.utc()
        }
        (Value::Date(left), Value::Date(right)) => left == right,
        (Value::Zone(left), Value::Zone(right)) => left == right,
        _ => left.is(right),
    })
}

fn all_equal(interpreter: &mut Interpreter<'_>, left: &[Value], right: &[Value]) -> Outcome<bool> {
    if left.len() != right.len() {
        return Ok(false);
    }
    interpreter.nested(|interpreter| {
        for (left, right) in left.iter().zip(right) {
            if !equal(interpreter, left, right)? {
                return Ok(false);
            }
        }
        Ok(true)
    })
}

/// Order of two values; `None` when neither is less (sets, NaN).
///
/// # Errors
/// `TypeError` for values without an order.
pub(super) fn order(
    interpreter: &mut Interpreter<'_>,
    left: &Value,
    right: &Value,
) -> Outcome<Option<Ordering>> {
    interpreter.tick()?;
    if let (Some(left), Some(right)) = (left.as_int(), right.as_int()) {
        return Ok(Some(left.cmp(&right)));
    }
    if let (Some(left), Some(right)) = (operators::as_float(left), operators::as_float(right)) {
        return Ok(left.partial_cmp(&right));
    }
    if let (Some(left), Some(right)) = (left.as_str(), right.as_str()) {
        return Ok(Some(left.cmp(right)));
    }
    Ok(match (left, right) {
        (Value::Bytes(left), Value::Bytes(right)) => Some(left.cmp(right)),
        (Value::Duration(left), Value::Duration(right)) => Some(left.cmp(right)),
        (Value::Date(left), Value::Date(right)) => Some(left.cmp(right)),
        (Value::DateTime(left), Value::DateTime(right))
            if left.offset.is_some() == right.offset.is_some() =>
        {
            Some(left.utc().cmp(&right.utc()))
        }
        (Value::Path(left), Value::Path(right)) => Some(left.cmp(right)),
        (Value::List(left), Value::List(right)) => {
            let (left, right) = (left.0.borrow().clone(), right.0.borrow().clone());
            order_all(interpreter, &left, &right)?
        }
        (Value::Tuple(left), Value::Tuple(right)) => order_all(interpreter, &left.0, &right.0)?,
        (Value::Set(left), Value::Set(right)) => {
            let (left, right) = (left.0.borrow(), right.0.borrow());
            let inside = left.keys().all(|key| right.contains_key(key));
            let around = right.keys().all(|key| left.contains_key(key));
            match (inside, around) {
                (true, true) => Some(Ordering::Equal),
                (true, false) => Some(Ordering::Less),
                (false, true) => Some(Ordering::Greater),
                (false, false) => None,
            }
        }
        // Feast orders entities, fields and projects by name.
        (Value::Object(left), Value::Object(right)) => {
            match (left.attribute("name"), right.attribute("name")) {
                (Some(left), Some(right)) => return order(interpreter, &left, &right),
                _ => return Err(unordered(&left.spec.name, &right.spec.name)),
            }
        }
        _ => return Err(unordered(&left.type_name(), &right.type_name())),
    })
}

fn order_all(
    interpreter: &mut Interpreter<'_>,
    left: &[Value],
    right: &[Value],
) -> Outcome<Option<Ordering>> {
    interpreter.nested(|interpreter| {
        for (left, right) in left.iter().zip(right) {
            if !equal(interpreter, left, right)? {
                return order(interpreter, left, right);
            }
        }
        Ok(Some(left.len().cmp(&right.len())))
    })
}

fn unordered(
    left: &dyn std::fmt::Display,
    right: &dyn std::fmt::Display,
) -> super::exception::Stop {
    Exception::raise("TypeError", format!("{left} and {right} have no order"))
}

/// Python's `item in container`.
pub(super) fn contains(
    interpreter: &mut Interpreter<'_>,
    container: &Value,
    item: &Value,
) -> Outcome<bool> {
    match container {
        Value::Str(text) => match item.as_str() {
            Some(part) => Ok(text.contains(part)),
            None => Err(Exception::raise("TypeError", "only a string can be in a string")),
        },
        Value::Dict(dict) => {
            let key = Key::of(interpreter, item)?;
            Ok(dict.0.borrow().contains_key(&key))
        }
        Value::Set(set) => {
            let key = Key::of(interpreter, item)?;
            Ok(set.0.borrow().contains_key(&key))
        }
        Value::Opaque(name) if &**name == super::environment::VARIABLES => {
            let name = item.as_str().unwrap_or_default();
            Ok(interpreter.environment.variable(name).is_some())
        }
        _ => {
            for candidate in iterate::collect(interpreter, container)? {
                if equal(interpreter, &candidate, item)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
    }
}
