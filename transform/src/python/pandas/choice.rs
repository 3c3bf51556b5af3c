//! Choices between columns: `where`, `mask`, `select`, `fillna`, `replace`, `clip`, `isin`, `map`.

use datafusion::logical_expr::{Expr, lit, not};
use larder_core::Result;
use ruff_python_ast::CmpOp;

use super::shape::listed;
use crate::kernel::{Compare, CompareOp, FillMissing, IsMissing, Missing, Position, Truth, call};
use crate::python::call::Arguments;
use crate::python::comparison::compare_op;
use crate::python::compiler::{Compiler, scalar_or_none};
use crate::python::scalar::{Kind, Scalar, choose};
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

/// `column.combine_first(other)`.
pub(super) fn combine_first<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [receiver, other] = a.named(c, ["self", "other"])?;
    let column = c.column(&a.required(c, receiver)?, a)?;
    let other = c.column(&a.required(c, other)?, a)?;
    Ok(Value::Series(fill_column(c, a, &column, &Value::Series(other))?))
}

pub(super) fn clip<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [receiver, lower, upper] = a.named(c, ["self", "lower", "upper"])?;
    let (operands, shape) = c.numeric_operands(a, &[a.required(c, receiver)?])?;
    let bounds = [(lower, CompareOp::Less), (upper, CompareOp::Greater)];
    let mut column = operands[0].clone();
    for (bound, op) in bounds {
        let Some(bound) = bound.filter(|bound| *bound != Value::None) else { continue };
        let bound = c.scalar(&bound, a.at)?;
        let numbers = matches!(column.kind, Kind::Int | Kind::Float) && bound.kind.is_number();
        let Some((kind, mixed)) = column.kind.unify(&bound.kind).filter(|_| numbers) else {
            return Err(c.unsupported(a.at, "this clip", "clip number columns to numbers"));
        };
        let value = c.share_scalar(&column.widen(&kind));
        let bound = c.share_scalar(&bound.widen(&kind));
        let beyond = Compare { op, missing: Missing::IsNan };
        let beyond = call(beyond, vec![value.expr.clone(), bound.expr.clone()]);
        let expr = choose(beyond, bound.expr.clone(), value.expr.clone());
        let clipped = Scalar::propagating(expr, kind, &[&value, &bound], false);
        column = Scalar { mixed: mixed || column.mixed, ..clipped };
    }
    Ok(shape.wrap(column))
}

/// `column.between(left, right, inclusive="both")`.
pub(super) fn between<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [receiver, left, right, inclusive] = a.named(c, ["self", "left", "right", "inclusive"])?;
    let column = c.receiver(a)?;
    drop(receiver);
    let column = Value::Series(c.share_scalar(&column));
    let inclusive = match &inclusive {
        None => "both",
        Some(Value::Text(text)) => text.as_ref(),
        Some(_) => "",
    };
    let (from, to) = match inclusive {
        "both" => (CmpOp::GtE, CmpOp::LtE),
        "left" => (CmpOp::GtE, CmpOp::Lt),
        "right" => (CmpOp::Gt, CmpOp::LtE),
        "neither" => (CmpOp::Gt, CmpOp::Lt),
        _ => return Err(c.wrong(a.at, "inclusive is both, left, right or neither")),
    };
    let from = c.series_compare(compare_op(from), &column, &a.required(c, left)?, a.at)?;
    let to = c.series_compare(compare_op(to), &column, &a.required(c, right)?, a.at)?;
    c.series_binary(ruff_python_ast::Operator::BitAnd, &from, &to, a.at)
}

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

/// `pandas.cut(column, bins=[..], labels=[..])`.
pub(super) fn cut<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [column, bins, right, labels, lowest] =
        a.named(c, ["x", "bins", "right", "labels", "include_lowest"])?;
    let column = c.column(&a.required(c, column)?, a)?;
    let column = Value::Series(c.share_scalar(&column));
    let list = |c: &Compiler<'a>, value: Option<Value<'a>>| match value.map(|v| c.settled(v)) {
        Some(Value::Items(items, _)) => Some(items.to_vec()),
        _ => None,
    };
    let Some(bins) = list(c, bins).filter(|bins| bins.len() > 1) else {
        return Err(c.unsupported(
            a.at,
            "cut without a list of bins",
            "bins that depend on all rows are no features of a row: write the edges",
        ));
    };
    let labels = match labels {
        Some(Value::Bool(false)) => (0_i64..).take(bins.len() - 1).map(Value::Int).collect(),
        labels => list(c, labels).ok_or_else(|| {
            c.unsupported(
                a.at,
                "cut without labels",
                "intervals are no feature values: pass labels",
            )
        })?,
    };
    if labels.len() + 1 != bins.len() {
        return Err(c.wrong(a.at, "cut has one label less than bins"));
    }
    let right = !matches!(right, Some(Value::Bool(false)));
    let lowest = matches!(lowest, Some(Value::Bool(true)));
    let mut result: Option<Scalar> = None;
    for (index, label) in labels.iter().enumerate().rev() {
        let (from, to) = match right {
            true if lowest && index == 0 => (CmpOp::GtE, CmpOp::LtE),
            true => (CmpOp::Gt, CmpOp::LtE),
            false => (CmpOp::GtE, CmpOp::Lt),
        };
        let from = c.series_compare(compare_op(from), &column, &bins[index], a.at)?;
        let to = c.series_compare(compare_op(to), &column, &bins[index + 1], a.at)?;
        let inside = c.series_binary(ruff_python_ast::Operator::BitAnd, &from, &to, a.at)?;
        let inside = c.scalar(&inside, a.at)?;
        let rest = result.take().map(Value::Series);
        result = Some(c.choose_columns(&inside, Some(label), rest.as_ref(), a)?);
    }
    result.map(Value::Series).ok_or_else(|| c.wrong(a.at, "cut without bins"))
}
