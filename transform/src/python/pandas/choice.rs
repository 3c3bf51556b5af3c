//! Choices between columns: `where`, `mask`, `select`, `fillna`, `combine_first`.

use datafusion::logical_expr::{Expr, not};
use larder_core::Result;

use super::shape::listed;
use crate::kernel::{FillMissing, IsMissing, Truth, call};
use crate::python::call::Arguments;
use crate::python::compiler::Compiler;
use crate::python::scalar::{Kind, Scalar};
use crate::python::value::{Display, Value};

/// Whether the expression is null or not-a-number.
pub(crate) fn missing(expr: &Expr) -> Expr {
    call(IsMissing, vec![expr.clone()])
}

/// A condition as `astype(bool)` has it: not-a-number is true, a missing object false.
pub(crate) fn column_truth<'a>(
    c: &mut Compiler<'a>,
    condition: &Value<'a>,
    a: &Arguments<'a>,
) -> Result<Scalar> {
    let condition = match c.settled(condition.clone()) {
        Value::Column(list) => listed(list),
        other => c.scalar(&other, a.at)?,
    };
    if condition.kind == Kind::Bool && !condition.none {
        return Ok(condition);
    }
    if !(condition.kind.is_number() || condition.kind == Kind::Text) {
        let construct = format!("a {} as a condition", condition.kind.label());
        return Err(c.unsupported(a.at, construct, "compare it"));
    }
    let null = condition.nan || matches!(condition.kind, Kind::Int | Kind::Float);
    let condition = c.share_scalar(&condition);
    let expr = call(Truth { null: Some(null) }, vec![condition.expr.clone()]);
    Ok(Scalar::guarded(expr, Kind::Bool, &[&condition], false))
}

impl<'a> Compiler<'a> {
    /// `then` where the condition holds, else `otherwise`, with numpy's common type; `None` is missing.
    pub(crate) fn choose_columns(
        &mut self,
        condition: &Scalar,
        then: Option<&Value<'a>>,
        otherwise: Option<&Value<'a>>,
        a: &Arguments<'a>,
    ) -> Result<Scalar> {
        let side = |value: Option<&Value<'a>>| -> Result<Option<Scalar>> {
            let Some(value) = value else { return Ok(None) };
            match self.settled(value.clone()) {
                Value::None => Ok(None),
                Value::Column(list) => Ok(Some(listed(list))),
                Value::Filtered(column) => Ok(Some(column)),
                other => Ok(Some(self.scalar(&other, a.at)?)),
            }
        };
        let nan = |value: Option<&Value<'a>>| matches!(value, None | Some(Value::Float(_)));
        let (x, y) = (side(then)?, side(otherwise)?);
        let absent = |kind: &Kind, nan: bool| Scalar {
            none: true,
            nan,
            ..Scalar::total(kind.null(), kind.clone())
        };
        let is_nan = |value: Option<&Value<'a>>| matches!(value, Some(Value::Float(value)) if value.is_nan());
        let object = |side: &Scalar| !side.kind.is_number() || side.kind == Kind::Bool;
        let (x, y) = match (x, y) {
            (None, None) => {
                return Err(self.unsupported(a.at, "a column of nothing", "choose values"));
            }
            (Some(x), None) => {
                let y = absent(&x.kind, nan(otherwise) || !object(&x));
                (x, y)
            }
            (None, Some(y)) => (absent(&y.kind, nan(then) || !object(&y)), y),
            (Some(x), Some(_)) if is_nan(otherwise) && object(&x) => {
                let y = absent(&x.kind, true);
                (x, y)
            }
            (Some(_), Some(y)) if is_nan(then) && object(&y) => (absent(&y.kind, true), y),
            (Some(x), Some(y)) => (x, y),
        };
        let (x, y) = (Value::Scalar(x), Value::Scalar(y));
        match self.select(condition, &x, &y, a.at)? {
            Value::Scalar(chosen) => {
                let mixed = chosen.mixed && chosen.kind == Kind::Int;
                Ok(Scalar { mixed, ..listed(chosen) })
            }
            other => self.scalar(&other, a.at),
        }
    }
}

/// `numpy.where(condition, x, y)`.
pub(super) fn where_<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [condition, then, otherwise] = a.named(c, ["condition", "x", "y"])?;
    let condition = a.required(c, condition)?;
    let (then, otherwise) = (a.required(c, then)?, a.required(c, otherwise)?);
    both_texts(c, a, &[then.clone(), otherwise.clone()])?;
    let truth = column_truth(c, &condition, a)?;
    c.choose_columns(&truth, Some(&then), Some(&otherwise), a).map(Value::Series)
}

/// numpy turns numbers beside literal texts into texts.
fn both_texts<'a>(c: &Compiler<'a>, a: &Arguments<'a>, sides: &[Value<'a>]) -> Result<()> {
    let literal = sides.iter().any(|side| matches!(side, Value::Text(_)));
    let number = sides.iter().find(|side| matches!(side, Value::Int(_) | Value::Float(_)));
    match number {
        Some(_) if literal => Err(c.unsupported(
            a.at,
            "a choice between a text and a number",
            "numpy would make a text of the number: choose texts, or None",
        )),
        _ => Ok(()),
    }
}

/// `numpy.select(conditions, choices, default)`.
pub(super) fn select<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [conditions, choices, default] = a.named(c, ["condlist", "choicelist", "default"])?;
    let mut lists = Vec::new();
    for list in [conditions, choices] {
        let list = a.required(c, list)?;
        let Value::Items(items, Display::List | Display::Tuple) = c.settled(list) else {
            return Err(c.unsupported(
                a.at,
                "this select",
                "write the lists of conditions and choices",
            ));
        };
        lists.push(items);
    }
    let (conditions, choices) = (lists.remove(0), lists.remove(0));
    if conditions.len() != choices.len() {
        return Err(c.wrong(a.at, "select has as many choices as conditions"));
    }
    let default = default.unwrap_or(Value::Int(0));
    let mut all = choices.to_vec();
    all.push(default.clone());
    both_texts(c, a, &all)?;
    let mut result = default;
    for (condition, choice) in conditions.iter().zip(choices.iter()).rev() {
        // select insists on bools; a missing bool is no bool.
        let truth = c.scalar(condition, a.at)?;
        if truth.kind != Kind::Bool {
            return Err(c.wrong(a.at, "the conditions of select are bools"));
        }
        result =
            Value::Series(c.choose_columns(&truth.required(), Some(choice), Some(&result), a)?);
    }
    // Text choices and the default 0 have no common type.
    Ok(result)
}

/// `column.where(condition, other)`, or `mask`, its opposite.
pub(super) fn keep<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>, mask: bool) -> Result<Value<'a>> {
    let [receiver, condition, other] = a.named(c, ["self", "cond", "other"])?;
    let receiver = a.required(c, receiver)?;
    let condition = c.column(&a.required(c, condition)?, a)?;
    if condition.kind != Kind::Bool {
        return Err(c.wrong(a.at, format!("{} wants a condition", a.name)));
    }
    // A missing condition does not hold; its negation raises.
    let holds = if mask {
        Scalar::strict(not(condition.expr.clone()), Kind::Bool, &[&condition], false)
    } else {
        Scalar::guarded(condition.expr.clone().is_true(), Kind::Bool, &[&condition], false)
    };
    let mut kept = c.choose_columns(&holds, Some(&receiver), other.as_ref(), a)?;
    kept.mixed = kept.mixed || kept.kind == Kind::Int;
    Ok(Value::Series(kept))
}

pub(super) fn fill<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [receiver, value] = a.named(c, ["self", "value"])?;
    let column = c.column(&a.required(c, receiver)?, a)?;
    let value = a.required(c, value)?;
    Ok(Value::Series(fill_column(c, a, &column, &value)?))
}

/// The column with its missing values filled.
pub(super) fn fill_column<'a>(
    c: &mut Compiler<'a>,
    a: &Arguments<'a>,
    column: &Scalar,
    value: &Value<'a>,
) -> Result<Scalar> {
    let filler = match c.settled(value.clone()) {
        Value::None => return Err(c.wrong(a.at, "fillna with None raises")),
        Value::Column(list) => listed(list),
        value => c.scalar(&value, a.at)?,
    };
    if matches!(value, Value::Float(value) if value.is_nan()) {
        return Ok(column.clone());
    }
    let Some((kind, mixed)) = column.kind.unify(&filler.kind) else {
        let construct =
            format!("fillna of a {} column with a {}", column.kind.label(), filler.kind.label());
        return Err(c.unsupported(a.at, construct, "fill with a value of the column's type"));
    };
    let (value, filler) = (c.share_scalar(&column.widen(&kind)), filler.widen(&kind));
    let expr = call(FillMissing, vec![value.expr.clone(), filler.expr.clone()]);
    let total = Scalar { none: filler.none, ..value };
    let mut filled = Scalar::guarded(expr, kind, &[&total, &filler], filler.none);
    filled.nan = filler.none && filler.nan;
    // A filled integer is a float in the row where it was missing.
    filled.mixed = mixed || column.mixed || (column.none && filled.kind == Kind::Int);
    Ok(filled)
}

impl<'a> Compiler<'a> {
    /// The column with its missing values filled.
    pub(crate) fn filled_column(
        &mut self,
        column: &Scalar,
        value: &Value<'a>,
        a: &Arguments<'a>,
    ) -> Result<Scalar> {
        fill_column(self, a, column, value)
    }
}

/// `column.combine_first(other)`.
pub(super) fn combine_first<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [receiver, other] = a.named(c, ["self", "other"])?;
    let column = c.column(&a.required(c, receiver)?, a)?;
    let other = c.column(&a.required(c, other)?, a)?;
    Ok(Value::Series(fill_column(c, a, &column, &Value::Series(other))?))
}
