//! Methods of lists.

use datafusion::logical_expr::lit;
use larder_core::Result;

use super::function::sorted_list;
use super::{element_of, set};
use crate::kernel::{Found, Search, SliceList, call};
use crate::python::builtin::{Builtin, rank_of, row};
use crate::python::call::Arguments;
use crate::python::compiler::{Compiler, scalar_or_none};
use crate::python::scalar::{Kind, Scalar};
use crate::python::state::Growing;
use crate::python::value::Value;

/// Methods of lists that the function made itself.
pub(crate) static LIST_METHODS: &[Builtin] = &[
    row!("append", |c, a| {
        let [list, value] = a.named(c, ["self", "object"])?;
        let value = a.required(c, value)?;
        if let Some(Value::Growing(number)) = list {
            c.append(number, value, a.at)?;
        }
        Ok(Value::None)
    }),
    row!("clear", |c, a| change(c, a, |_, _| Ok(None))),
    row!("copy", |c, a| copy(c, a)),
    row!("count", |c, a| search(c, a, Found::Count)),
    row!("extend", |c, a| {
        let [list, values] = a.named(c, ["self", "iterable"])?;
        let values = a.required(c, values)?;
        if let Some(Value::Growing(number)) = list {
            c.extend(number, &values, a)?;
        }
        Ok(Value::None)
    }),
    row!("index", |c, a| search(c, a, Found::First)),
    row!("pop", |c, a| pop(c, a)),
    row!("reverse", |c, a| change(c, a, |_, list| Ok(Some(reversed(&list))))),
    row!("sort", |c, a| sort(c, a)),
];

/// Methods of lists that were there before: nothing may change them.
pub(crate) static LIST_VALUE_METHODS: &[Builtin] = &[
    row!("copy", |c, a| copy(c, a)),
    row!("count", |c, a| search(c, a, Found::Count)),
    row!("index", |c, a| search(c, a, Found::First)),
];

impl<'a> Compiler<'a> {
    /// `list.extend(values)`.
    pub(crate) fn extend(
        &mut self,
        number: usize,
        values: &Value<'a>,
        a: &Arguments<'a>,
    ) -> Result<()> {
        if let Value::Items(values, _) = self.settled(values.clone()) {
            return values.iter().try_for_each(|value| self.append(number, value.clone(), a.at));
        }
        let Some(more) = self.row_list(values) else {
            return Err(self.unsupported(a.at, "extend by this", "append one element per row"));
        };
        let list = self.own_list(number, a)?;
        let joined = self.joined(&[list, more], a.at)?;
        let joined = self.share_scalar(&joined);
        self.change_list(number, |list| (list.whole, list.items) = (Some(joined), Vec::new()));
        Ok(())
    }

    /// A list that was made for the row.
    fn own_list(&self, number: usize, a: &Arguments<'a>) -> Result<Scalar> {
        let hint = "change lists that were made for the row";
        match self.state.lists.get(&number) {
            Some(Growing { whole: Some(whole), .. }) => Ok(whole.clone()),
            Some(Growing { items, rows: None, pending: None, per_row, .. })
                if *per_row == self.per_row && *per_row =>
            {
                self.list_of_items(items, a.at)
            }
            _ => Err(self.unsupported(a.at, format!("{} of this list", a.name), hint)),
        }
    }
}

/// Changes the receiver; nothing is left of it where there is no new list.
fn change<'a>(
    c: &mut Compiler<'a>,
    a: &Arguments<'a>,
    change: impl FnOnce(&mut Compiler<'a>, Scalar) -> Result<Option<Scalar>>,
) -> Result<Value<'a>> {
    let Value::Growing(number) = a.first(c)? else { return Ok(Value::None) };
    let list = c.own_list(number, a)?;
    let changed = change(c, list)?.map(|list| c.share_scalar(&list));
    c.change_list(number, |list| (list.whole, list.items) = (changed, Vec::new()));
    Ok(Value::None)
}

/// `list.sort(key=None, reverse=False)`.
fn sort<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [_, key, reverse] = a.named(c, ["self", "key", "reverse"])?;
    let reverse = match reverse {
        None | Some(Value::Bool(false)) => false,
        Some(Value::Bool(true)) => true,
        Some(_) => return Err(c.unsupported(a.at, "a computed reverse", "write True or False")),
    };
    let at = a.at;
    change(c, a, |c, list| {
        let Some(key) = key.filter(|key| *key != Value::None) else {
            return sorted_list(c, &list, None, reverse, at).map(Some);
        };
        let mut rank = |c: &mut Compiler<'a>, value: &Value<'a>| rank_of(c, Some(&key), value, at);
        sorted_list(c, &list, Some(&mut rank), reverse, at).map(Some)
    })
}

/// `list.pop()` and `list.pop(0)`.
fn pop<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [list, at] = a.named(c, ["self", "index"])?;
    let Some(Value::Growing(number)) = list else { return Ok(Value::None) };
    let (index, [start, stop]) = match at {
        None | Some(Value::Int(-1)) => (-1, [0, -1]),
        Some(Value::Int(0)) => (0, [1, i64::MAX]),
        Some(_) => {
            return Err(c.unsupported(a.at, "pop of this position", "pop the first or last"));
        }
    };
    let list = c.own_list(number, a)?;
    let list = c.share_scalar(&list);
    let taken = c.item(Value::Scalar(list.clone()), &Value::Int(index), a.at)?;
    let taken = c.share(taken);
    let bounds = vec![list.expr.clone(), lit(start), lit(stop)];
    let rest = Scalar { expr: call(SliceList { step: 1 }, bounds), ..list };
    c.change_list(number, |list| (list.whole, list.items) = (Some(rest), Vec::new()));
    Ok(taken)
}

/// The elements from the last to the first.
pub(crate) fn reversed(list: &Scalar) -> Scalar {
    let bound = || Kind::Int.null();
    let expr = call(SliceList { step: -1 }, vec![list.expr.clone(), bound(), bound()]);
    Scalar { expr, ..list.required() }
}

fn copy<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [list] = a.named(c, ["self"])?;
    let list = a.required(c, list)?;
    Ok(match c.settled(list) {
        Value::Scalar(list) => Value::Scalar(list.required()),
        other => other,
    })
}

/// `list.count(value)` and `list.index(value)`.
fn search<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>, found: Found) -> Result<Value<'a>> {
    let [list, value] = a.named(c, ["self", "value"])?;
    let (list, value) = (a.required(c, list)?, a.required(c, value)?);
    let Some(list) = c.as_list(&list, a.at)? else {
        return Err(c.unsupported(a.at, format!("{} of this", a.name), "use a list of the row"));
    };
    let value = scalar_or_none(&value).map_or_else(|| c.scalar(&value, a.at), Ok)?;
    let kind = element_of(&list, lit(0)).kind;
    let Some((kind, _)) = kind.unify(&value.kind).filter(|_| set::is_hashed(&kind)) else {
        let construct = format!("{} of a {} in a list", a.name, value.kind.label());
        return Err(c.unsupported(a.at, construct, "look for an element of the list's type"));
    };
    let (list, value) = (list.widen(&Kind::List(Box::new(kind.clone()))), value.widen(&kind));
    let expr = call(Search(found), vec![value.expr.clone(), list.expr.clone()]);
    let list = list.required();
    let value = Scalar { none: false, ..value };
    let result = Scalar::strict(expr, Kind::Int, &[&list], found == Found::First);
    if value.is_nullable() {
        let guarded = Scalar::guarded(result.expr.clone(), Kind::Int, &[&value, &result], false);
        return Ok(Value::Scalar(guarded));
    }
    Ok(Value::Scalar(result))
}
