//! Iteration over values.

use std::rc::Rc;

use indexmap::IndexMap;

use super::exception::{Exception, Outcome};
use super::interpreter::Interpreter;
use super::key::Key;
use super::value::{Iterator, Range, Value};

/// A position in an iteration.
pub(super) enum Cursor {
    Items(std::vec::IntoIter<Value>),
    Range(Range, usize),
    Shared(Rc<Iterator>),
}

impl Cursor {
    /// Starts an iteration. Lists are copied, so that a loop may change what it runs over.
    ///
    /// # Errors
    /// `TypeError` for a value that cannot be iterated.
    pub(super) fn over(interpreter: &mut Interpreter<'_>, value: &Value) -> Outcome<Self> {
        let items: Vec<Value> = match value {
            Value::Range(range) => return Ok(Self::Range(*range, 0)),
            Value::Iterator(iterator) => return Ok(Self::Shared(Rc::clone(iterator))),
            Value::List(list) => list.0.borrow().clone(),
            Value::Tuple(tuple) => tuple.0.clone(),
            Value::Set(set) => set.0.borrow().values().cloned().collect(),
            Value::Dict(dict) => dict.0.borrow().values().map(|(key, _)| key.clone()).collect(),
            Value::Str(text) => {
                interpreter.charge(text.len())?;
                text.chars().map(|symbol| Value::text(symbol.encode_utf8(&mut [0; 4]))).collect()
            }
            Value::Bytes(bytes) => bytes.iter().map(|byte| Value::Int(i128::from(*byte))).collect(),
            Value::Class(class) => match class.members() {
                Some(members) => members,
                None => return Err(not_iterable(value)),
            },
            Value::File(file) => super::files::lines(file),
            Value::Foreign(name) => return Err(super::call::foreign(name, "iterating over")),
            _ => return Err(not_iterable(value)),
        };
        interpreter.charge(items.len() / 16)?;
        Ok(Self::Items(items.into_iter()))
    }

    /// The next value.
    pub(super) fn next(&mut self, interpreter: &mut Interpreter<'_>) -> Outcome<Option<Value>> {
        interpreter.tick()?;
        Ok(match self {
            Self::Items(items) => items.next(),
            Self::Shared(iterator) => iterator.0.borrow_mut().pop_front(),
            Self::Range(range, position) => {
                *position += 1;
                range.get(*position - 1)
            }
        })
    }
}

/// All values of an iteration.
pub(crate) fn collect(interpreter: &mut Interpreter<'_>, value: &Value) -> Outcome<Vec<Value>> {
    let mut cursor = Cursor::over(interpreter, value)?;
    let mut items = Vec::new();
    while let Some(item) = cursor.next(interpreter)? {
        items.push(item);
    }
    Ok(items)
}

/// A set of values.
pub(super) fn to_set(interpreter: &mut Interpreter<'_>, items: Vec<Value>) -> Outcome<Value> {
    let mut entries = IndexMap::with_capacity(items.len());
    for item in items {
        let key = Key::of(interpreter, &item)?;
        entries.entry(key).or_insert(item);
    }
    Ok(Value::set(entries))
}

/// How many elements a value has, if it has a length.
pub(super) fn length(value: &Value) -> Option<usize> {
    Some(match value {
        Value::Str(text) => text.chars().count(),
        Value::Bytes(bytes) => bytes.len(),
        Value::List(list) => list.0.borrow().len(),
        Value::Tuple(tuple) => tuple.0.len(),
        Value::Dict(dict) => dict.0.borrow().len(),
        Value::Set(set) => set.0.borrow().len(),
        Value::Range(range) => range.len(),
        _ => return None,
    })
}

fn not_iterable(value: &Value) -> super::exception::Stop {
    let message = format!("a value of type {} cannot be iterated over", value.type_name());
    Exception::raise("TypeError", message)
}
