//! Functions of a plan, with the meaning that Acero gives them.

use arrow_schema::DataType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Cast, Expr, TryCast, lit, not};

use super::{Kind, Typed};
use crate::kernel::{
    Choose, Compare, CompareOp, Concat, FloatTest, Format, IntMath, IntOp, Math, MathFunction,
    Missing, Pair, PairFunction, RoundDecimal, TestFloat, Text, TextFunction, ToInt, call,
};

/// Beyond, Acero refuses to take a whole number for a float.
const EXACT: i64 = 1 << 53;

/// The function of this name, if these arguments fit it.
pub(super) fn call_named(name: &str, arguments: &[Typed]) -> Option<Typed> {
    match arguments {
        [value] => unary(name, value),
        [left, right] => binary(name, left, right).or_else(|| several(name, arguments)),
        _ => several(name, arguments),
    }
}

fn unary(name: &str, value: &Typed) -> Option<Typed> {
    let expr = value.expr.clone();
    match (name, value.kind) {
        ("is_null", _) => return typed(expr.is_null(), Kind::Bool),
        ("is_not_null", _) => return typed(expr.is_not_null(), Kind::Bool),
        ("not", Kind::Bool) => return typed(not(expr), Kind::Bool),
        ("negate", Kind::Int | Kind::Float) => {
            return typed(Expr::Negative(Box::new(expr)), value.kind);
        }
        ("abs", Kind::Int) => {
            let negated = Expr::Negative(Box::new(expr.clone()));
            return typed(choose(expr.clone().lt(lit(0_i64)), negated, expr), Kind::Int);
        }
        ("sign", Kind::Int) => {
            let positive = choose(expr.clone().gt(lit(0_i64)), lit(1_i64), lit(0_i64));
            return typed(choose(expr.lt(lit(0_i64)), lit(-1_i64), positive), Kind::Int);
        }
        _ => {}
    }
    let number = as_float(value)?;
    match name {
        "is_nan" => return typed(call(TestFloat(FloatTest::Nan), vec![number]), Kind::Bool),
        "is_finite" => return typed(call(TestFloat(FloatTest::Finite), vec![number]), Kind::Bool),
        _ => {}
    }
    let function = match name {
        "abs" => MathFunction::Abs,
        "acos" => MathFunction::Acos,
        "asin" => MathFunction::Asin,
        "atan" => MathFunction::Atan,
        "ceil" => MathFunction::Ceil,
        "cos" => MathFunction::Cos,
        "cosh" => MathFunction::Cosh,
        "exp" => MathFunction::Exp,
        "floor" => MathFunction::Floor,
        "ln" => MathFunction::Log,
        "log10" => MathFunction::Log10,
        "log1p" => MathFunction::Log1p,
        "log2" => MathFunction::Log2,
        "sign" => MathFunction::Sign,
        "sin" => MathFunction::Sin,
        "sinh" => MathFunction::Sinh,
        "sqrt" => MathFunction::Sqrt,
        "tan" => MathFunction::Tan,
        "tanh" => MathFunction::Tanh,
        _ => return None,
    };
    typed(call(Math { function, raises: false }, vec![number]), Kind::Float)
}

fn binary(name: &str, left: &Typed, right: &Typed) -> Option<Typed> {
    if let Some(op) = comparison(name) {
        let (left, right) = alike(left, right)?;
        let compare = Compare { op, missing: Missing::Raises };
        return typed(call(compare, vec![left.expr, right.expr]), Kind::Bool);
    }
    match (name, left.kind, right.kind) {
        ("xor", Kind::Bool, Kind::Bool) => {
            let compare = Compare { op: CompareOp::NotEqual, missing: Missing::Raises };
            let arguments = vec![left.expr.clone(), right.expr.clone()];
            typed(call(compare, arguments), Kind::Bool)
        }
        ("starts_with" | "ends_with" | "contains", Kind::Text, Kind::Text) => {
            let function = match name {
                "starts_with" => TextFunction::StartsWith,
                "ends_with" => TextFunction::EndsWith,
                _ => TextFunction::Contains,
            };
            let arguments = vec![left.expr.clone(), right.expr.clone()];
            typed(call(Text(function), arguments), Kind::Bool)
        }
        ("round", Kind::Float, Kind::Int) => {
            let digits = match &right.expr {
                Expr::Literal(ScalarValue::Int64(Some(digits)), _) => {
                    i16::try_from(*digits).ok()?
                }
                _ => return None,
            };
            let round = RoundDecimal { digits, numpy: true };
            typed(call(round, vec![left.expr.clone()]), Kind::Float)
        }
        (_, Kind::Int, Kind::Int) => integers(name, left.expr.clone(), right.expr.clone()),
        (_, Kind::Int | Kind::Float, Kind::Int | Kind::Float) => {
            floats(name, as_float(left)?, as_float(right)?)
        }
        _ => None,
    }
}

fn comparison(name: &str) -> Option<CompareOp> {
    Some(match name {
        "equal" => CompareOp::Equal,
        "not_equal" => CompareOp::NotEqual,
        "lt" => CompareOp::Less,
        "lte" => CompareOp::LessEqual,
        "gt" => CompareOp::Greater,
        "gte" => CompareOp::GreaterEqual,
        _ => return None,
    })
}

/// Whole numbers wrap; a division by zero is null.
fn integers(name: &str, left: Expr, right: Expr) -> Option<Typed> {
    let expr = match name {
        "add" => left + right,
        "subtract" => left - right,
        "multiply" => left * right,
        "divide" => call(IntMath(IntOp::Divide), vec![left, right]),
        "power" => call(IntMath(IntOp::Power), vec![left, right]),
        "atan2" => return floats(name, exact(&left), exact(&right)),
        _ => return None,
    };
    typed(expr, Kind::Int)
}

fn floats(name: &str, left: Expr, right: Expr) -> Option<Typed> {
    let pair = |function| call(Pair { function, raises: false }, vec![left.clone(), right.clone()]);
    let expr = match name {
        "add" => left + right,
        "subtract" => left - right,
        "multiply" => left * right,
        "divide" => left / right,
        "power" => pair(PairFunction::Power),
        "atan2" => pair(PairFunction::Atan2),
        _ => return None,
    };
    typed(expr, Kind::Float)
}

/// Functions of as many arguments as one likes.
fn several(name: &str, arguments: &[Typed]) -> Option<Typed> {
    let (first, rest) = arguments.split_first()?;
    if name == "concat" && arguments.iter().all(|argument| argument.kind == Kind::Text) {
        let texts = arguments.iter().map(|argument| argument.expr.clone()).collect();
        return typed(call(Concat, texts), Kind::Text);
    }
    let mut result = first.clone();
    for next in rest {
        result = match (name, result.kind, next.kind) {
            ("and", Kind::Bool, Kind::Bool) => {
                typed(result.expr.and(next.expr.clone()), Kind::Bool)?
            }
            ("or", Kind::Bool, Kind::Bool) => typed(result.expr.or(next.expr.clone()), Kind::Bool)?,
            ("coalesce", ..) => {
                let (value, other) = alike(&result, next)?;
                let there = value.expr.clone().is_not_null();
                typed(choose(there, value.expr, other.expr), value.kind)?
            }
            _ => return None,
        };
    }
    ["and", "or", "coalesce"].contains(&name).then_some(result)
}

/// An explicit conversion: whole numbers lose digits, floats what is behind the point.
pub(super) fn converted(value: &Typed, kind: Kind) -> Option<Expr> {
    let expr = value.expr.clone();
    Some(match (value.kind, kind) {
        (from, to) if from == to => expr,
        (Kind::Bool, Kind::Int) | (Kind::Int, Kind::Float) => cast(expr, kind.data_type()),
        (Kind::Bool, Kind::Float) => cast(cast(expr, DataType::Int64), DataType::Float64),
        (Kind::Float, Kind::Int) => call(ToInt, vec![expr]),
        (Kind::Int, Kind::Text) => call(Format, vec![expr]),
        _ => return None,
    })
}

/// Two values of one type; a whole number beside a float is one, if it can be.
pub(super) fn alike(left: &Typed, right: &Typed) -> Option<(Typed, Typed)> {
    if left.kind == right.kind {
        return Some((left.clone(), right.clone()));
    }
    let [left, right] = [left, right].map(|side| typed(as_float(side)?, Kind::Float));
    Some((left?, right?))
}

/// A number as a float where no function asks for a conversion.
fn as_float(value: &Typed) -> Option<Expr> {
    match value.kind {
        Kind::Float => Some(value.expr.clone()),
        Kind::Int => Some(exact(&value.expr)),
        Kind::Bool | Kind::Text => None,
    }
}

fn exact(int: &Expr) -> Expr {
    let inside = int.clone().gt_eq(lit(-EXACT)).and(int.clone().lt_eq(lit(EXACT)));
    choose(inside, cast(int.clone(), DataType::Float64), null(&DataType::Float64))
}

#[expect(clippy::unnecessary_wraps, reason = "the end of functions that may not fit")]
fn typed(expr: Expr, kind: Kind) -> Option<Typed> {
    Some(Typed { expr, kind })
}

pub(super) fn choose(condition: Expr, then: Expr, otherwise: Expr) -> Expr {
    call(Choose, vec![condition, then, otherwise])
}

pub(super) fn null(kind: &DataType) -> Expr {
    Expr::Literal(ScalarValue::try_from(kind).unwrap_or(ScalarValue::Null), None)
}

pub(super) fn cast(expr: Expr, target: DataType) -> Expr {
    Expr::Cast(Cast::new(Box::new(expr), target))
}

pub(super) fn try_cast(expr: Expr, target: DataType) -> Expr {
    Expr::TryCast(TryCast::new(Box::new(expr), target))
}
