//! Conversions between types, missing values and functions of one float.

use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int64Array};
use arrow_schema::DataType;
use datafusion::common::Result;

use super::text::is_space;
use super::{Choose, Kernel, Operand, collect};

/// `int(x)` of a float: towards zero; null for what is not finite or too large.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ToInt;

impl Kernel for ToInt {
    fn name(&self) -> &'static str {
        "py_int"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        DataType::Int64
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let values = operands[0].floats()?;
        Ok(collect::<Int64Array, _>((0..rows).map(|row| to_int(values.get(row)?))))
    }
}

/// The integer part, if it fits into 64 bits.
pub(super) fn to_int(value: f64) -> Option<i64> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    #[expect(clippy::cast_possible_truncation, reason = "inside the range of i64")]
    (-LIMIT..LIMIT).contains(&value).then_some(value as i64)
}

/// `int(x)` of a text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ParseInt;

impl Kernel for ParseInt {
    fn name(&self) -> &'static str {
        "py_parse_int"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        DataType::Int64
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let texts = operands[0].texts()?;
        Ok(collect::<Int64Array, _>((0..rows).map(|row| parse_int(texts.get(row)?))))
    }
}

fn parse_int(text: &str) -> Option<i64> {
    let text = without_underscores(text.trim_matches(is_space))?;
    text.parse().ok()
}

/// `float(x)` of a text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ParseFloat;

impl Kernel for ParseFloat {
    fn name(&self) -> &'static str {
        "py_parse_float"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        DataType::Float64
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let texts = operands[0].texts()?;
        Ok(collect::<Float64Array, _>((0..rows).map(|row| parse_float(texts.get(row)?))))
    }
}

/// Rust and Python read the same decimal and `inf`/`nan` words.
fn parse_float(text: &str) -> Option<f64> {
    without_underscores(text.trim_matches(is_space))?.parse().ok()
}

/// Removes the underscores that Python allows between digits.
fn without_underscores(text: &str) -> Option<String> {
    let mut before = ' ';
    let mut letters = text.chars().peekable();
    let mut kept = String::with_capacity(text.len());
    while let Some(letter) = letters.next() {
        if letter != '_' {
            kept.push(letter);
        } else if !(before.is_ascii_digit() && letters.peek().is_some_and(char::is_ascii_digit)) {
            return None;
        }
        before = letter;
    }
    Some(kept)
}

/// pandas' `isna`: null, or not-a-number.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct IsMissing;

impl Kernel for IsMissing {
    fn name(&self) -> &'static str {
        "is_missing"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        DataType::Boolean
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let operand = &operands[0];
        if *operand.data_type() == DataType::Float64 {
            let values = operand.floats()?;
            return Ok(collect::<BooleanArray, _>(
                (0..rows).map(|row| Some(values.get(row).is_none_or(f64::is_nan))),
            ));
        }
        Ok(collect::<BooleanArray, _>((0..rows).map(|row| Some(operand.is_null(row)))))
    }
}

/// pandas' `fillna`: the second operand where the first is missing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct FillMissing;

impl Kernel for FillMissing {
    fn name(&self) -> &'static str {
        "fill_missing"
    }

    fn output(&self, inputs: &[DataType]) -> DataType {
        inputs[0].clone()
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let [value, filler] = operands else { unreachable!("two operands") };
        let missing = IsMissing.run(std::slice::from_ref(value), rows)?;
        let missing = Operand::new(datafusion::logical_expr::ColumnarValue::Array(missing))?;
        Choose::pick(&missing, filler, value, rows)
    }
}

/// A function of one float; null where Python's `math` raises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum MathFunction {
    Abs,
    Sqrt,
    Exp,
    Log,
    Log1p,
    Log2,
    Log10,
    Ceil,
    Floor,
    Float32,
}

/// Applies a [`MathFunction`]; `raises` is Python's way, otherwise numpy's (infinities and
/// not-a-number instead of null).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Math {
    pub(crate) function: MathFunction,
    pub(crate) raises: bool,
}

impl Kernel for Math {
    fn name(&self) -> &'static str {
        "math"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        DataType::Float64
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let values = operands[0].floats()?;
        let function = apply(self.function);
        let raises = self.raises;
        Ok(collect::<Float64Array, _>((0..rows).map(|row| {
            let value = values.get(row)?;
            let result = function(value);
            let lost =
                (result.is_nan() && !value.is_nan()) || (result.is_infinite() && value.is_finite());
            (!(raises && lost)).then_some(result)
        })))
    }
}

fn apply(function: MathFunction) -> fn(f64) -> f64 {
    match function {
        MathFunction::Abs => f64::abs,
        MathFunction::Sqrt => f64::sqrt,
        MathFunction::Exp => f64::exp,
        MathFunction::Log => f64::ln,
        MathFunction::Log1p => f64::ln_1p,
        MathFunction::Log2 => f64::log2,
        MathFunction::Log10 => f64::log10,
        MathFunction::Ceil => f64::ceil,
        MathFunction::Floor => f64::floor,
        #[expect(
            clippy::cast_possible_truncation,
            reason = "rounding to single precision is meant"
        )]
        MathFunction::Float32 => |value| f64::from(value as f32),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_from_text_as_python_reads_them() {
        for (text, expected) in [
            (" 12\n", Some(12)),
            ("1_000", Some(1000)),
            ("+5", Some(5)),
            ("-0", Some(0)),
            ("1__0", None),
            ("_1", None),
            ("1.0", None),
            ("", None),
            ("9223372036854775808", None),
        ] {
            assert_eq!(parse_int(text), expected, "{text:?}");
        }
        for (text, expected) in [
            ("1e3", Some(1000.0)),
            (" .5 ", Some(0.5)),
            ("5.", Some(5.0)),
            ("-inf", Some(f64::NEG_INFINITY)),
            ("Infinity", Some(f64::INFINITY)),
            ("1_0.5", Some(10.5)),
            ("1._5", None),
            ("", None),
            ("1e", None),
            ("0x1", None),
        ] {
            assert_eq!(parse_float(text), expected, "{text:?}");
        }
    }
}
