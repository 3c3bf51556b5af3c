//! Functions of numbers that have a result whatever their operands are: computed for every row at once, nulls aside.

use std::iter::repeat_n;
use std::sync::Arc;

use arrow_array::{ArrayRef, ArrowPrimitiveType, PrimitiveArray};
use arrow_buffer::{NullBuffer, ScalarBuffer};

use super::operand::Column;

/// `op` of two columns of so many rows; null where either is. What lies under a null is computed with, too: `op` must not
/// panic.
pub(super) fn binary<T: ArrowPrimitiveType, O: ArrowPrimitiveType>(
    left: &Column<'_, T>,
    right: &Column<'_, T>,
    rows: usize,
    op: impl Fn(T::Native, T::Native) -> O::Native,
) -> ArrayRef {
    let nulls = NullBuffer::union(left.nulls(rows).as_ref(), right.nulls(rows).as_ref());
    // A loop for each shape, without a look at which it is: the compiler makes vectors of them.
    let values: ScalarBuffer<O::Native> = match (left.constant(), right.constant()) {
        (None, None) => left.values().iter().zip(right.values()).map(|(a, b)| op(*a, *b)).collect(),
        (None, Some(b)) => left.values().iter().map(|a| op(*a, b)).collect(),
        (Some(a), None) => right.values().iter().map(|b| op(a, *b)).collect(),
        (Some(a), Some(b)) => repeat_n(op(a, b), rows).collect(),
    };
    Arc::new(PrimitiveArray::<O>::new(values, nulls))
}

#[cfg(test)]
mod tests {
    use arrow_array::types::{Float64Type, Int64Type};
    use arrow_array::{Array as _, Float64Array, Int64Array};
    use datafusion::common::ScalarValue;
    use datafusion::logical_expr::ColumnarValue;

    use super::*;
    use crate::kernel::Operand;

    fn column(values: [Option<i64>; 3]) -> Operand {
        Operand::new(ColumnarValue::Array(Arc::new(Int64Array::from_iter(values)))).unwrap()
    }

    fn constant(value: Option<i64>) -> Operand {
        Operand::new(ColumnarValue::Scalar(ScalarValue::Int64(value))).unwrap()
    }

    fn quotients(left: &Operand, right: &Operand) -> Vec<Option<f64>> {
        let (left, right) = (left.ints().unwrap(), right.ints().unwrap());
        let quotients =
            binary::<Int64Type, Float64Type>(&left, &right, 3, |a, b| a as f64 / b as f64);
        assert_eq!(quotients.len(), 3);
        quotients.as_any().downcast_ref::<Float64Array>().unwrap().iter().collect()
    }

    #[test]
    fn a_null_on_either_side_is_null_whatever_the_shapes() {
        let (some, none) = (column([Some(6), None, Some(9)]), column([Some(2), Some(4), None]));
        assert_eq!(quotients(&some, &none), [Some(3.0), None, None]);
        assert_eq!(quotients(&some, &constant(Some(3))), [Some(2.0), None, Some(3.0)]);
        assert_eq!(quotients(&constant(Some(8)), &none), [Some(4.0), Some(2.0), None]);
        assert_eq!(quotients(&constant(Some(8)), &constant(Some(4))), [Some(2.0); 3]);
        assert_eq!(quotients(&some, &constant(None)), [None; 3]);
        assert_eq!(quotients(&constant(None), &none), [None; 3]);
    }
}
