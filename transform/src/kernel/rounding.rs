//! Rounding to integers and to decimal places.

use arrow_array::{ArrayRef, Float64Array, Int64Array};
use arrow_schema::DataType;
use datafusion::common::Result;

use super::convert::to_int;
use super::{Kernel, Operand, collect};

/// `round(x)` of a float: to the nearest integer, ties to even; null for what is not finite or too large.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Round;

impl Kernel for Round {
    fn name(&self) -> &'static str {
        "py_round"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        DataType::Int64
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let values = operands[0].floats()?;
        Ok(collect::<Int64Array, _>(
            (0..rows).map(|row| to_int(values.get(row)?.round_ties_even())),
        ))
    }
}

/// Rounds a float to decimal places.
///
/// Python rounds the exact decimal value (`round(2.675, 2)` is 2.67), numpy scales and rounds
/// (2.68); negative places round to tens and hundreds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct RoundDecimal {
    pub(crate) digits: i16,
    pub(crate) numpy: bool,
}

impl Kernel for RoundDecimal {
    fn name(&self) -> &'static str {
        "round_decimal"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        DataType::Float64
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let values = operands[0].floats()?;
        let round = |value| if self.numpy { self.scaled(value) } else { self.exact(value) };
        Ok(collect::<Float64Array, _>((0..rows).map(|row| values.get(row).map(round))))
    }
}

impl RoundDecimal {
    fn scaled(&self, value: f64) -> f64 {
        let scale = 10_f64.powi(i32::from(self.digits.unsigned_abs()));
        if self.digits >= 0 {
            (value * scale).round_ties_even() / scale
        } else {
            (value / scale).round_ties_even() * scale
        }
    }

    fn exact(&self, value: f64) -> f64 {
        // More places than a double can have, or none that matter.
        if !value.is_finite() || self.digits > 323 {
            return value;
        }
        let text = match usize::try_from(self.digits) {
            Ok(digits) => format!("{value:.digits$}"),
            Err(_) => round_text(value, usize::from(self.digits.unsigned_abs())),
        };
        text.parse().unwrap_or(value)
    }
}

/// Rounds the exact decimal expansion to a multiple of `10^places`, ties to even.
fn round_text(value: f64, places: usize) -> String {
    let text = format!("{:.1074}", value.abs());
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let sign = if value.is_sign_negative() { "-" } else { "" };
    let Some(kept) = whole.len().checked_sub(places) else { return format!("{sign}0") };
    let (kept, cut) = whole.split_at(kept);
    let (first, rest) = cut.split_at(cut.len().min(1));
    let tail_is_zero = rest.bytes().chain(fraction.bytes()).all(|digit| digit == b'0');
    let odd = kept.bytes().last().is_some_and(|digit| digit % 2 == 1);
    let up = match first.bytes().next() {
        Some(b'5') => !tail_is_zero || odd,
        Some(digit) => digit > b'5',
        None => false,
    };
    let kept: u128 =
        if kept.len() > 38 { return format!("{value}") } else { kept.parse().unwrap_or(0) };
    format!("{sign}{}e{places}", kept + u128::from(up))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::float_cmp, reason = "the results are exact")]
    fn python_rounds_the_exact_value_and_numpy_the_scaled_one() {
        let python = |value, digits| RoundDecimal { digits, numpy: false }.exact(value);
        let numpy = |value, digits| RoundDecimal { digits, numpy: true }.scaled(value);
        assert_eq!(python(2.675, 2), 2.67);
        assert_eq!(numpy(2.675, 2), 2.68);
        assert_eq!(python(0.125, 2), 0.12);
        assert_eq!(python(-0.5, 0), -0.0);
        assert_eq!(python(1250.0, -2), 1200.0);
        assert_eq!(python(1250.5, -2), 1300.0);
        assert_eq!(python(49.9, -2), 0.0);
        assert_eq!(python(-151.0, -2), -200.0);
        assert_eq!(python(5e-324, 400), 5e-324);
    }
}
