//! Methods of a column.

use datafusion::logical_expr::not;
use larder_core::Result;
use ruff_python_ast::Operator;

use super::{apply, choice, convert, frame, literals, ranges};
use crate::kernel::{CompareOp, IsMissing, RoundDecimal, call};
use crate::python::builtin::{Builtin, row};
use crate::python::call::Arguments;
use crate::python::compiler::Compiler;
use crate::python::scalar::{Kind, Scalar, choose};
use crate::python::value::Value;

/// Methods of a column.
pub(crate) static SERIES_METHODS: &[Builtin] = &[
    row!("abs", |c, a| {
        let column = c.receiver(a)?;
        c.column_abs(&column, a.at).map(Value::Series)
    }),
    row!("add", |c, a| arithmetic(c, a, Operator::Add, false)),
    row!("apply", |c, a| apply::apply(c, a)),
    row!("astype", |c, a| convert::as_type(c, a)),
    row!("between", |c, a| ranges::between(c, a)),
    row!("clip", |c, a| ranges::clip(c, a)),
    row!("combine_first", |c, a| choice::combine_first(c, a)),
    row!("copy", |c, a| c.receiver(a).map(Value::Series)),
    row!("div", |c, a| arithmetic(c, a, Operator::Div, false)),
    row!("divide", |c, a| arithmetic(c, a, Operator::Div, false)),
    row!("eq", |c, a| compare(c, a, CompareOp::Equal)),
    row!("fillna", |c, a| choice::fill(c, a)),
    row!("floordiv", |c, a| arithmetic(c, a, Operator::FloorDiv, false)),
    row!("ge", |c, a| compare(c, a, CompareOp::GreaterEqual)),
    row!("gt", |c, a| compare(c, a, CompareOp::Greater)),
    row!("isin", |c, a| literals::is_in(c, a)),
    row!("isna", |c, a| is_missing(c, a, false)),
    row!("isnull", |c, a| is_missing(c, a, false)),
    row!("le", |c, a| compare(c, a, CompareOp::LessEqual)),
    row!("lt", |c, a| compare(c, a, CompareOp::Less)),
    row!("map", |c, a| apply::map(c, a)),
    row!("mask", |c, a| choice::keep(c, a, true)),
    row!("mod", |c, a| arithmetic(c, a, Operator::Mod, false)),
    row!("mul", |c, a| arithmetic(c, a, Operator::Mult, false)),
    row!("multiply", |c, a| arithmetic(c, a, Operator::Mult, false)),
    row!("ne", |c, a| compare(c, a, CompareOp::NotEqual)),
    row!("notna", |c, a| is_missing(c, a, true)),
    row!("notnull", |c, a| is_missing(c, a, true)),
    row!("pipe", |c, a| pipe(c, a)),
    row!("pow", |c, a| arithmetic(c, a, Operator::Pow, false)),
    row!("radd", |c, a| arithmetic(c, a, Operator::Add, true)),
    row!("rdiv", |c, a| arithmetic(c, a, Operator::Div, true)),
    row!("rename", |c, a| c.receiver(a).map(Value::Series)),
    row!("replace", |c, a| literals::replace(c, a)),
    row!("reset_index", |c, a| c.receiver(a).map(Value::Series)),
    row!("rmul", |c, a| arithmetic(c, a, Operator::Mult, true)),
    row!("round", |c, a| round(c, a)),
    row!("rsub", |c, a| arithmetic(c, a, Operator::Sub, true)),
    row!("sub", |c, a| arithmetic(c, a, Operator::Sub, false)),
    row!("subtract", |c, a| arithmetic(c, a, Operator::Sub, false)),
    row!("to_list", |c, a| c.receiver(a).map(|column| frame::as_list(Value::Series(column)))),
    row!("to_numpy", |c, a| c.receiver(a).map(Value::Series)),
    row!("tolist", |c, a| c.receiver(a).map(|column| frame::as_list(Value::Series(column)))),
    row!("truediv", |c, a| arithmetic(c, a, Operator::Div, false)),
    row!("where", |c, a| choice::keep(c, a, false)),
    // What looks at other rows.
    row!("all", |c, a| Err(frame::crosses_rows(c, a))),
    row!("any", |c, a| Err(frame::crosses_rows(c, a))),
    row!("bfill", |c, a| Err(frame::crosses_rows(c, a))),
    row!("count", |c, a| Err(frame::crosses_rows(c, a))),
    row!("cummax", |c, a| Err(frame::crosses_rows(c, a))),
    row!("cumsum", |c, a| Err(frame::crosses_rows(c, a))),
    row!("diff", |c, a| Err(frame::crosses_rows(c, a))),
    row!("ewm", |c, a| Err(frame::crosses_rows(c, a))),
    row!("expanding", |c, a| Err(frame::crosses_rows(c, a))),
    row!("ffill", |c, a| Err(frame::crosses_rows(c, a))),
    row!("max", |c, a| Err(frame::crosses_rows(c, a))),
    row!("mean", |c, a| Err(frame::crosses_rows(c, a))),
    row!("median", |c, a| Err(frame::crosses_rows(c, a))),
    row!("min", |c, a| Err(frame::crosses_rows(c, a))),
    row!("mode", |c, a| Err(frame::crosses_rows(c, a))),
    row!("pct_change", |c, a| Err(frame::crosses_rows(c, a))),
    row!("quantile", |c, a| Err(frame::crosses_rows(c, a))),
    row!("rank", |c, a| Err(frame::crosses_rows(c, a))),
    row!("rolling", |c, a| Err(frame::crosses_rows(c, a))),
    row!("shift", |c, a| Err(frame::crosses_rows(c, a))),
    row!("std", |c, a| Err(frame::crosses_rows(c, a))),
    row!("sum", |c, a| Err(frame::crosses_rows(c, a))),
    row!("unique", |c, a| Err(frame::crosses_rows(c, a))),
    row!("value_counts", |c, a| Err(frame::crosses_rows(c, a))),
    row!("var", |c, a| Err(frame::crosses_rows(c, a))),
];

/// An operator written as a method; `fill_value` stands in where one side is missing.
fn arithmetic<'a>(
    c: &mut Compiler<'a>,
    a: &Arguments<'a>,
    op: Operator,
    reverse: bool,
) -> Result<Value<'a>> {
    let [_, other, _level, filler, axis] =
        a.named(c, ["self", "other", "level", "fill_value", "axis"])?;
    if axis.is_some_and(|axis| axis != Value::Int(0)) {
        return Err(c.unsupported(a.at, "this axis", "leave it out"));
    }
    let mut sides = [Value::Series(c.receiver(a)?), a.required(c, other)?];
    if let Some(filler) = filler.filter(|filler| *filler != Value::None) {
        let [x, y] = [0, 1].map(|side: usize| c.scalar(&sides[side], a.at));
        let (x, y) = (c.share_scalar(&x?), c.share_scalar(&y?));
        let gone = |side: &Scalar| choice::missing(&side.expr);
        let both = gone(&x).and(gone(&y));
        for (side, column) in sides.iter_mut().zip([x, y]) {
            let filled = choice::fill_column(c, a, &column, &filler)?;
            let missing = filled.kind.null();
            let expr = choose(both.clone(), missing, filled.expr.clone());
            *side = Value::Series(Scalar { expr, none: true, nan: true, ..filled });
        }
    }
    let [left, right] = sides;
    if reverse {
        return c.series_binary(op, &right, &left, a.at);
    }
    c.series_binary(op, &left, &right, a.at)
}

fn compare<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>, op: CompareOp) -> Result<Value<'a>> {
    let [_, other] = a.named(c, ["self", "other"])?;
    let column = Value::Series(c.receiver(a)?);
    let other = a.required(c, other)?;
    c.series_compare(op, &column, &other, a.at)
}

/// `isna` and `notna`, as methods and as functions of a column or a value of the row.
pub(super) fn is_missing<'a>(
    c: &mut Compiler<'a>,
    a: &Arguments<'a>,
    negate: bool,
) -> Result<Value<'a>> {
    let value = c.settled(a.first(c)?);
    let of_row = match &value {
        Value::None => return Ok(Value::Bool(!negate)),
        Value::Scalar(_) => true,
        value if value.is_constant() => true,
        _ => false,
    };
    let column = if of_row { c.scalar(&value, a.at)? } else { c.receiver(a)? };
    let missing = call(IsMissing, vec![column.expr.clone()]);
    let expr = if negate { not(missing) } else { missing };
    let answer = Scalar::guarded(expr, Kind::Bool, &[&column], false);
    Ok(if of_row { Value::Scalar(answer) } else { Value::Series(answer) })
}

/// `round`, of a column or a number of the row, as numpy rounds.
pub(super) fn round<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [receiver, digits] = a.named(c, ["a", "decimals"])?;
    let (operands, shape) = c.numeric_operands(a, &[a.required(c, receiver)?])?;
    let column = operands[0].clone();
    let digits = match digits {
        None => 0,
        Some(Value::Int(digits)) => i16::try_from(digits.clamp(-300, 300)).unwrap_or(0),
        Some(_) => {
            return Err(c.unsupported(a.at, "a computed number of decimals", "use a literal"));
        }
    };
    match column.kind {
        Kind::Float => {}
        Kind::Int if digits >= 0 => return Ok(shape.wrap(column)),
        _ => {
            let construct = format!("round of a {} column", column.kind.label());
            return Err(c.unsupported(a.at, construct, "round float columns"));
        }
    }
    let expr = call(RoundDecimal { digits, numpy: true }, vec![column.expr.clone()]);
    let mut rounded = Scalar::propagating(expr, Kind::Float, &[&column], false);
    rounded.mixed = column.mixed;
    Ok(shape.wrap(rounded))
}

/// `column.pipe(function, ..)`.
pub(super) fn pipe<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let mut positional = a.positional.clone();
    if positional.len() < 2 || !a.keywords.is_empty() {
        return Err(c.unsupported(a.at, "this pipe", "pass the function and its arguments"));
    }
    let function = positional.remove(1);
    c.invoke(function, positional, a.at)
}
