//! numpy's arithmetic and boolean operators on pandas columns: nothing raises, missing stays missing.

use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{ArrayRef, BooleanArray, Int64Array};
use arrow_schema::DataType;
use datafusion::common::Result;

use super::arithmetic::{floor_divide, floor_divide_ints, modulo, modulo_ints};
use super::operand::{Floats, Ints};
use super::total::binary;
use super::{ArithmeticOp, Kernel, Operand, collect};

/// `left op right` on two int64 or two float64 columns.
///
/// Integers wrap, division gives floats. Floor division and modulo of integers by zero give 0 on
/// numpy's scalars; on columns they give floats, because pandas answers with an infinity or
/// not-a-number.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Numpy {
    pub(crate) op: ArithmeticOp,
    /// Whether columns are computed with, not scalars.
    pub(crate) columns: bool,
}

impl Kernel for Numpy {
    fn name(&self) -> &'static str {
        "np_arithmetic"
    }

    fn output(&self, inputs: &[DataType]) -> DataType {
        match self.op {
            ArithmeticOp::Divide => DataType::Float64,
            ArithmeticOp::FloorDivide | ArithmeticOp::Modulo if self.columns => DataType::Float64,
            _ => inputs[0].clone(),
        }
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let [left, right] = operands else { unreachable!("two operands") };
        if *left.data_type() == DataType::Float64 {
            return Ok(float_op(self.op, &left.floats()?, &right.floats()?, rows));
        }
        let (left, right) = (left.ints()?, right.ints()?);
        if self.output(&[DataType::Int64]) == DataType::Float64 {
            return Ok(int_to_float_op(self.op, &left, &right, rows));
        }
        let op = int_op(self.op);
        Ok(collect::<Int64Array, _>((0..rows).map(|row| op(left.get(row)?, right.get(row)?))))
    }
}

fn float_op(op: ArithmeticOp, left: &Floats<'_>, right: &Floats<'_>, rows: usize) -> ArrayRef {
    type F = Float64Type;
    match op {
        ArithmeticOp::Add => binary::<F, F>(left, right, rows, |a, b| a + b),
        ArithmeticOp::Subtract => binary::<F, F>(left, right, rows, |a, b| a - b),
        ArithmeticOp::Multiply => binary::<F, F>(left, right, rows, |a, b| a * b),
        ArithmeticOp::Divide => binary::<F, F>(left, right, rows, |a, b| a / b),
        ArithmeticOp::FloorDivide => binary::<F, F>(left, right, rows, quotient),
        ArithmeticOp::Modulo => binary::<F, F>(left, right, rows, rest),
        ArithmeticOp::Power => binary::<F, F>(left, right, rows, f64::powf),
    }
}

fn quotient(a: f64, b: f64) -> f64 {
    if b == 0.0 { a / b } else { floor_divide(a, b) }
}

fn rest(a: f64, b: f64) -> f64 {
    if b == 0.0 { f64::NAN } else { modulo(a, b) }
}

fn int_op(op: ArithmeticOp) -> fn(i64, i64) -> Option<i64> {
    match op {
        ArithmeticOp::Add => |a, b| Some(a.wrapping_add(b)),
        ArithmeticOp::Subtract => |a, b| Some(a.wrapping_sub(b)),
        ArithmeticOp::Multiply => |a, b| Some(a.wrapping_mul(b)),
        ArithmeticOp::FloorDivide => |a, b| match b {
            0 => Some(0),
            _ => Some(floor_divide_ints(a, b).unwrap_or(i64::MIN)),
        },
        ArithmeticOp::Modulo => |a, b| Some(modulo_ints(a, b).unwrap_or(0)),
        // numpy refuses negative integer powers.
        _ => |a, b| Some(a.wrapping_pow(u32::try_from(b).ok()?)),
    }
}

fn int_to_float_op(op: ArithmeticOp, left: &Ints<'_>, right: &Ints<'_>, rows: usize) -> ArrayRef {
    let op: fn(i64, i64) -> f64 = match op {
        ArithmeticOp::FloorDivide => quotient_of_ints,
        ArithmeticOp::Modulo => |a, b| modulo_ints(a, b).map_or(f64::NAN, |rest| rest as f64),
        _ => |a, b| a as f64 / b as f64,
    };
    binary::<Int64Type, Float64Type>(left, right, rows, op)
}

fn quotient_of_ints(a: i64, b: i64) -> f64 {
    if b == 0 {
        return a as f64 / 0.0;
    }
    floor_divide_ints(a, b).map_or(a as f64, |quotient| quotient as f64)
}

/// `&`, `|` or `^`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum LogicalOp {
    And,
    Or,
    Xor,
}

/// A boolean operator on two boolean columns; never null.
///
/// pandas 2.3 treats a missing right side as false and answers false to a missing left side.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Logical(pub(crate) LogicalOp);

impl Kernel for Logical {
    fn name(&self) -> &'static str {
        "np_logical"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        DataType::Boolean
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let [left, right] = operands else { unreachable!("two operands") };
        let (left, right) = (left.bools()?, right.bools()?);
        let op: fn(bool, bool) -> bool = match self.0 {
            LogicalOp::And => |a, b| a & b,
            LogicalOp::Or => |a, b| a | b,
            LogicalOp::Xor => |a, b| a ^ b,
        };
        Ok(collect::<BooleanArray, _>((0..rows).map(|row| {
            let right = right.get(row).unwrap_or(false);
            Some(left.get(row).is_some_and(|left| op(left, right)))
        })))
    }
}
