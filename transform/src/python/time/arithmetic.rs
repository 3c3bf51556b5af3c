//! Arithmetic and comparison of instants and durations.

use datafusion::logical_expr::Expr;
use larder_core::Result;
use ruff_text_size::TextRange;

use super::{clock, of_row};
use crate::kernel::{ArithmeticOp, Clock, DurationMath, DurationOp, ShiftInstant, Spread, call};
use crate::python::compiler::Compiler;
use crate::python::scalar::{Kind, Scalar};
use crate::python::value::Value;

/// Whether an instant knows its zone.
fn is_aware(clock: Clock) -> bool {
    clock != Clock::Naive
}

/// Whether values of both kinds can be compared as times.
pub(crate) fn comparable(a: &Kind, b: &Kind) -> bool {
    match (a, b) {
        (Kind::Instant(a), Kind::Instant(b)) => is_aware(*a) == is_aware(*b),
        (Kind::Date, Kind::Date) | (Kind::Duration, Kind::Duration) => true,
        _ => false,
    }
}

/// Makes the expression of an operation from its operands.
type Build = fn(&[Scalar; 2]) -> Expr;

/// What an operator between a point in time and something else gives.
fn with_instant(left: &Kind, op: ArithmeticOp, right: &Kind) -> Option<(Kind, Build)> {
    match (left, op, right) {
        (a, ArithmeticOp::Subtract, b) if clock(a).is_some() && comparable(a, b) => {
            Some((Kind::Duration, |[a, b]| call(Spread, vec![a.expr.clone(), b.expr.clone()])))
        }
        (Kind::Instant(_), ArithmeticOp::Add, Kind::Duration) => {
            Some((left.clone(), |[a, b]| shift(false, a, b)))
        }
        (Kind::Duration, ArithmeticOp::Add, Kind::Instant(_)) => {
            Some((right.clone(), |[a, b]| shift(false, b, a)))
        }
        (Kind::Instant(_), ArithmeticOp::Subtract, Kind::Duration) => {
            Some((left.clone(), |[a, b]| shift(true, a, b)))
        }
        _ => None,
    }
}

/// What an operator between durations, or a duration and a number, gives.
fn with_duration(left: &Kind, op: ArithmeticOp, right: &Kind) -> Option<(Kind, Build)> {
    match (left, op, right) {
        (Kind::Duration, ArithmeticOp::Add, Kind::Duration) => {
            Some((Kind::Duration, |[a, b]| duration(DurationOp::Add, a, b)))
        }
        (Kind::Duration, ArithmeticOp::Subtract, Kind::Duration) => {
            Some((Kind::Duration, |[a, b]| duration(DurationOp::Subtract, a, b)))
        }
        (Kind::Duration, ArithmeticOp::Divide, Kind::Duration) => {
            Some((Kind::Float, |[a, b]| duration(DurationOp::Ratio, a, b)))
        }
        (Kind::Duration, ArithmeticOp::FloorDivide, Kind::Duration) => {
            Some((Kind::Int, |[a, b]| duration(DurationOp::FloorRatio, a, b)))
        }
        (Kind::Duration, ArithmeticOp::Multiply, other) if other.is_number() => {
            Some((Kind::Duration, |[a, b]| duration(DurationOp::Scale, a, b)))
        }
        (other, ArithmeticOp::Multiply, Kind::Duration) if other.is_number() => {
            Some((Kind::Duration, |[a, b]| duration(DurationOp::Scale, b, a)))
        }
        _ => None,
    }
}

/// An operand: a factor of a duration is a float.
fn operand(side: &Scalar) -> Scalar {
    if side.kind.is_number() {
        side.without_bool().filled().widen(&Kind::Float)
    } else {
        side.clone()
    }
}

impl<'a> Compiler<'a> {
    /// Arithmetic in which a time takes part; `None` if none does.
    pub(crate) fn time_arithmetic(
        &mut self,
        op: ArithmeticOp,
        left: &Scalar,
        right: &Scalar,
        column: bool,
        at: TextRange,
    ) -> Result<Option<Value<'a>>> {
        let times = |kind: &Kind| clock(kind).is_some() || *kind == Kind::Duration;
        if !times(&left.kind) && !times(&right.kind) {
            return Ok(None);
        }
        if left.kind == Kind::Wall || right.kind == Kind::Wall {
            return Err(self.unknown_zone(at));
        }
        let (a, b) = (&left.kind, &right.kind);
        let Some((kind, build)) = with_instant(a, op, b).or_else(|| with_duration(a, op, b)) else {
            let instants = matches!((a, b), (Kind::Instant(_), Kind::Instant(_)));
            if instants && op == ArithmeticOp::Subtract {
                return Err(self.wrong(at, "one time knows its zone and the other does not"));
            }
            return Err(self.unsupported(
                at,
                format!("{} {op:?} {}", a.label(), b.label()),
                "subtract times, add durations to them, compare and divide durations",
            ));
        };
        let operands = [operand(left), operand(right)];
        let expr = build(&operands);
        let [a, b] = &operands;
        Ok(Some(if column {
            Value::Series(Scalar::propagating(expr, kind, &[a, b], true))
        } else {
            of_row(expr, kind, &[a, b], true)
        }))
    }

    /// `-duration`, `abs(duration)`.
    pub(crate) fn duration_sign(value: &Scalar, absolute: bool, column: bool) -> Value<'a> {
        let op = if absolute { DurationOp::Absolute } else { DurationOp::Negate };
        let expr = call(DurationMath(op), vec![value.expr.clone()]);
        if column {
            return Value::Series(Scalar::propagating(expr, Kind::Duration, &[value], false));
        }
        of_row(expr, Kind::Duration, &[value], false)
    }
}

fn duration(op: DurationOp, a: &Scalar, b: &Scalar) -> Expr {
    call(DurationMath(op), vec![a.expr.clone(), b.expr.clone()])
}

fn shift(back: bool, time: &Scalar, by: &Scalar) -> Expr {
    call(ShiftInstant { back }, vec![time.expr.clone(), by.expr.clone()])
}
