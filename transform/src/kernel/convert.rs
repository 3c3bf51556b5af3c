//! Conversions between types and missing values.

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

/// A text as pandas' `to_numeric` reads it: no underscores, no words but the infinities, and nothing
/// for an empty text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ParseNumber;

impl Kernel for ParseNumber {
    fn name(&self) -> &'static str {
        "parse_number"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        DataType::Float64
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let texts = operands[0].texts()?;
        Ok(collect::<Float64Array, _>((0..rows).map(|row| parse_number(texts.get(row)?))))
    }
}

fn parse_number(text: &str) -> Option<f64> {
    let text = text.trim_matches(is_space);
    if text.is_empty() {
        return Some(f64::NAN);
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let infinite =
        unsigned.eq_ignore_ascii_case("inf") || unsigned.eq_ignore_ascii_case("infinity");
    let digits = |letter: u8| letter.is_ascii_digit() || b"+-.eE".contains(&letter);
    if !infinite && !text.bytes().all(digits) {
        return None;
    }
    text.parse().ok().filter(|value: &f64| infinite || value.is_finite())
}

/// An integer cut to 32 bits, as numpy's int32 has it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Wrap32;

impl Kernel for Wrap32 {
    fn name(&self) -> &'static str {
        "wrap_32"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        DataType::Int64
    }

    #[expect(clippy::cast_possible_truncation, reason = "wrapping is what numpy does")]
    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let values = operands[0].ints()?;
        Ok(collect::<Int64Array, _>(
            (0..rows).map(|row| values.get(row).map(|v| i64::from(v as i32))),
        ))
    }
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
