//! Texts: case, white space, concatenation and formatting.

use arrow_array::{ArrayRef, BooleanArray, StringArray};
use arrow_schema::DataType;
use datafusion::common::{Result, internal_err};

use super::{Kernel, Operand, collect};

/// Longest text that repetition may make, in bytes.
const MAX_REPEATED: usize = 1 << 20;

/// A function of one or two texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum TextFunction {
    Lower,
    Upper,
    Strip,
    LeftStrip,
    RightStrip,
    StartsWith,
    EndsWith,
    Contains,
}

/// Applies a [`TextFunction`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Text(pub(crate) TextFunction);

impl Kernel for Text {
    fn name(&self) -> &'static str {
        "text"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        match self.0 {
            TextFunction::StartsWith | TextFunction::EndsWith | TextFunction::Contains => {
                DataType::Boolean
            }
            _ => DataType::Utf8,
        }
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let map: fn(&str) -> String = match self.0 {
            TextFunction::Lower => str::to_lowercase,
            TextFunction::Upper => str::to_uppercase,
            TextFunction::Strip => |text| text.trim_matches(is_space).to_owned(),
            TextFunction::LeftStrip => |text| text.trim_start_matches(is_space).to_owned(),
            TextFunction::RightStrip => |text| text.trim_end_matches(is_space).to_owned(),
            TextFunction::StartsWith => return test(operands, rows, |a, b| a.starts_with(b)),
            TextFunction::EndsWith => return test(operands, rows, |a, b| a.ends_with(b)),
            TextFunction::Contains => return test(operands, rows, |a, b| a.contains(b)),
        };
        let texts = operands[0].texts()?;
        Ok(collect::<StringArray, _>((0..rows).map(|row| texts.get(row).map(map))))
    }
}

fn test(operands: &[Operand], rows: usize, holds: fn(&str, &str) -> bool) -> Result<ArrayRef> {
    let [text, part] = operands else { unreachable!("two operands") };
    let (text, part) = (text.texts()?, part.texts()?);
    Ok(collect::<BooleanArray, _>((0..rows).map(|row| Some(holds(text.get(row)?, part.get(row)?)))))
}

/// What Python's `str.isspace` accepts.
pub(super) fn is_space(letter: char) -> bool {
    letter.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&letter)
}

/// Joins texts; null when one is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Concat;

impl Kernel for Concat {
    fn name(&self) -> &'static str {
        "concat_texts"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        DataType::Utf8
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let texts = operands.iter().map(Operand::texts).collect::<Result<Vec<_>>>()?;
        Ok(collect::<StringArray, _>(
            (0..rows)
                .map(|row| texts.iter().map(|column| column.get(row)).collect::<Option<String>>()),
        ))
    }
}

/// `text * times`; null when the result is longer than a mebibyte.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Repeat;

impl Kernel for Repeat {
    fn name(&self) -> &'static str {
        "repeat_text"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        DataType::Utf8
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let [text, times] = operands else { unreachable!("two operands") };
        let (text, times) = (text.texts()?, times.ints()?);
        Ok(collect::<StringArray, _>((0..rows).map(|row| {
            let text = text.get(row)?;
            let times = usize::try_from(times.get(row)?.max(0)).ok()?;
            let short = text.len().checked_mul(times)? <= MAX_REPEATED;
            short.then(|| text.repeat(times))
        })))
    }
}

/// How a value becomes text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Format {
    /// `str(x)`.
    Plain,
    /// `f"{x:.2f}"`: this many decimal places.
    Fixed(u8),
}

impl Kernel for Format {
    fn name(&self) -> &'static str {
        "py_format"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        DataType::Utf8
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let operand = &operands[0];
        let text: Box<dyn Fn(usize) -> Option<String>> = match operand.data_type() {
            DataType::Utf8 => return expand(operand, rows),
            DataType::Int64 => {
                let values = operand.ints()?;
                Box::new(move |row| values.get(row).map(|value| value.to_string()))
            }
            DataType::Boolean => {
                let values = operand.bools()?;
                Box::new(move |row| values.get(row).map(|value| truth_text(value).to_owned()))
            }
            DataType::Float64 => {
                let values = operand.floats()?;
                Box::new(move |row| values.get(row).map(|value| self.float(value)))
            }
            other => return internal_err!("no text of {other}"),
        };
        Ok(collect::<StringArray, _>((0..rows).map(text)))
    }
}

fn expand(operand: &Operand, rows: usize) -> Result<ArrayRef> {
    let texts = operand.texts()?;
    Ok(collect::<StringArray, _>((0..rows).map(|row| texts.get(row))))
}

fn truth_text(value: bool) -> &'static str {
    if value { "True" } else { "False" }
}

impl Format {
    fn float(&self, value: f64) -> String {
        match self {
            _ if value.is_nan() => "nan".to_owned(),
            _ if value.is_infinite() => if value > 0.0 { "inf" } else { "-inf" }.to_owned(),
            Self::Plain => float_text(value),
            Self::Fixed(digits) => format!("{value:.*}", usize::from(*digits)),
        }
    }
}

/// `repr` of a finite float: the shortest digits that read back, with an exponent below 1e-4 and from 1e16.
pub(crate) fn float_text(value: f64) -> String {
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if value == 0.0 || (-4..16).contains(&exponent) {
        let text = value.to_string();
        return if text.contains('.') { text } else { text + ".0" };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_written_as_python_writes_them() {
        for (value, text) in [
            (1.0, "1.0"),
            (-0.0, "-0.0"),
            (0.1, "0.1"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1e-4, "0.0001"),
            (1e-5, "1e-05"),
            (1.5e300, "1.5e+300"),
            (123_456_789_012_345_680.0, "1.2345678901234568e+17"),
        ] {
            assert_eq!(float_text(value), text);
        }
        assert_eq!(Format::Fixed(2).float(2.675), "2.67");
        assert_eq!(Format::Fixed(2).float(-0.001), "-0.00");
        assert_eq!(Format::Fixed(2).float(0.125), "0.12");
    }
}
