//! Comparison with Python's meaning: exact between integers and floats, not-a-number equal to nothing.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray};
use arrow_buffer::BooleanBuffer;
use arrow_schema::DataType;
use datafusion::common::{Result, internal_err};

use super::{Kernel, Operand, collect};

/// A comparison operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum CompareOp {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

impl CompareOp {
    #[inline]
    fn holds(self, ordering: Option<Ordering>) -> bool {
        match self {
            Self::Equal => ordering == Some(Ordering::Equal),
            Self::NotEqual => ordering != Some(Ordering::Equal),
            Self::Less => ordering == Some(Ordering::Less),
            Self::LessEqual => matches!(ordering, Some(Ordering::Less | Ordering::Equal)),
            Self::Greater => ordering == Some(Ordering::Greater),
            Self::GreaterEqual => matches!(ordering, Some(Ordering::Greater | Ordering::Equal)),
        }
    }
}

/// What a null operand means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Missing {
    /// The row raises: the result is null.
    Raises,
    /// Python's `None`: equal to itself only.
    IsNone,
    /// pandas' missing value: equal to nothing, not even itself.
    IsNan,
}

/// `left op right` on bool, int64, float64 (also mixed), utf8 or timestamp columns.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Compare {
    pub(crate) op: CompareOp,
    pub(crate) missing: Missing,
}

impl Compare {
    fn decide(
        &self,
        rows: usize,
        left: &Operand,
        right: &Operand,
        order: impl Fn(usize) -> Option<Ordering>,
    ) -> ArrayRef {
        if left.is_whole() && right.is_whole() {
            let flags = BooleanBuffer::collect_bool(rows, |row| self.op.holds(order(row)));
            return Arc::new(BooleanArray::new(flags, None));
        }
        collect::<BooleanArray, _>((0..rows).map(|row| {
            match (left.is_null(row), right.is_null(row), self.missing) {
                (false, false, _) => Some(self.op.holds(order(row))),
                (_, _, Missing::Raises) => None,
                (true, true, Missing::IsNone) => Some(self.op.holds(Some(Ordering::Equal))),
                _ => Some(self.op.holds(None)),
            }
        }))
    }
}

impl Kernel for Compare {
    fn name(&self) -> &'static str {
        "py_compare"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        DataType::Boolean
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let [left, right] = operands else { unreachable!("two operands") };
        match (left.data_type(), right.data_type()) {
            (DataType::Int64, DataType::Int64) => {
                let (a, b) = (left.ints()?, right.ints()?);
                Ok(self.decide(rows, left, right, |row| Some(a.get(row)?.cmp(&b.get(row)?))))
            }
            (DataType::Float64, DataType::Float64) => {
                let (a, b) = (left.floats()?, right.floats()?);
                Ok(self.decide(rows, left, right, |row| a.get(row)?.partial_cmp(&b.get(row)?)))
            }
            (DataType::Int64, DataType::Float64) => {
                let (a, b) = (left.ints()?, right.floats()?);
                Ok(self.decide(rows, left, right, |row| int_with_float(a.get(row)?, b.get(row)?)))
            }
            (DataType::Float64, DataType::Int64) => {
                let (a, b) = (left.floats()?, right.ints()?);
                let order = |row| int_with_float(b.get(row)?, a.get(row)?).map(Ordering::reverse);
                Ok(self.decide(rows, left, right, order))
            }
            (DataType::Boolean, DataType::Boolean) => {
                let (a, b) = (left.bools()?, right.bools()?);
                Ok(self.decide(rows, left, right, |row| Some(a.get(row)?.cmp(&b.get(row)?))))
            }
            (DataType::Utf8, DataType::Utf8) => {
                let (a, b) = (left.texts()?, right.texts()?);
                Ok(self.decide(rows, left, right, |row| Some(a.get(row)?.cmp(b.get(row)?))))
            }
            (DataType::Duration(_), DataType::Duration(_)) => {
                let (a, b) = (left.micros()?, right.micros()?);
                Ok(self.decide(rows, left, right, |row| Some(a.get(row)?.cmp(&b.get(row)?))))
            }
            (DataType::Timestamp(..), DataType::Timestamp(..)) => {
                let order = |row| {
                    let left = left.instant(row).ok().flatten()?;
                    Some(left.cmp(&right.instant(row).ok().flatten()?))
                };
                Ok(self.decide(rows, left, right, order))
            }
            (left, right) => internal_err!("cannot compare {left} with {right}"),
        }
    }
}

/// Exact order of an integer and a float.
fn int_with_float(int: i64, float: f64) -> Option<Ordering> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if float.is_nan() {
        return None;
    }
    if float >= LIMIT {
        return Some(Ordering::Less);
    }
    if float < -LIMIT {
        return Some(Ordering::Greater);
    }
    #[expect(clippy::cast_possible_truncation, reason = "inside the range of i64, checked above")]
    let whole = float.trunc() as i64;
    Some(int.cmp(&whole).then_with(|| 0.0_f64.total_cmp(&(float.fract() + 0.0))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_integer_is_compared_with_a_float_exactly() {
        let cases = [
            (9_007_199_254_740_993, 9_007_199_254_740_992.0, Ordering::Greater),
            (1, 1.5, Ordering::Less),
            (-1, -1.5, Ordering::Greater),
            (0, -0.0, Ordering::Equal),
            (i64::MAX, 9_223_372_036_854_775_808.0, Ordering::Less),
            (i64::MIN, -9_223_372_036_854_775_808.0, Ordering::Equal),
            (5, f64::NEG_INFINITY, Ordering::Greater),
        ];
        for (int, float, expected) in cases {
            assert_eq!(int_with_float(int, float), Some(expected), "{int} with {float}");
        }
        assert_eq!(int_with_float(0, f64::NAN), None);
    }
}
