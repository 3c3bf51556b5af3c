//! `sum`, `min`, `max`, `sorted`, `any` and `all` of a list of the row.

use datafusion::logical_expr::{Expr, lit, not};
use larder_core::Result;
use ruff_text_size::TextRange;

use super::{Elements, Goal, Shape, element_of, raising_where};
use crate::kernel::{Extreme, Length, Orderable, SortList, SumList, call};
use crate::python::compiler::{Compiler, is_nothing};
use crate::python::condition::Condition;
use crate::python::exception::Fault;
use crate::python::scalar::{Kind, Scalar};
use crate::python::value::Value;

/// What elements are compared by: a function, or they themselves.
pub(crate) type KeyOf<'c, 'a> =
    Option<&'c mut dyn FnMut(&mut Compiler<'a>, &Value<'a>) -> Result<Value<'a>>>;

impl Elements {
    fn of(list: &Scalar) -> Self {
        Self { lists: vec![list.clone()], shape: Shape::Of(0) }
    }
}

/// `sum(list, start)`.
pub(crate) fn sum_of<'a>(
    c: &mut Compiler<'a>,
    list: &Scalar,
    start: &Value<'a>,
    at: TextRange,
) -> Result<Value<'a>> {
    let element = element_of(list, lit(0)).kind;
    let start = c.scalar(start, at)?.without_bool();
    if is_nothing(&element_of(list, lit(0))) {
        return Ok(Value::Scalar(start));
    }
    if !element.is_number() || !start.kind.is_number() {
        return Err(c.wrong(at, format!("sum of a list of {}", element.label())));
    }
    let floats = element == Kind::Float || start.kind == Kind::Float;
    let kind = if floats { Kind::Float } else { Kind::Int };
    // The sum of no floats is the start itself.
    let mixed = floats && start.kind != Kind::Float;
    let (list, start) = (list.widen(&Kind::List(Box::new(kind.clone()))), start.widen(&kind));
    let expr = call(SumList, vec![list.expr.clone(), start.expr.clone()]);
    let sum = Scalar::strict(expr, kind, &[&list, &start], true);
    Ok(Value::Scalar(Scalar { mixed, ..sum }))
}

/// `min` and `max` of a list.
pub(crate) fn extreme_of<'a>(
    c: &mut Compiler<'a>,
    list: &Scalar,
    (largest, key): (bool, KeyOf<'_, 'a>),
    default: Option<&Value<'a>>,
    at: TextRange,
) -> Result<Value<'a>> {
    let list = c.share_scalar(list);
    let keys = keys(c, &list, key, at)?;
    let expr = call(Extreme { largest }, vec![list.expr.clone(), keys.expr.clone()]);
    let best = element_of(&list, expr);
    let empty = call(Length, vec![list.expr.clone()]).eq(lit(0_i64)).is_true();
    let empty = c.plan.share(empty, &Kind::Bool.data_type());
    let ordered = in_order(&best, &list, &keys);
    let Some(default) = default else {
        if c.is_trying() {
            c.note(empty.clone(), lit(Fault::Value.code()), at)?;
        }
        return Ok(Value::Scalar(raising_where(&empty, &ordered)));
    };
    let ordered = Value::Scalar(c.share_scalar(&ordered));
    c.select(&Scalar::total(empty, Kind::Bool), default, &ordered, at)
}

/// `sorted` of a list.
pub(crate) fn sorted_list<'a>(
    c: &mut Compiler<'a>,
    list: &Scalar,
    key: KeyOf<'_, 'a>,
    reverse: bool,
    at: TextRange,
) -> Result<Scalar> {
    let list = c.share_scalar(list);
    let keys = keys(c, &list, key, at)?;
    let expr = call(SortList { reverse }, vec![list.expr.clone(), keys.expr.clone()]);
    let sorted = Scalar { expr, ..list.required() };
    Ok(in_order(&sorted, &list, &keys))
}

/// `any` and `all` of a list whose elements are there already.
pub(crate) fn truths_of<'a>(
    c: &mut Compiler<'a>,
    list: &Scalar,
    stop: bool,
    at: TextRange,
) -> Result<Value<'a>> {
    let over = Elements::of(list);
    let truth = c.map_elements(&over, Goal::Truth(stop), at, &mut |_, element| {
        Ok((Condition::Known(true), element))
    })?;
    Ok(Value::Scalar(truth))
}

/// The keys of the elements, which must have an order.
fn keys<'a>(
    c: &mut Compiler<'a>,
    list: &Scalar,
    key: KeyOf<'_, 'a>,
    at: TextRange,
) -> Result<Scalar> {
    let keys = match key {
        None => list.clone(),
        Some(key) => c.map_elements(&Elements::of(list), Goal::List, at, &mut |c, element| {
            Ok((Condition::Known(true), key(c, &element)?))
        })?,
    };
    let kind = element_of(&keys, lit(0)).kind;
    let ordered = kind.is_number()
        || matches!(kind, Kind::Text | Kind::Instant(_) | Kind::Date)
        || is_nothing(&element_of(&keys, lit(0)));
    if ordered {
        return Ok(c.share_scalar(&keys));
    }
    let construct = format!("an order of {}", kind.label());
    Err(c.unsupported(at, construct, "order numbers, texts and times"))
}

/// The result, raising where a key is `None`, or could not be computed.
fn in_order(result: &Scalar, list: &Scalar, keys: &Scalar) -> Scalar {
    let unordered: Expr = not(call(Orderable, vec![keys.expr.clone()]));
    let result = raising_where(&unordered, result);
    // A list that is null has no keys.
    Scalar { origin: list.origin, ..result }
}
