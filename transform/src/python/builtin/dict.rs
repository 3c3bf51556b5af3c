//! Methods of `dict`.

use std::rc::Rc;

use larder_core::Result;

use super::{Builtin, row};
use crate::python::call::Arguments;
use crate::python::compiler::Compiler;
use crate::python::state::Dict;
use crate::python::value::{Display, Value};

/// Methods of `dict`.
pub(crate) static DICT_METHODS: &[Builtin] = &[
    row!("copy", |c, a| {
        let number = dict(c, a)?;
        let entries = c.dict(number).entries.clone();
        Ok(Value::Dict(c.new_dict(entries)))
    }),
    row!("get", |c, a| {
        let [dict, key, default] = a.named(c, ["self", "key", "default"])?;
        let (dict, key) = (a.required(c, dict)?, a.required(c, key)?);
        c.get(&dict, &key, default.unwrap_or(Value::None), a.at)
    }),
    row!("items", |c, a| entries(c, a, |key, value| {
        Value::Items(Rc::new(vec![key, value]), Display::Tuple)
    })),
    row!("keys", |c, a| entries(c, a, |key, _| key)),
    row!("pop", |c, a| pop(c, a)),
    row!("setdefault", |c, a| {
        let [_, key, default] = a.named(c, ["self", "key", "default"])?;
        let (number, key) = (dict(c, a)?, constant_key(c, a, key)?);
        if let Some(found) = c.dict(number).get(&key).cloned() {
            return Ok(found);
        }
        let value = default.unwrap_or(Value::None);
        change(c, a, number, |dict| dict.set(key, value.clone()))?;
        Ok(value)
    }),
    row!("update", |c, a| update(c, a)),
    row!("values", |c, a| entries(c, a, |_, value| value)),
];

/// The number of the receiver.
fn dict<'a>(c: &Compiler<'a>, a: &Arguments<'a>) -> Result<usize> {
    match a.first(c)? {
        Value::Dict(number) => Ok(number),
        other => {
            let construct = format!("{} of a {}", a.name, other.label());
            Err(c.unsupported(a.at, construct, "use get"))
        }
    }
}

fn constant_key<'a>(
    c: &Compiler<'a>,
    a: &Arguments<'a>,
    key: Option<Value<'a>>,
) -> Result<Value<'a>> {
    let key = a.required(c, key)?;
    if key.keys().is_some() {
        return Ok(key);
    }
    Err(c.unsupported(a.at, "a computed key as a target", "use a literal key"))
}

/// Changes a dict in place; one from outside of a loop over the rows would carry values between rows.
fn change<'a>(
    c: &mut Compiler<'a>,
    a: &Arguments<'a>,
    number: usize,
    change: impl FnOnce(&mut Dict<'a>),
) -> Result<()> {
    let mut dict = (*c.dict(number)).clone();
    if c.per_row && !dict.per_row {
        return Err(c.unsupported(
            a.at,
            "changing inside a loop a dict from outside of it",
            "append to a list, one element per row",
        ));
    }
    change(&mut dict);
    c.state.dicts.insert(number, Rc::new(dict));
    Ok(())
}

fn pop<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [_, key, default] = a.named(c, ["self", "key", "default"])?;
    let (number, key) = (dict(c, a)?, constant_key(c, a, key)?);
    let found = c.dict(number).get(&key).cloned();
    let Some(value) = found.or(default) else { return Err(c.no_column(&key, a.at)) };
    let keys = key.keys();
    change(c, a, number, |dict| dict.entries.retain(|(other, _)| other.keys() != keys))?;
    Ok(value)
}

fn update<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let number = dict(c, a)?;
    let mut more = match a.positional.get(1) {
        None => Vec::new(),
        Some(Value::Dict(other)) => c.dict(*other).entries.clone(),
        Some(other) => {
            let construct = format!("update with a {}", other.label());
            return Err(c.unsupported(a.at, construct, "pass a dict"));
        }
    };
    let keywords = a.keywords.iter();
    more.extend(keywords.map(|(name, value)| (Value::Text(Rc::from(*name)), value.clone())));
    change(c, a, number, |dict| more.into_iter().for_each(|(key, value)| dict.set(key, value)))?;
    Ok(Value::None)
}

fn entries<'a>(
    c: &Compiler<'a>,
    a: &Arguments<'a>,
    pick: fn(Value<'a>, Value<'a>) -> Value<'a>,
) -> Result<Value<'a>> {
    let entries = c.dict(dict(c, a)?).entries.clone();
    let items = entries.into_iter().map(|(key, value)| pick(key, value)).collect();
    Ok(Value::Items(Rc::new(items), Display::List))
}
