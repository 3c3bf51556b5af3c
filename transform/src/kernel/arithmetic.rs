//! Python's arithmetic on integers and floats.
//!
//! Integers are 64 bits wide: a result outside them is null, as a value that no feature can hold.

use arrow_array::types::Float64Type;
use arrow_array::{ArrayRef, Float64Array, Int64Array};
use arrow_schema::DataType;
use datafusion::common::Result;

use super::total::binary;
use super::{Kernel, Operand, collect};

/// A binary arithmetic operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum ArithmeticOp {
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Modulo,
    Power,
}

/// A bit operator on integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum BitOp {
    And,
    Or,
    Xor,
    LeftShift,
    RightShift,
}

/// Applies a [`BitOp`] to two int64 columns; null for a negative shift and beyond 64 bits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Bits(pub(crate) BitOp);

impl Kernel for Bits {
    fn name(&self) -> &'static str {
        "py_bits"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        DataType::Int64
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let [left, right] = operands else { unreachable!("two operands") };
        let op: fn(i64, i64) -> Option<i64> = match self.0 {
            BitOp::And => |a, b| Some(a & b),
            BitOp::Or => |a, b| Some(a | b),
            BitOp::Xor => |a, b| Some(a ^ b),
            BitOp::LeftShift => |a, b| {
                if a == 0 && b >= 0 {
                    return Some(0);
                }
                a.checked_mul(1_i64.checked_shl(u32::try_from(b).ok()?).filter(|p| *p > 0)?)
            },
            BitOp::RightShift => |a, b| Some(a >> u32::try_from(b).ok()?.min(63)),
        };
        let (left, right) = (left.ints()?, right.ints()?);
        Ok(collect::<Int64Array, _>((0..rows).map(|row| op(left.get(row)?, right.get(row)?))))
    }
}

/// `left op right` on two int64 or two float64 columns.
///
/// True division of integers and [`ArithmeticOp::Power`] of integers give floats only if asked for
/// by converting first, except division, which always does.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Arithmetic(pub(crate) ArithmeticOp);

impl Kernel for Arithmetic {
    fn name(&self) -> &'static str {
        "py_arithmetic"
    }

    fn output(&self, inputs: &[DataType]) -> DataType {
        match (self.0, &inputs[0]) {
            (ArithmeticOp::Divide, _) => DataType::Float64,
            (_, kind) => kind.clone(),
        }
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let [left, right] = operands else { unreachable!("two operands") };
        if *left.data_type() == DataType::Float64 {
            return float_op(self.0, left, right, rows);
        }
        if self.0 == ArithmeticOp::Divide {
            let (left, right) = (left.ints()?, right.ints()?);
            return Ok(collect::<Float64Array, _>(
                (0..rows).map(|row| divide_ints(left.get(row)?, right.get(row)?)),
            ));
        }
        let op = int_op(self.0);
        let (left, right) = (left.ints()?, right.ints()?);
        Ok(collect::<Int64Array, _>((0..rows).map(|row| op(left.get(row)?, right.get(row)?))))
    }
}

/// Applies a float operator that never raises.
fn always(
    left: &Operand,
    right: &Operand,
    rows: usize,
    op: impl Fn(f64, f64) -> f64,
) -> Result<ArrayRef> {
    Ok(binary::<Float64Type, Float64Type>(&left.floats()?, &right.floats()?, rows, op))
}

/// Applies a float operator that may have no result.
pub(super) fn floats(
    left: &Operand,
    right: &Operand,
    rows: usize,
    op: impl Fn(f64, f64) -> Option<f64>,
) -> Result<ArrayRef> {
    let (left, right) = (left.floats()?, right.floats()?);
    Ok(collect::<Float64Array, _>((0..rows).map(|row| op(left.get(row)?, right.get(row)?))))
}

fn float_op(op: ArithmeticOp, left: &Operand, right: &Operand, rows: usize) -> Result<ArrayRef> {
    match op {
        ArithmeticOp::Add => always(left, right, rows, |a, b| a + b),
        ArithmeticOp::Subtract => always(left, right, rows, |a, b| a - b),
        ArithmeticOp::Multiply => always(left, right, rows, |a, b| a * b),
        ArithmeticOp::Divide => floats(left, right, rows, |a, b| (b != 0.0).then(|| a / b)),
        ArithmeticOp::FloorDivide => {
            floats(left, right, rows, |a, b| (b != 0.0).then(|| floor_divide(a, b)))
        }
        ArithmeticOp::Modulo => floats(left, right, rows, |a, b| (b != 0.0).then(|| modulo(a, b))),
        ArithmeticOp::Power => floats(left, right, rows, power),
    }
}

fn int_op(op: ArithmeticOp) -> fn(i64, i64) -> Option<i64> {
    match op {
        ArithmeticOp::Add => i64::checked_add,
        ArithmeticOp::Subtract => i64::checked_sub,
        ArithmeticOp::Multiply => i64::checked_mul,
        ArithmeticOp::FloorDivide => floor_divide_ints,
        ArithmeticOp::Modulo => modulo_ints,
        ArithmeticOp::Power => |a, b| a.checked_pow(u32::try_from(b).ok()?),
        ArithmeticOp::Divide => |_, _| None,
    }
}

pub(super) fn floor_divide_ints(a: i64, b: i64) -> Option<i64> {
    let quotient = a.checked_div(b)?;
    Some(if a % b != 0 && (a < 0) != (b < 0) { quotient - 1 } else { quotient })
}

pub(super) fn modulo_ints(a: i64, b: i64) -> Option<i64> {
    if b == 0 {
        return None;
    }
    let rest = a.wrapping_rem(b);
    Some(if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest })
}

/// Correctly rounded quotient of two integers, as Python gives it beyond 2^53 too.
fn divide_ints(a: i64, b: i64) -> Option<f64> {
    const EXACT: u64 = 1 << 53;
    if b == 0 {
        return None;
    }
    if a.unsigned_abs() <= EXACT && b.unsigned_abs() <= EXACT {
        return Some(a as f64 / b as f64);
    }
    let (numerator, denominator) = (u128::from(a.unsigned_abs()), u128::from(b.unsigned_abs()));
    // A quotient of at least 64 bits with a sticky last bit rounds like the exact one.
    let shift = numerator.leading_zeros().min(127);
    let (numerator, scale) = (numerator << shift, -f64::from(shift));
    let sticky = u128::from(numerator % denominator != 0);
    let magnitude = ((numerator / denominator) | sticky) as f64 * scale.exp2();
    Some(if (a < 0) == (b < 0) { magnitude } else { -magnitude })
}

/// Remainder with the sign of the divisor.
pub(super) fn modulo(a: f64, b: f64) -> f64 {
    let rest = a % b;
    if rest == 0.0 {
        0.0_f64.copysign(b)
    } else if (b < 0.0) == (rest < 0.0) {
        rest
    } else {
        rest + b
    }
}

/// Quotient rounded towards minus infinity, consistent with [`modulo`].
pub(super) fn floor_divide(a: f64, b: f64) -> f64 {
    let rest = a % b;
    let mut quotient = (a - rest) / b;
    if rest != 0.0 && (b < 0.0) != (rest < 0.0) {
        quotient -= 1.0;
    }
    if quotient == 0.0 {
        return 0.0_f64.copysign(a / b);
    }
    let floor = quotient.floor();
    if quotient - floor > 0.5 { floor + 1.0 } else { floor }
}

/// Power; null for what Python refuses (0 to a negative power, overflow) or answers with a complex.
fn power(a: f64, b: f64) -> Option<f64> {
    if (a == 0.0 && b < 0.0) || (a < 0.0 && a.is_finite() && b.is_finite() && b.fract() != 0.0) {
        return None;
    }
    let result = a.powf(b);
    let overflow = result.is_infinite() && a.is_finite() && b.is_finite();
    (!overflow).then_some(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_divide_towards_minus_infinity() {
        for (a, b, quotient, rest) in
            [(7, 2, 3, 1), (-7, 2, -4, 1), (7, -2, -4, -1), (-7, -2, 3, -1)]
        {
            assert_eq!(floor_divide_ints(a, b), Some(quotient));
            assert_eq!(modulo_ints(a, b), Some(rest));
        }
        assert_eq!(floor_divide_ints(i64::MIN, -1), None);
        assert_eq!(modulo_ints(i64::MIN, -1), Some(0));
    }

    #[test]
    fn large_integers_divide_with_one_rounding() {
        assert_eq!(divide_ints(i64::MAX, 3), Some(3_074_457_345_618_258_602.333_f64));
        assert_eq!(divide_ints(9_007_199_254_740_993, 9_007_199_254_740_993), Some(1.0));
        assert_eq!(divide_ints(-9_007_199_254_740_993, 1), Some(-9_007_199_254_740_992.0));
        assert_eq!(divide_ints(1, i64::MIN), Some(-1.084_202_172_485_504_4e-19));
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "the results are exact")]
    fn floats_follow_the_sign_of_the_divisor() {
        assert_eq!(modulo(-1.0, 3.0), 2.0);
        assert_eq!(floor_divide(-1.0, 3.0), -1.0);
        assert_eq!(floor_divide(1.0, 0.1), 9.0);
        assert!(modulo(4.0, -2.0).is_sign_negative());
    }
}
