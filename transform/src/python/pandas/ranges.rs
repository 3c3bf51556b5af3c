//! Columns beside bounds: `clip`, `between`, `cut`.

use larder_core::Result;
use ruff_python_ast::CmpOp;

use crate::kernel::{Compare, CompareOp, Missing, call};
use crate::python::call::Arguments;
use crate::python::comparison::compare_op;
use crate::python::compiler::Compiler;
use crate::python::scalar::{Kind, Scalar, choose};
use crate::python::value::Value;

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
