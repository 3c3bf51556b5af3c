//! Mean, variance and standard deviation.

use larder_core::{Result, Value};

use super::Function;
use super::bytes::{Reader, put_u64};
use super::exact_sum::{ExactSum, two_sum};

/// Number, exact sum and exact sum of squares of numbers.
///
/// The difference that a variance is made of cancels almost everything when the mean is large; with both sums exact and
/// the difference taken in twice the precision of a double, nothing of the result is lost.
#[derive(Debug, Clone, Default)]
pub(crate) struct Moments {
    count: u64,
    sum: ExactSum,
    squares: ExactSum,
}

impl Moments {
    pub(super) fn add(&mut self, number: f64) {
        self.count += 1;
        self.sum.add(number);
        self.squares.add_square(number);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.sum.merge(&other.sum);
        self.squares.merge(&other.squares);
    }

    pub(super) fn value(&self, function: Function) -> Value {
        let found = match function {
            Function::Count => return super::whole(self.count),
            Function::Mean => self.mean(),
            Function::Var => self.variance(),
            Function::Std => self.variance().map(f64::sqrt),
            _ => None,
        };
        found.map_or(Value::Null, Value::Double)
    }

    fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum.value() / self.count as f64)
    }

    fn variance(&self) -> Option<f64> {
        if self.count < 2 {
            return None;
        }
        let count = self.count as f64;
        let (sum, sum_rest) = self.sum.in_two();
        let square = sum * sum;
        let square_rest = sum.mul_add(sum, -square) + 2.0 * sum * sum_rest;
        let share = square / count;
        let share_rest = (share.mul_add(-count, square) + square_rest) / count;
        let (squares, squares_rest) = self.squares.in_two();
        let (difference, rest) = two_sum(squares, -share);
        let spread = difference + (rest + (squares_rest - share_rest));
        // NaN stays NaN: an infinite value has no variance.
        let spread = if spread < 0.0 { 0.0 } else { spread };
        Some(spread / (count - 1.0))
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_u64(self.count, out);
        self.sum.encode(out);
        self.squares.encode(out);
    }

    pub(super) fn decode(bytes: &mut Reader<'_>) -> Result<Self> {
        Ok(Self {
            count: bytes.u64()?,
            sum: ExactSum::decode(bytes)?,
            squares: ExactSum::decode(bytes)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(numbers: &[f64]) -> Moments {
        let mut moments = Moments::default();
        for number in numbers {
            moments.add(*number);
        }
        moments
    }

    #[test]
    fn a_large_mean_does_not_drown_the_variance() {
        let moments = of(&[1e9 + 4.0, 1e9 + 7.0, 1e9 + 13.0, 1e9 + 16.0]);
        assert_eq!(moments.value(Function::Var), Value::Double(30.0));
        assert_eq!(moments.value(Function::Mean), Value::Double(1e9 + 10.0));
    }

    #[test]
    fn one_value_has_a_mean_and_no_variance() {
        assert_eq!(of(&[3.5]).value(Function::Mean), Value::Double(3.5));
        assert_eq!(of(&[3.5]).value(Function::Std), Value::Null);
        assert_eq!(of(&[]).value(Function::Mean), Value::Null);
    }
}
