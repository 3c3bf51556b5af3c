//! The `math` module.

use larder_core::Result;

use super::{Builtin, number, row};
use crate::kernel::{
    FloatTest, LogBase, Math, MathFunction, Pair, PairFunction, TestFloat, ToInt, call,
};
use crate::python::call::Arguments;
use crate::python::compiler::Compiler;
use crate::python::scalar::{Kind, Scalar};
use crate::python::value::Value;

/// Functions of `math`.
pub(super) static MATH: &[Builtin] = &[
    row!("acos", |c, a| math(c, a, MathFunction::Acos)),
    row!("asin", |c, a| math(c, a, MathFunction::Asin)),
    row!("atan", |c, a| math(c, a, MathFunction::Atan)),
    row!("atan2", |c, a| pair(c, a, PairFunction::Atan2)),
    row!("cbrt", |c, a| math(c, a, MathFunction::Cbrt)),
    row!("ceil", |c, a| whole(c, a, MathFunction::Ceil)),
    row!("copysign", |c, a| pair(c, a, PairFunction::CopySign)),
    row!("cos", |c, a| math(c, a, MathFunction::Cos)),
    row!("cosh", |c, a| math(c, a, MathFunction::Cosh)),
    row!("degrees", |c, a| math(c, a, MathFunction::Degrees)),
    row!("exp", |c, a| math(c, a, MathFunction::Exp)),
    row!("exp2", |c, a| math(c, a, MathFunction::Exp2)),
    row!("expm1", |c, a| math(c, a, MathFunction::Expm1)),
    row!("fabs", |c, a| math(c, a, MathFunction::Abs)),
    row!("floor", |c, a| whole(c, a, MathFunction::Floor)),
    row!("fmod", |c, a| pair(c, a, PairFunction::FMod)),
    row!("hypot", |c, a| pair(c, a, PairFunction::Hypot)),
    row!("isfinite", |c, a| test(c, a, FloatTest::Finite)),
    row!("isinf", |c, a| test(c, a, FloatTest::Infinite)),
    row!("isnan", |c, a| test(c, a, FloatTest::Nan)),
    row!("log", |c, a| log(c, a)),
    row!("log10", |c, a| math(c, a, MathFunction::Log10)),
    row!("log1p", |c, a| math(c, a, MathFunction::Log1p)),
    row!("log2", |c, a| math(c, a, MathFunction::Log2)),
    row!("pow", |c, a| pair(c, a, PairFunction::Power)),
    row!("radians", |c, a| math(c, a, MathFunction::Radians)),
    row!("sin", |c, a| math(c, a, MathFunction::Sin)),
    row!("sinh", |c, a| math(c, a, MathFunction::Sinh)),
    row!("sqrt", |c, a| math(c, a, MathFunction::Sqrt)),
    row!("tan", |c, a| math(c, a, MathFunction::Tan)),
    row!("tanh", |c, a| math(c, a, MathFunction::Tanh)),
    row!("trunc", |c, a| whole(c, a, MathFunction::Truncate)),
];

/// The single argument as a float; a missing whole number of pandas is not-a-number.
fn float<'a>(c: &Compiler<'a>, a: &Arguments<'a>) -> Result<Scalar> {
    Ok(number(c, a)?.filled().widen(&Kind::Float))
}

fn math<'a>(c: &Compiler<'a>, a: &Arguments<'a>, function: MathFunction) -> Result<Value<'a>> {
    let value = float(c, a)?;
    let expr = call(Math { function, raises: true }, vec![value.expr.clone()]);
    Ok(Value::Scalar(Scalar::strict(expr, Kind::Float, &[&value], true)))
}

fn whole<'a>(c: &Compiler<'a>, a: &Arguments<'a>, function: MathFunction) -> Result<Value<'a>> {
    let value = number(c, a)?;
    if value.kind == Kind::Int {
        let expr = value.expr.clone();
        return Ok(Value::Scalar(Scalar::strict(expr, Kind::Int, &[&value], false)));
    }
    let rounded = call(Math { function, raises: true }, vec![value.expr.clone()]);
    let expr = call(ToInt, vec![rounded]);
    Ok(Value::Scalar(Scalar::strict(expr, Kind::Int, &[&value], true)))
}

fn test<'a>(c: &Compiler<'a>, a: &Arguments<'a>, test: FloatTest) -> Result<Value<'a>> {
    let value = float(c, a)?;
    let expr = call(TestFloat(test), vec![value.expr.clone()]);
    Ok(Value::Scalar(Scalar::strict(expr, Kind::Bool, &[&value], false)))
}

fn two<'a>(c: &Compiler<'a>, a: &Arguments<'a>) -> Result<[Scalar; 2]> {
    let [left, right] = a.named(c, ["x", "y"])?;
    let mut sides = Vec::new();
    for side in [left, right] {
        let side = c.scalar(&a.required(c, side)?, a.at)?;
        if !side.kind.is_number() {
            return Err(c.wrong(a.at, format!("{} of a {}", a.name, side.kind.label())));
        }
        sides.push(side.without_bool().filled().widen(&Kind::Float));
    }
    <[Scalar; 2]>::try_from(sides).map_err(|_| c.wrong(a.at, "two arguments"))
}

fn pair<'a>(c: &Compiler<'a>, a: &Arguments<'a>, function: PairFunction) -> Result<Value<'a>> {
    let [left, right] = two(c, a)?;
    let arguments = vec![left.expr.clone(), right.expr.clone()];
    let expr = call(Pair { function, raises: true }, arguments);
    Ok(Value::Scalar(Scalar::strict(expr, Kind::Float, &[&left, &right], true)))
}

/// `math.log(x)`, `math.log(x, base)`.
fn log<'a>(c: &Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    if a.positional.len() < 2 {
        return math(c, a, MathFunction::Log);
    }
    let [value, base] = two(c, a)?;
    let expr = call(LogBase, vec![value.expr.clone(), base.expr.clone()]);
    Ok(Value::Scalar(Scalar::strict(expr, Kind::Float, &[&value, &base], true)))
}
