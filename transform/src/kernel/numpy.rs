//! numpy's arithmetic and boolean operators on pandas columns: nothing raises, missing stays missing.

use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int64Array};
use arrow_schema::DataType;
use datafusion::common::Result;

use super::arithmetic::{floats, floor_divide, floor_divide_ints, modulo, modulo_ints};
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
            return floats(left, right, rows, float_op(self.op));
        }
        let (left, right) = (left.ints()?, right.ints()?);
        if self.output(&[DataType::Int64]) == DataType::Float64 {
            let op = int_to_float_op(self.op);
            return Ok(collect::<Float64Array, _>(
                (0..rows).map(|row| Some(op(left.get(row)?, right.get(row)?))),
            ));
        }
        let op = int_op(self.op);
        Ok(collect::<Int64Array, _>((0..rows).map(|row| op(left.get(row)?, right.get(row)?))))
    }
}

fn float_op(op: ArithmeticOp) -> fn(f64, f64) -> Option<f64> {
    match op {
        ArithmeticOp::Add => |a, b| Some(a + b),
        ArithmeticOp::Subtract => |a, b| Some(a - b),
        ArithmeticOp::Multiply => |a, b| Some(a * b),
        ArithmeticOp::Divide => |a, b| Some(a / b),
        ArithmeticOp::FloorDivide => |a, b| Some(if b == 0.0 { a / b } else { floor_divide(a, b) }),
        ArithmeticOp::Modulo => |a, b| Some(if b == 0.0 { f64::NAN } else { modulo(a, b) }),
        ArithmeticOp::Power => |a, b| Some(a.powf(b)),
    }
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

fn int_to_float_op(op: ArithmeticOp) -> fn(i64, i64) -> f64 {
    match op {
        ArithmeticOp::FloorDivide => |a, b| {
            if b == 0 {
                a as f64 / 0.0
            } else {
                floor_divide_ints(a, b).map_or(a as f64, |q| q as f64)
            }
        },
        ArithmeticOp::Modulo => |a, b| modulo_ints(a, b).map_or(f64::NAN, |rest| rest as f64),
        _ => |a, b| a as f64 / b as f64,
    }
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
