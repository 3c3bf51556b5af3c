//! Texts: case, white space, concatenation and plain formatting.

mod affix;
mod class;
mod format;
mod part;
mod pattern;
mod search;
mod split;

use arrow_array::{ArrayRef, BooleanArray, StringArray};
use arrow_schema::DataType;
use datafusion::common::{Result, internal_err};

use super::{Kernel, Operand, collect};

pub(crate) use affix::{Pad, PadSide, RemoveAffix, StripLetters, ZeroFill};
pub(crate) use class::{Class, OfClass};
pub(crate) use format::{FormatSpec, Formatted, NumberStyle};
pub(crate) use part::{Letter, SliceText, positions};
pub(crate) use pattern::{Pattern, PatternUse};
pub(crate) use search::{Count, Find, Replace};
pub(crate) use split::{Join, Split};

/// Longest text that repetition may make, in bytes.
const MAX_REPEATED: usize = 1 << 20;

/// A function of one or two texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum TextFunction {
    Lower,
    Upper,
    Capitalize,
    SwapCase,
    Title,
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
            TextFunction::Capitalize => capitalized,
            TextFunction::SwapCase => swapped,
            TextFunction::Title => titled,
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

/// A letter as the first of a word: `ß` gives `Ss`.
fn title_letter(letter: char) -> String {
    match letter {
        '\u{1c4}'..='\u{1c6}' => "\u{1c5}".to_owned(),
        '\u{1c7}'..='\u{1c9}' => "\u{1c8}".to_owned(),
        '\u{1ca}'..='\u{1cc}' => "\u{1cb}".to_owned(),
        '\u{1f1}'..='\u{1f3}' => "\u{1f2}".to_owned(),
        _ => {
            let mut upper = letter.to_uppercase();
            let first = upper.next().into_iter();
            first.chain(upper.flat_map(char::to_lowercase)).collect()
        }
    }
}

/// A letter of a text in lower case: only the text tells which small sigma it is.
fn lower_letter(text: &str, at: usize, letter: char) -> String {
    if letter != 'Σ' {
        return letter.to_lowercase().collect();
    }
    let before = text[..at].to_lowercase().len();
    text.to_lowercase()[before..].chars().take(1).collect()
}

fn capitalized(text: &str) -> String {
    let lower = |(at, letter)| {
        if at == 0 { title_letter(letter) } else { lower_letter(text, at, letter) }
    };
    text.char_indices().map(lower).collect()
}

fn swapped(text: &str) -> String {
    let swap = |(at, letter): (usize, char)| -> String {
        if letter.is_uppercase() {
            lower_letter(text, at, letter)
        } else if letter.is_lowercase() {
            letter.to_uppercase().collect()
        } else {
            letter.to_string()
        }
    };
    text.char_indices().map(swap).collect()
}

fn is_cased(letter: char) -> bool {
    letter.is_lowercase()
        || letter.is_uppercase()
        || "\u{1c5}\u{1c8}\u{1cb}\u{1f2}".contains(letter)
}

fn titled(text: &str) -> String {
    let mut inside = false;
    let mut titled = String::with_capacity(text.len());
    for (at, letter) in text.char_indices() {
        if inside {
            titled.push_str(&lower_letter(text, at, letter));
        } else {
            titled.push_str(&title_letter(letter));
        }
        inside = is_cased(letter);
    }
    titled
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

/// `str(x)`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Format;

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
                Box::new(move |row| values.get(row).map(any_float_text))
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

fn any_float_text(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    float_text(value)
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
    fn numbers_are_formatted_as_python_formats_them() {
        for (spec, value, text) in [
            (".2f", 2.675, "2.67"),
            (".2f", -0.001, "-0.00"),
            (",.1f", 1_234_567.25, "1,234,567.2"),
            ("010.2f", -3.24159, "-000003.24"),
            ("+.1%", 0.125, "+12.5%"),
            (".3e", 12345.678, "1.235e+04"),
            ("*^9.1f", 2.5, "***2.5***"),
            ("08,.1f", 1234.5, "01,234.5"),
        ] {
            let spec = FormatSpec::parse(spec).unwrap();
            let style = spec.style(true);
            assert_eq!(Formatted { spec, style }.float(value), text);
        }
        assert_eq!(FormatSpec::parse(".2q2"), None);
    }

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
    }
}
