//! Hashable keys of dictionaries and sets.

use std::rc::Rc;

use chrono::{NaiveDate, NaiveDateTime};

use super::exception::{Exception, Outcome};
use super::interpreter::Interpreter;
use super::value::Value;

/// A value reduced to what Python's hash and equality look at: `1`, `1.0` and `True` are one key.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    None,
    Ellipsis,
    Int(i128),
    /// Bits of a float that is no whole number.
    Float(u64),
    Str(Rc<str>),
    Bytes(Rc<[u8]>),
    Tuple(Rc<[Key]>),
    Duration(i128),
    /// UTC instant, and whether the value is naive (naive and aware values are never equal).
    DateTime(NaiveDateTime, bool),
    Date(NaiveDate),
    Path(Rc<str>),
    Member(Rc<str>, Rc<str>),
    /// Type or class, by name.
    Named(Rc<str>),
    /// Anything compared by identity. The entry holds the value, so that the address stays taken.
    Identity(usize),
}

impl Key {
    /// The key of a value.
    ///
    /// Objects (entities, views ...) are told apart by identity, which is finer than Feast's hash by name.
    ///
    /// # Errors
    /// `TypeError` for what Python cannot hash either.
    pub(crate) fn of(interpreter: &mut Interpreter<'_>, value: &Value) -> Outcome<Self> {
        interpreter.tick()?;
        Ok(match value {
            Value::None => Self::None,
            Value::Ellipsis => Self::Ellipsis,
            Value::Bool(flag) => Self::Int(i128::from(*flag)),
            Value::Int(number) => Self::Int(*number),
            Value::Float(number) => Self::of_float(*number),
            Value::Str(text) => Self::Str(Rc::clone(text)),
            Value::Bytes(bytes) => Self::Bytes(Rc::clone(bytes)),
            Value::Tuple(tuple) => {
                let keys = interpreter.nested(|interpreter| {
                    tuple.0.iter().map(|item| Self::of(interpreter, item)).collect::<Outcome<_>>()
                })?;
                Self::Tuple(keys)
            }
            Value::Duration(micros) => Self::Duration(*micros),
            Value::DateTime(moment) => Self::DateTime(moment.utc(), moment.offset.is_none()),
            Value::Date(date) => Self::Date(*date),
            Value::Path(path) => Self::Path(Rc::clone(path)),
            Value::Member(member) => match (member.text(), member.number()) {
                (Some(text), _) => Self::Str(Rc::from(text)),
                (_, Some(number)) => Self::Int(number),
                _ => Self::Member(Rc::clone(&member.class), Rc::clone(&member.name)),
            },
            Value::Type(kind) => Self::Named(Rc::from(kind.name())),
            Value::Record(spec) => Self::Named(Rc::from(spec.name)),
            Value::Foreign(name) | Value::Opaque(name) => Self::Named(Rc::clone(name)),
            Value::List(_) | Value::Dict(_) | Value::Set(_) => {
                let message = format!("unhashable type: '{}'", value.type_name());
                return Err(Exception::raise("TypeError", message));
            }
            other => Self::Identity(other.address().unwrap_or(0)),
        })
    }

    fn of_float(number: f64) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "checked to be a small whole number")]
        if number.fract() == 0.0 && number.abs() < 1e30 {
            Self::Int(number as i128)
        } else {
            Self::Float(number.to_bits())
        }
    }
}
