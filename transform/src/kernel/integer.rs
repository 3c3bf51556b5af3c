//! Whole numbers as Arrow computes with them.

use arrow_array::{ArrayRef, Int64Array};
use arrow_schema::DataType;
use datafusion::common::Result;

use super::{Kernel, Operand, collect};

/// What is made of two whole numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum IntOp {
    /// Towards zero; null where the divisor is zero.
    Divide,
    /// Wraps; null for a negative exponent.
    Power,
}

/// Applies an [`IntOp`]; null where an operand is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct IntMath(pub(crate) IntOp);

impl Kernel for IntMath {
    fn name(&self) -> &'static str {
        "int_math"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        DataType::Int64
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let [left, right] = operands else { unreachable!("two operands") };
        let (left, right) = (left.ints()?, right.ints()?);
        let result = |row| {
            let (left, right) = (left.get(row)?, right.get(row)?);
            match self.0 {
                IntOp::Divide if right == 0 => None,
                // Arrow gives 0 where the quotient does not fit.
                IntOp::Divide => Some(left.checked_div(right).unwrap_or(0)),
                IntOp::Power if right < 0 => None,
                IntOp::Power => Some(wrapping_power(left, right.unsigned_abs())),
            }
        };
        Ok(collect::<Int64Array, _>((0..rows).map(result)))
    }
}

fn wrapping_power(mut base: i64, mut exponent: u64) -> i64 {
    let mut power = 1_i64;
    while exponent > 0 {
        if exponent & 1 == 1 {
            power = power.wrapping_mul(base);
        }
        base = base.wrapping_mul(base);
        exponent >>= 1;
    }
    power
}
