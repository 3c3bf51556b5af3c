//! Columns beside literals: `isin`, `replace`, `map`.

use datafusion::logical_expr::lit;
use larder_core::Result;

use super::choice::missing;
use crate::kernel::{CompareOp, Position, call};
use crate::python::call::Arguments;
use crate::python::compiler::{Compiler, scalar_or_none};
use crate::python::scalar::{Kind, Scalar};
use crate::python::value::Value;

pub(super) fn is_in<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [receiver, values] = a.named(c, ["self", "values"])?;
    let column = c.column(&a.required(c, receiver)?, a)?;
    let values = a.required(c, values)?;
    let keys = match c.settled(values) {
        Value::Items(items, _) => items.iter().map(Value::keys).collect::<Option<Vec<_>>>(),
        Value::Dict(number) => {
            c.dict(number).entries.iter().map(|(key, _)| key.keys()).collect::<Option<Vec<_>>>()
        }
        _ => None,
    };
    let Some(keys) = keys.filter(|_| column.kind.is_number() || column.kind == Kind::Text) else {
        return Err(c.unsupported(
            a.at,
            "this isin",
            "look for literals in a column of texts or numbers",
        ));
    };
    let keys: Vec<_> = keys.into_iter().filter(|key| key.len() == 1).collect();
    if keys.is_empty() {
        return Ok(Value::Series(Scalar::guarded(lit(false), Kind::Bool, &[&column], false)));
    }
    let found = call(Position::new(keys), vec![column.expr.clone()]).is_not_null();
    Ok(Value::Series(Scalar::guarded(found, Kind::Bool, &[&column], false)))
}

/// `column.replace(old, new)`, `replace({old: new})`, `replace([..], new)`, `replace([..], [..])`.
pub(super) fn replace<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [_, old, new] = a.named(c, ["self", "to_replace", "value"])?;
    let old = a.required(c, old)?;
    let pairs: Vec<(Value<'a>, Value<'a>)> = match (c.settled(old), new.map(|new| c.settled(new))) {
        (Value::Dict(number), None) => c.dict(number).entries.clone(),
        (Value::Items(old, _), Some(Value::Items(new, _))) if old.len() == new.len() => {
            old.iter().cloned().zip(new.iter().cloned()).collect()
        }
        (Value::Items(old, _), Some(new)) if new.is_constant() => {
            old.iter().map(|old| (old.clone(), new.clone())).collect()
        }
        (old, Some(new)) if old.is_constant() && new.is_constant() => vec![(old, new)],
        _ => return Err(c.unsupported(a.at, "this replace", "replace literals by literals")),
    };
    let mut column = c.receiver(a)?;
    let original = Value::Series(c.share_scalar(&column));
    for (old, new) in pairs.iter().rev() {
        if !old.is_constant() || !new.is_constant() {
            return Err(c.unsupported(a.at, "this replace", "replace literals by literals"));
        }
        let same = if *old == Value::None || matches!(old, Value::Float(f) if f.is_nan()) {
            let column = c.scalar(&original, a.at)?;
            Scalar::guarded(missing(&column.expr), Kind::Bool, &[&column], false)
        } else {
            let same = c.series_compare(CompareOp::Equal, &original, old, a.at)?;
            c.scalar(&same, a.at)?
        };
        let kept = c.choose_columns(&same, Some(new), Some(&Value::Series(column)), a)?;
        column = Scalar { mixed: kept.mixed || kept.kind == Kind::Int && kept.none, ..kept };
    }
    Ok(Value::Series(column))
}

/// `column.map({..})`: missing where the key is not there.
pub(super) fn map_dict<'a>(
    c: &mut Compiler<'a>,
    a: &Arguments<'a>,
    column: &Scalar,
    mapping: &Value<'a>,
) -> Result<Value<'a>> {
    let value = c.get(mapping, &Value::Scalar(column.clone()), Value::None, a.at)?;
    match scalar_or_none(&value) {
        Some(scalar) => Ok(Value::Series(Scalar { nan: scalar.none, ..scalar })),
        None => Err(c.unsupported(a.at, "map to this", "map to texts and numbers")),
    }
}
