//! numpy's element-wise functions.

use datafusion::logical_expr::{lit, not};
use larder_core::Result;
use ruff_python_ast::Operator;

use super::choice::{column_truth, missing};
use super::shape::Shape;
use crate::kernel::{
    ArithmeticOp, Compare, CompareOp, FillMissing, FloatTest, IsMissing, Logical, LogicalOp, Math,
    MathFunction, Missing, Pair, PairFunction, TestFloat, call,
};
use crate::python::builtin::{Builtin, row};
use crate::python::call::Arguments;
use crate::python::compiler::Compiler;
use crate::python::scalar::{Kind, Scalar, choose};
use crate::python::value::Value;

/// Element-wise functions of `numpy`.
pub(crate) static ELEMENTWISE: &[Builtin] = &[
    row!("abs", |c, a| absolute(c, a)),
    row!("absolute", |c, a| absolute(c, a)),
    row!("add", |c, a| arithmetic(c, a, Operator::Add)),
    row!("arccos", |c, a| float(c, a, MathFunction::Acos)),
    row!("arcsin", |c, a| float(c, a, MathFunction::Asin)),
    row!("arctan", |c, a| float(c, a, MathFunction::Atan)),
    row!("arctan2", |c, a| pair(c, a, PairFunction::Atan2)),
    row!("cbrt", |c, a| float(c, a, MathFunction::Cbrt)),
    row!("ceil", |c, a| whole(c, a, MathFunction::Ceil)),
    row!("copysign", |c, a| pair(c, a, PairFunction::CopySign)),
    row!("cos", |c, a| float(c, a, MathFunction::Cos)),
    row!("cosh", |c, a| float(c, a, MathFunction::Cosh)),
    row!("deg2rad", |c, a| float(c, a, MathFunction::Radians)),
    row!("degrees", |c, a| float(c, a, MathFunction::Degrees)),
    row!("divide", |c, a| divide(c, a)),
    row!("exp", |c, a| float(c, a, MathFunction::Exp)),
    row!("exp2", |c, a| float(c, a, MathFunction::Exp2)),
    row!("expm1", |c, a| float(c, a, MathFunction::Expm1)),
    row!("fabs", |c, a| float(c, a, MathFunction::Abs)),
    row!("floor", |c, a| whole(c, a, MathFunction::Floor)),
    row!("floor_divide", |c, a| arithmetic(c, a, Operator::FloorDiv)),
    row!("fmax", |c, a| extreme(c, a, PairFunction::FMax)),
    row!("fmin", |c, a| extreme(c, a, PairFunction::FMin)),
    row!("hypot", |c, a| pair(c, a, PairFunction::Hypot)),
    row!("isfinite", |c, a| test(c, a, FloatTest::Finite)),
    row!("isinf", |c, a| test(c, a, FloatTest::Infinite)),
    row!("isnan", |c, a| is_nan(c, a)),
    row!("log", |c, a| float(c, a, MathFunction::Log)),
    row!("log10", |c, a| float(c, a, MathFunction::Log10)),
    row!("log1p", |c, a| float(c, a, MathFunction::Log1p)),
    row!("log2", |c, a| float(c, a, MathFunction::Log2)),
    row!("logical_and", |c, a| logical(c, a, LogicalOp::And)),
    row!("logical_not", |c, a| logical_not(c, a)),
    row!("logical_or", |c, a| logical(c, a, LogicalOp::Or)),
    row!("logical_xor", |c, a| logical(c, a, LogicalOp::Xor)),
    row!("maximum", |c, a| extreme(c, a, PairFunction::Maximum)),
    row!("minimum", |c, a| extreme(c, a, PairFunction::Minimum)),
    row!("mod", |c, a| arithmetic(c, a, Operator::Mod)),
    row!("multiply", |c, a| arithmetic(c, a, Operator::Mult)),
    row!("nan_to_num", |c, a| nan_to_num(c, a)),
    row!("negative", |c, a| negative(c, a)),
    row!("power", |c, a| arithmetic(c, a, Operator::Pow)),
    row!("rad2deg", |c, a| float(c, a, MathFunction::Degrees)),
    row!("radians", |c, a| float(c, a, MathFunction::Radians)),
    row!("remainder", |c, a| arithmetic(c, a, Operator::Mod)),
    row!("rint", |c, a| float(c, a, MathFunction::Rint)),
    row!("sign", |c, a| sign(c, a)),
    row!("sin", |c, a| float(c, a, MathFunction::Sin)),
    row!("sinh", |c, a| float(c, a, MathFunction::Sinh)),
    row!("sqrt", |c, a| float(c, a, MathFunction::Sqrt)),
    row!("square", |c, a| square(c, a)),
    row!("subtract", |c, a| arithmetic(c, a, Operator::Sub)),
    row!("tan", |c, a| float(c, a, MathFunction::Tan)),
    row!("tanh", |c, a| float(c, a, MathFunction::Tanh)),
    row!("true_divide", |c, a| divide(c, a)),
    row!("trunc", |c, a| whole(c, a, MathFunction::Truncate)),
];

/// The single argument, a number but no bool.
fn number<'a>(c: &Compiler<'a>, a: &Arguments<'a>) -> Result<(Scalar, Shape)> {
    let [value] = a.named(c, ["x"])?;
    let value = a.required(c, value)?;
    let (mut operands, shape) = c.numeric_operands(a, &[value])?;
    match operands.pop() {
        Some(operand) if operand.kind != Kind::Bool => Ok((operand, shape)),
        _ => Err(c.unsupported(a.at, format!("{} of a bool", a.name), "convert it to int first")),
    }
}

fn apply(function: MathFunction, operand: &Scalar) -> Scalar {
    let operand = operand.widen(&Kind::Float);
    let expr = call(Math { function, raises: false }, vec![operand.expr.clone()]);
    Scalar::propagating(expr, Kind::Float, &[&operand], false)
}

fn float<'a>(c: &Compiler<'a>, a: &Arguments<'a>, function: MathFunction) -> Result<Value<'a>> {
    let (operand, shape) = number(c, a)?;
    Ok(shape.wrap(apply(function, &operand)))
}

/// A function that leaves integers alone.
fn whole<'a>(c: &Compiler<'a>, a: &Arguments<'a>, function: MathFunction) -> Result<Value<'a>> {
    let (operand, shape) = number(c, a)?;
    Ok(shape.wrap(if operand.kind == Kind::Int { operand } else { apply(function, &operand) }))
}

fn absolute<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let (operand, shape) = number(c, a)?;
    Ok(shape.wrap(c.column_abs(&operand, a.at)?))
}

fn square<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let (operand, shape) = number(c, a)?;
    Ok(shape.wrap(c.column_arithmetic(ArithmeticOp::Multiply, &operand, &operand, true)))
}

fn negative<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let (operand, shape) = number(c, a)?;
    let minus = Scalar::total(lit(-1_i64), Kind::Int);
    Ok(shape.wrap(c.column_arithmetic(ArithmeticOp::Multiply, &operand, &minus, true)))
}

fn sign<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let (operand, shape) = number(c, a)?;
    if operand.kind == Kind::Float {
        return Ok(shape.wrap(apply(MathFunction::Sign, &operand)));
    }
    let operand = c.share_scalar(&operand);
    let zero = || lit(0_i64);
    let compare =
        |op| call(Compare { op, missing: Missing::Raises }, vec![operand.expr.clone(), zero()]);
    let expr = choose(
        compare(CompareOp::Greater),
        lit(1_i64),
        choose(compare(CompareOp::Less), lit(-1_i64), zero()),
    );
    Ok(shape.wrap(Scalar::propagating(expr, Kind::Int, &[&operand], false)))
}

fn two<'a>(c: &Compiler<'a>, a: &Arguments<'a>) -> Result<(Scalar, Scalar, Shape)> {
    let [left, right] = a.named(c, ["x1", "x2"])?;
    let values = [a.required(c, left)?, a.required(c, right)?];
    let (operands, shape) = c.numeric_operands(a, &values)?;
    match <[Scalar; 2]>::try_from(operands) {
        Ok([left, right]) => Ok((left.without_bool(), right.without_bool(), shape)),
        Err(_) => Err(c.wrong(a.at, format!("{} takes two arguments", a.name))),
    }
}

fn pair<'a>(c: &Compiler<'a>, a: &Arguments<'a>, function: PairFunction) -> Result<Value<'a>> {
    let (left, right, shape) = two(c, a)?;
    let (left, right) = (left.widen(&Kind::Float), right.widen(&Kind::Float));
    let arguments = vec![left.expr.clone(), right.expr.clone()];
    let expr = call(Pair { function, raises: false }, arguments);
    Ok(shape.wrap(Scalar::propagating(expr, Kind::Float, &[&left, &right], false)))
}

/// `maximum`, `minimum`, `fmax`, `fmin`.
fn extreme<'a>(
    c: &mut Compiler<'a>,
    a: &Arguments<'a>,
    function: PairFunction,
) -> Result<Value<'a>> {
    let (left, right, shape) = two(c, a)?;
    let ignores = matches!(function, PairFunction::FMax | PairFunction::FMin);
    if left.kind != Kind::Int || right.kind != Kind::Int {
        let side = |side: &Scalar| {
            let side = side.widen(&Kind::Float);
            if ignores { side.element() } else { side }
        };
        let (left, right) = (side(&left), side(&right));
        let arguments = vec![left.expr.clone(), right.expr.clone()];
        let expr = call(Pair { function, raises: false }, arguments);
        return Ok(shape.wrap(Scalar::propagating(expr, Kind::Float, &[&left, &right], false)));
    }
    let (left, right) = (c.share_scalar(&left), c.share_scalar(&right));
    let op = match function {
        PairFunction::Maximum | PairFunction::FMax => CompareOp::Greater,
        _ => CompareOp::Less,
    };
    let wins = Compare { op, missing: Missing::Raises };
    let wins = call(wins, vec![left.expr.clone(), right.expr.clone()]);
    let expr = choose(wins, left.expr.clone(), right.expr.clone());
    let mut result = Scalar::propagating(expr, Kind::Int, &[&left, &right], false);
    if ignores {
        let other = call(FillMissing, vec![left.expr.clone(), right.expr.clone()]);
        result.expr = call(FillMissing, vec![result.expr, other]);
    }
    Ok(shape.wrap(result))
}

fn arithmetic<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>, op: Operator) -> Result<Value<'a>> {
    let [left, right] = a.named(c, ["x1", "x2"])?;
    compute(c, a, op, left, right)
}

fn compute<'a>(
    c: &mut Compiler<'a>,
    a: &Arguments<'a>,
    op: Operator,
    left: Option<Value<'a>>,
    right: Option<Value<'a>>,
) -> Result<Value<'a>> {
    let values = [a.required(c, left)?, a.required(c, right)?];
    let (operands, shape) = c.operands(&values, a.at)?;
    let [left, right] = [0, 1].map(|index: usize| Value::Series(operands[index].clone()));
    match c.series_binary(op, &left, &right, a.at)? {
        Value::Series(result) => Ok(shape.wrap(result)),
        other => Ok(other),
    }
}

/// `divide(x, y, out=..., where=...)`: the pattern that avoids a division by zero.
fn divide<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [left, right, out, condition] = a.named(c, ["x1", "x2", "out", "where"])?;
    let quotient = compute(c, a, Operator::Div, left, right)?;
    let (Value::Series(quotient), Some(condition)) = (&quotient, condition) else {
        return Ok(quotient);
    };
    let Some(out) = out else {
        return Err(c.unsupported(
            a.at,
            "divide with where but without out",
            "the other elements are not set: pass out=np.zeros_like(..)",
        ));
    };
    let truth = column_truth(c, &condition, a)?;
    let chosen = c.choose_columns(&truth, Some(&Value::Series(quotient.clone())), Some(&out), a)?;
    Ok(Value::Series(chosen))
}

fn is_nan<'a>(c: &Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [value] = a.named(c, ["x"])?;
    let value = a.required(c, value)?;
    let (operands, shape) = c.numeric_operands(a, &[value])?;
    let expr = call(IsMissing, vec![operands[0].expr.clone()]);
    Ok(shape.wrap(Scalar::guarded(expr, Kind::Bool, &[&operands[0]], false)))
}

fn test<'a>(c: &Compiler<'a>, a: &Arguments<'a>, test: FloatTest) -> Result<Value<'a>> {
    let (operand, shape) = number(c, a)?;
    let operand = operand.widen(&Kind::Float);
    let expr = call(TestFloat(test), vec![operand.expr.clone()]).is_true();
    Ok(shape.wrap(Scalar::guarded(expr, Kind::Bool, &[&operand], false)))
}

fn logical<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>, op: LogicalOp) -> Result<Value<'a>> {
    let [left, right] = a.named(c, ["x1", "x2"])?;
    let (left, right) = (a.required(c, left)?, a.required(c, right)?);
    let (_, shape) = c.operands(&[left.clone(), right.clone()], a.at)?;
    let (left, right) = (column_truth(c, &left, a)?, column_truth(c, &right, a)?);
    let expr = call(Logical(op), vec![left.expr.clone(), right.expr.clone()]);
    Ok(shape.wrap(Scalar::guarded(expr, Kind::Bool, &[&left, &right], false)))
}

fn logical_not<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let value = a.first(c)?;
    let (_, shape) = c.operands(std::slice::from_ref(&value), a.at)?;
    let truth = column_truth(c, &value, a)?;
    let expr = not(truth.expr.clone());
    Ok(shape.wrap(Scalar::guarded(expr, Kind::Bool, &[&truth], false)))
}

fn nan_to_num<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [value, _copy, nan, positive, negative] =
        a.named(c, ["x", "copy", "nan", "posinf", "neginf"])?;
    let (operands, shape) = c.numeric_operands(a, &[a.required(c, value)?])?;
    let value = c.share_scalar(&operands[0].widen(&Kind::Float));
    let by = |given: Option<Value<'a>>, usual: f64| match given {
        None | Some(Value::None) => Ok(lit(usual)),
        Some(given) => Ok(c.scalar(&given, a.at)?.widen(&Kind::Float).expr),
    };
    let nan = by(nan, 0.0)?;
    let (positive, negative) = (by(positive, f64::MAX)?, by(negative, f64::MIN)?);
    let equals = |bound: f64| {
        let equal = Compare { op: CompareOp::Equal, missing: Missing::IsNan };
        call(equal, vec![value.expr.clone(), lit(bound)])
    };
    let finite = choose(
        equals(f64::INFINITY),
        positive,
        choose(equals(f64::NEG_INFINITY), negative, value.expr.clone()),
    );
    let gone = missing(&value.expr);
    let expr = choose(gone, nan, finite);
    Ok(shape.wrap(Scalar::guarded(expr, Kind::Float, &[&value], false)))
}
