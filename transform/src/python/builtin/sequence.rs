//! Functions of sequences: written out, or lists of the row.

use std::rc::Rc;

use larder_core::Result;
use ruff_python_ast::CmpOp;
use ruff_text_size::TextRange;

use crate::python::call::Arguments;
use crate::python::compiler::Compiler;
use crate::python::lists::{extreme_of, sorted_list, sum_of, truths_of};
use crate::python::scalar::{Kind, Scalar};
use crate::python::value::{Display, Value};

/// Most elements that are sorted: each pair costs a comparison per row.
const MAX_SORTED: usize = 16;

/// The elements of a sequence that is written out.
fn elements<'a>(c: &Compiler<'a>, a: &Arguments<'a>) -> Result<Rc<Vec<Value<'a>>>> {
    match c.settled(a.first(c)?) {
        Value::Items(items, _) => Ok(items),
        Value::Dict(number) => {
            let keys = c.dict(number).entries.iter().map(|(key, _)| key.clone()).collect();
            Ok(Rc::new(keys))
        }
        other => {
            let construct = format!("{} of a {}", a.name, other.label());
            Err(c.unsupported(
                a.at,
                construct,
                "pass values of the row: aggregates over rows are no on demand features",
            ))
        }
    }
}

/// The argument as a list of the row, if the row decides its length. The order of a set is chance.
fn list<'a>(c: &Compiler<'a>, a: &Arguments<'a>, ordered: bool) -> Result<Option<Scalar>> {
    match a.first(c)? {
        Value::SetOf(list) if !ordered => Ok(Some(list)),
        Value::SetOf(_) => {
            Err(c.unsupported(a.at, format!("{} of a set", a.name), "use sorted(..) first"))
        }
        value => Ok(c.row_list(&value)),
    }
}

pub(super) fn extreme<'a>(
    c: &mut Compiler<'a>,
    a: &Arguments<'a>,
    better: CmpOp,
) -> Result<Value<'a>> {
    let (mut key, mut default) = (None, None);
    for (name, value) in &a.keywords {
        match *name {
            "key" => key = Some(value),
            "default" => default = Some(value),
            _ => {
                let construct = format!("argument {name} of {}", a.name);
                return Err(c.unsupported(a.at, construct, "leave it out"));
            }
        }
    }
    if let (1, Some(list)) = (a.positional.len(), list(c, a, false)?) {
        let largest = better == CmpOp::Gt;
        let Some(key) = key.filter(|key| **key != Value::None) else {
            return extreme_of(c, &list, (largest, None), default, a.at);
        };
        let mut rank = |c: &mut Compiler<'a>, value: &Value<'a>| rank_of(c, Some(key), value, a.at);
        return extreme_of(c, &list, (largest, Some(&mut rank)), default, a.at);
    }
    let values =
        if a.positional.len() > 1 { Rc::new(a.positional.clone()) } else { elements(c, a)? };
    let Some((first, others)) = values.split_first() else {
        let message = format!("{} of nothing", a.name);
        return default.cloned().ok_or_else(|| c.wrong(a.at, message));
    };
    let mut best = c.share(first.clone());
    let mut rank = rank_of(c, key, &best, a.at)?;
    for value in others {
        let value = c.share(value.clone());
        let other = rank_of(c, key, &value, a.at)?;
        let wins = c.compare(better, &other, &rank, a.at)?;
        let truth = c.truth(&wins, a.at)?.scalar();
        best = c.select(&truth, &value, &best, a.at)?;
        best = c.share(best);
        rank = match key {
            None => best.clone(),
            Some(_) => c.select(&truth, &other, &rank, a.at)?,
        };
        rank = c.share(rank);
    }
    Ok(best)
}

pub(super) fn sum<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [_, start] = a.named(c, ["iterable", "start"])?;
    let mut total = start.unwrap_or(Value::Int(0));
    // The sum of whole numbers does not depend on their order.
    let floats = |list: &Scalar| list.kind == Kind::List(Box::new(Kind::Float));
    let set = matches!(a.first(c)?, Value::SetOf(list) if !floats(&list));
    if let Some(list) = list(c, a, !set)? {
        return sum_of(c, &list, &total, a.at);
    }
    for value in elements(c, a)?.iter() {
        total = c.binary(ruff_python_ast::Operator::Add, &total, value, a.at)?;
    }
    Ok(total)
}

pub(super) fn quantify<'a>(
    c: &mut Compiler<'a>,
    a: &Arguments<'a>,
    stop: bool,
) -> Result<Value<'a>> {
    if let Some(list) = list(c, a, false)? {
        return truths_of(c, &list, stop, a.at);
    }
    let mut result = Value::Bool(!stop);
    for value in elements(c, a)?.iter().rev() {
        let truth = c.truth(value, a.at)?;
        result = match (truth.known(), stop) {
            (Some(known), _) if known == stop => Value::Bool(stop),
            (Some(_), _) => result,
            (None, true) => c.select(&truth.scalar(), &Value::Bool(true), &result, a.at)?,
            (None, false) => c.select(&truth.scalar(), &result, &Value::Bool(false), a.at)?,
        };
    }
    Ok(result)
}

/// What an element is compared by.
pub(crate) fn rank_of<'a>(
    c: &mut Compiler<'a>,
    key: Option<&Value<'a>>,
    value: &Value<'a>,
    at: TextRange,
) -> Result<Value<'a>> {
    let rank = match key {
        None | Some(Value::None) => return Ok(value.clone()),
        Some(Value::Method(dict, method)) => {
            let positional = vec![(**dict).clone(), value.clone()];
            let arguments = Arguments { name: method.name, positional, keywords: Vec::new(), at };
            (method.compile)(c, &arguments)?
        }
        Some(key) => c.invoke(key.clone(), vec![value.clone()], at)?,
    };
    Ok(c.share(rank))
}

/// `sorted(values, key=None, reverse=False)`; equal elements keep their order.
pub(super) fn sorted<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [_, key, reverse] = a.named(c, ["iterable", "key", "reverse"])?;
    let before = match reverse {
        None | Some(Value::Bool(false)) => CmpOp::Lt,
        Some(Value::Bool(true)) => CmpOp::Gt,
        Some(_) => return Err(c.unsupported(a.at, "a computed reverse", "write True or False")),
    };
    if let Some(list) = list(c, a, false)? {
        let reverse = before == CmpOp::Gt;
        let sorted = match key.filter(|key| *key != Value::None) {
            None => sorted_list(c, &list, None, reverse, a.at)?,
            Some(key) => {
                let mut rank =
                    |c: &mut Compiler<'a>, value: &Value<'a>| rank_of(c, Some(&key), value, a.at);
                sorted_list(c, &list, Some(&mut rank), reverse, a.at)?
            }
        };
        return Ok(Value::Scalar(sorted));
    }
    let values = elements(c, a)?;
    if values.len() > MAX_SORTED {
        return Err(c.unsupported(a.at, "sorting this many values", "sort at most 16"));
    }
    let mut pairs = Vec::new();
    for value in values.iter() {
        let value = c.share(value.clone());
        let rank = rank_of(c, key.as_ref(), &value, a.at)?;
        pairs.push((rank, value));
    }
    for end in (1..pairs.len()).rev() {
        for at in 0..end {
            let (x, y) = (pairs[at].clone(), pairs[at + 1].clone());
            let swaps = c.compare(before, &y.0, &x.0, a.at)?;
            let swaps = c.truth(&swaps, a.at)?.scalar();
            let swaps = c.share_scalar(&swaps);
            let mut pick = |then: &Value<'a>, other: &Value<'a>| {
                let chosen = c.select(&swaps, then, other, a.at)?;
                Ok::<_, larder_core::Error>(c.share(chosen))
            };
            pairs[at] = (pick(&y.0, &x.0)?, pick(&y.1, &x.1)?);
            pairs[at + 1] = (pick(&x.0, &y.0)?, pick(&x.1, &y.1)?);
        }
    }
    let sorted = pairs.into_iter().map(|(_, value)| value).collect();
    Ok(Value::Items(Rc::new(sorted), Display::List))
}
