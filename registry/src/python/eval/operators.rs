//! Binary operators.

use std::rc::Rc;

use ruff_python_ast::Operator;

use super::exception::{Exception, Outcome, Stop};
use super::interpreter::Interpreter;
use super::value::{DateTime, Set, Value};
use super::{call, format, iterate, paths};

/// Microseconds of a day; `timedelta` is kept in microseconds.
pub(super) const DAY: i128 = 86_400_000_000;

/// `left operator right`.
pub(super) fn binary(
    interpreter: &mut Interpreter<'_>,
    operator: Operator,
    left: &Value,
    right: &Value,
) -> Outcome<Value> {
    let (left, right) = (&plain_text(left), &plain_text(right));
    for operand in [left, right] {
        match operand {
            Value::Opaque(name) => return Ok(Value::Opaque(Rc::clone(name))),
            Value::Foreign(name) => return Err(call::foreign(name, "calculating with")),
            _ => {}
        }
    }
    let found = match (left, right) {
        (Value::Str(text), values) if operator == Operator::Mod => {
            let text = format::percent(interpreter, text, values)?;
            Some(Value::text(text))
        }
        // `int | None`: an annotation.
        (Value::Type(_) | Value::Class(_) | Value::Record(_), _)
        | (_, Value::Type(_) | Value::Class(_) | Value::Record(_))
            if operator == Operator::BitOr =>
        {
            Some(Value::Opaque(Rc::from("typing.Union")))
        }
        (Value::Path(_), _) | (_, Value::Path(_)) if operator == Operator::Div => {
            paths::join_operator(left, right)
        }
        _ => match sequences(interpreter, operator, left, right)? {
            Some(value) => Some(value),
            None => match sets(operator, left, right) {
                Some(value) => Some(value),
                None => match times(operator, left, right)? {
                    Some(value) => Some(value),
                    None => numbers(operator, left, right)?,
                },
            },
        },
    };
    found.ok_or_else(|| unfit(operator, left, right))
}

/// Members of text enumerations calculate as text.
fn plain_text(value: &Value) -> Value {
    match value {
        Value::Member(member) => member.text().map_or_else(|| value.clone(), Value::text),
        other => other.clone(),
    }
}

/// `left operator= right`: lists, dicts and sets change in place, as in Python.
pub(super) fn in_place(
    interpreter: &mut Interpreter<'_>,
    operator: Operator,
    left: &Value,
    right: &Value,
) -> Outcome<Value> {
    match (left, operator, right) {
        (Value::List(list), Operator::Add, _) => {
            let items = iterate::collect(interpreter, right)?;
            list.0.borrow_mut().extend(items);
            Ok(left.clone())
        }
        (Value::Dict(dict), Operator::BitOr, Value::Dict(more)) => {
            let more = more.0.borrow().clone();
            interpreter.charge(more.len())?;
            dict.0.borrow_mut().extend(more);
            Ok(left.clone())
        }
        (Value::Set(set), Operator::BitOr, Value::Set(more)) => {
            let more = more.0.borrow().clone();
            interpreter.charge(more.len())?;
            set.0.borrow_mut().extend(more);
            Ok(left.clone())
        }
        _ => binary(interpreter, operator, left, right),
    }
}

/// Concatenation and repetition.
fn sequences(
    interpreter: &mut Interpreter<'_>,
    operator: Operator,
    left: &Value,
    right: &Value,
) -> Outcome<Option<Value>> {
    Ok(match (left, operator, right) {
        (Value::Str(left), Operator::Add, Value::Str(right)) => {
            interpreter.charge_text(left.len() + right.len())?;
            Some(Value::text(format!("{left}{right}")))
        }
        (Value::Bytes(left), Operator::Add, Value::Bytes(right)) => {
            interpreter.charge_text(left.len() + right.len())?;
            Some(Value::Bytes([&**left, &**right].concat().into()))
        }
        (Value::List(left), Operator::Add, Value::List(right)) => {
            let items = [left.0.borrow().as_slice(), right.0.borrow().as_slice()].concat();
            interpreter.charge(items.len())?;
            Some(Value::list(items))
        }
        (Value::Tuple(left), Operator::Add, Value::Tuple(right)) => {
            interpreter.charge(left.0.len() + right.0.len())?;
            Some(Value::tuple([left.0.as_slice(), right.0.as_slice()].concat()))
        }
        (Value::Dict(left), Operator::BitOr, Value::Dict(right)) => {
            let mut entries = left.0.borrow().clone();
            entries.extend(right.0.borrow().clone());
            interpreter.charge(entries.len())?;
            Some(Value::dict(entries))
        }
        (sequence, Operator::Mult, count) if count.as_int().is_some() => {
            repeat(interpreter, sequence, count.as_int().unwrap_or(0))?
        }
        (count, Operator::Mult, sequence) if count.as_int().is_some() => {
            repeat(interpreter, sequence, count.as_int().unwrap_or(0))?
        }
        _ => None,
    })
}

fn repeat(
    interpreter: &mut Interpreter<'_>,
    sequence: &Value,
    count: i128,
) -> Outcome<Option<Value>> {
    let count = usize::try_from(count.max(0)).unwrap_or(usize::MAX);
    Ok(match sequence {
        Value::Str(text) => {
            interpreter.charge_text(text.len().saturating_mul(count))?;
            Some(Value::text(text.repeat(count)))
        }
        Value::List(list) => {
            interpreter.charge(list.0.borrow().len().saturating_mul(count))?;
            Some(Value::list(repeated(&list.0.borrow(), count)))
        }
        Value::Tuple(tuple) => {
            interpreter.charge(tuple.0.len().saturating_mul(count))?;
            Some(Value::tuple(repeated(&tuple.0, count)))
        }
        _ => None,
    })
}

fn repeated(items: &[Value], count: usize) -> Vec<Value> {
    std::iter::repeat_n(items, count).flatten().cloned().collect()
}

fn sets(operator: Operator, left: &Value, right: &Value) -> Option<Value> {
    let (Value::Set(left), Value::Set(right)) = (left, right) else { return None };
    let keep = |from: &Set, other: &Set, present: bool| {
        let other = other.0.borrow();
        let from = from.0.borrow();
        let kept = from.iter().filter(|(key, _)| other.contains_key(*key) == present);
        kept.map(|(key, value)| (key.clone(), value.clone())).collect::<Vec<_>>()
    };
    let entries = match operator {
        Operator::BitOr => {
            let mut entries: Vec<_> =
                left.0.borrow().iter().map(|(key, value)| (key.clone(), value.clone())).collect();
            entries.extend(keep(right, left, false));
            entries
        }
        Operator::BitAnd => keep(left, right, true),
        Operator::Sub => keep(left, right, false),
        Operator::BitXor => {
            let mut entries = keep(left, right, false);
            entries.extend(keep(right, left, false));
            entries
        }
        _ => return None,
    };
    Some(Value::set(entries.into_iter().collect()))
}

/// Arithmetic of `timedelta`, `datetime` and `date`.
fn times(operator: Operator, left: &Value, right: &Value) -> Outcome<Option<Value>> {
    use Operator::{Add, Div, FloorDiv, Mod, Mult, Sub};
    Ok(match (left, operator, right) {
        (Value::Duration(left), Add, Value::Duration(right)) => Some(duration(left + right)?),
        (Value::Duration(left), Sub, Value::Duration(right)) => Some(duration(left - right)?),
        (Value::Duration(micros), Mult, Value::Float(factor))
        | (Value::Float(factor), Mult, Value::Duration(micros)) => {
            Some(duration(round_half_even(float(*micros) * factor)?)?)
        }
        (Value::Duration(micros), Mult, factor) | (factor, Mult, Value::Duration(micros))
            if factor.as_int().is_some() =>
        {
            let product = micros.checked_mul(factor.as_int().unwrap_or(0));
            Some(duration(product.ok_or_else(too_large)?)?)
        }
        (Value::Duration(_), Div | FloorDiv | Mod, Value::Duration(0)) => return Err(zero()),
        (Value::Duration(left), Div, Value::Duration(right)) => {
            Some(Value::Float(float(*left) / float(*right)))
        }
        (Value::Duration(left), FloorDiv, Value::Duration(right)) => {
            Some(Value::Int(left.div_euclid(*right)))
        }
        (Value::Duration(left), Mod, Value::Duration(right)) => {
            Some(Value::Duration(left.rem_euclid(*right)))
        }
        (Value::Duration(micros), Div, divisor) if as_float(divisor).is_some() => {
            let divisor = as_float(divisor).filter(|divisor| *divisor != 0.0).ok_or_else(zero)?;
            Some(duration(round_half_even(float(*micros) / divisor)?)?)
        }
        (Value::DateTime(moment), Add, Value::Duration(micros))
        | (Value::Duration(micros), Add, Value::DateTime(moment)) => {
            Some(Value::DateTime(shift(*moment, *micros)?))
        }
        (Value::DateTime(moment), Sub, Value::Duration(micros)) => {
            Some(Value::DateTime(shift(*moment, -micros)?))
        }
        (Value::DateTime(left), Sub, Value::DateTime(right)) => {
            let span = left.utc() - right.utc();
            Some(Value::Duration(i128::from(span.num_microseconds().ok_or_else(too_large)?)))
        }
        (Value::Date(left), Sub, Value::Date(right)) => {
            Some(Value::Duration(i128::from((*left - *right).num_days()) * DAY))
        }
        (Value::Date(date), Add | Sub, Value::Duration(micros)) => {
            let days = i64::try_from(micros.div_euclid(DAY)).map_err(|_| too_large())?;
            let days = if operator == Add { days } else { -days };
            let shifted =
                date.checked_add_signed(chrono::Duration::try_days(days).unwrap_or_default());
            Some(Value::Date(shifted.ok_or_else(too_large)?))
        }
        _ => None,
    })
}

/// A `timedelta` within Python's range of a billion days.
pub(super) fn duration(micros: i128) -> Outcome<Value> {
    if micros.abs() > 1_000_000_000 * DAY {
        return Err(Exception::raise("OverflowError", "the timedelta is too large"));
    }
    Ok(Value::Duration(micros))
}

fn shift(moment: DateTime, micros: i128) -> Outcome<DateTime> {
    let micros = i64::try_from(micros).map_err(|_| too_large())?;
    let local = moment.local.checked_add_signed(chrono::Duration::microseconds(micros));
    Ok(DateTime { local: local.ok_or_else(too_large)?, ..moment })
}

fn numbers(operator: Operator, left: &Value, right: &Value) -> Outcome<Option<Value>> {
    if let (Some(left_int), Some(right_int)) = (left.as_int(), right.as_int()) {
        let both_flags = matches!((left, right), (Value::Bool(_), Value::Bool(_)));
        let value = integers(operator, left_int, right_int)?;
        return Ok(match (operator, value) {
            (Operator::BitAnd | Operator::BitOr | Operator::BitXor, Some(Value::Int(bits)))
                if both_flags =>
            {
                Some(Value::Bool(bits != 0))
            }
            (_, value) => value,
        });
    }
    match (as_float(left), as_float(right)) {
        (Some(left), Some(right)) => floats(operator, left, right),
        _ => Ok(None),
    }
}

fn integers(operator: Operator, left: i128, right: i128) -> Outcome<Option<Value>> {
    let value = match operator {
        Operator::Add => left.checked_add(right),
        Operator::Sub => left.checked_sub(right),
        Operator::Mult => left.checked_mul(right),
        Operator::Div | Operator::FloorDiv | Operator::Mod if right == 0 => return Err(zero()),
        Operator::Div => return Ok(Some(Value::Float(float(left) / float(right)))),
        Operator::FloorDiv => left.checked_div_euclid(right).map(|quotient| {
            // Euclidean and floor division differ for a negative divisor with a rest.
            if right < 0 && left.rem_euclid(right) != 0 { quotient - 1 } else { quotient }
        }),
        Operator::Mod => left
            .checked_rem_euclid(right)
            .map(|rest| if right < 0 && rest != 0 { rest + right } else { rest }),
        Operator::Pow if right < 0 => return floats(operator, float(left), float(right)),
        Operator::Pow => u32::try_from(right).ok().and_then(|right| left.checked_pow(right)),
        Operator::LShift => u32::try_from(right)
            .ok()
            .and_then(|bits| 1_i128.checked_shl(bits))
            .and_then(|factor| left.checked_mul(factor)),
        Operator::RShift => u32::try_from(right).ok().map(|bits| left >> bits.min(127)),
        Operator::BitAnd => Some(left & right),
        Operator::BitOr => Some(left | right),
        Operator::BitXor => Some(left ^ right),
        Operator::MatMult => return Ok(None),
    };
    value.map(|value| Some(Value::Int(value))).ok_or_else(too_large)
}

fn floats(operator: Operator, left: f64, right: f64) -> Outcome<Option<Value>> {
    let value = match operator {
        Operator::Add => left + right,
        Operator::Sub => left - right,
        Operator::Mult => left * right,
        Operator::Div | Operator::FloorDiv | Operator::Mod if right == 0.0 => return Err(zero()),
        Operator::Div => left / right,
        Operator::FloorDiv => (left / right).floor(),
        Operator::Mod => left - right * (left / right).floor(),
        Operator::Pow => left.powf(right),
        _ => return Ok(None),
    };
    Ok(Some(Value::Float(value)))
}

/// The float that a number stands for in mixed arithmetic.
pub(super) fn as_float(value: &Value) -> Option<f64> {
    match value {
        Value::Float(number) => Some(*number),
        other => other.as_int().map(float),
    }
}

fn float(number: i128) -> f64 {
    number as f64
}

/// Rounds to a whole number, halves to even, as `timedelta` and `round` do.
pub(super) fn round_half_even(number: f64) -> Outcome<i128> {
    if !number.is_finite() || number.abs() > 1e36 {
        return Err(Exception::raise("OverflowError", "the number is too large or not a number"));
    }
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked above")]
    Ok(number.round_ties_even() as i128)
}

/// An integer beyond what the evaluator can hold.
pub(super) fn too_large() -> Stop {
    Stop::unsupported("the number is too large", "no definition needs more than 127 bits")
}

fn zero() -> Stop {
    Exception::raise("ZeroDivisionError", "division by zero")
}

fn unfit(operator: Operator, left: &Value, right: &Value) -> Stop {
    let (left, right) = (left.type_name(), right.type_name());
    let message = format!("operator {} cannot join {left} and {right}", operator.as_str());
    Exception::raise("TypeError", message)
}
