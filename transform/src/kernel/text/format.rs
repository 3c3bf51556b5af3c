//! Python's format specifications.

use arrow_array::{ArrayRef, StringArray};
use arrow_schema::DataType;
use datafusion::common::{Result, internal_err};

use super::super::{Kernel, Operand, collect};
use super::affix::{Pad, PadSide};
use super::{MAX_REPEATED, float_text};

/// How a number is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum NumberStyle {
    /// As `str` writes it.
    Plain,
    /// `d`.
    Integer,
    /// `f`, with this many decimals.
    Fixed(usize),
    /// `e`, with this many decimals.
    Scientific(usize),
    /// `%`, with this many decimals.
    Percent(usize),
}

/// `[[fill]align][sign][0][width][grouping][.precision][type]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct FormatSpec {
    pub(crate) fill: char,
    /// `<`, `>`, `^`, `=`; `None` for the type's own.
    pub(crate) align: Option<char>,
    /// `+`, `-` or space.
    pub(crate) sign: char,
    pub(crate) width: usize,
    pub(crate) grouping: Option<char>,
    pub(crate) precision: Option<usize>,
    /// The letter of the type; `None` for none.
    pub(crate) kind: Option<char>,
}

impl FormatSpec {
    /// Reads a specification; `None` for what is not known here.
    pub(crate) fn parse(spec: &str) -> Option<Self> {
        let letters: Vec<char> = spec.chars().collect();
        let mut at = 0;
        let is_align = |letter: Option<&char>| letter.is_some_and(|l| "<>^=".contains(*l));
        let (mut fill, mut align) = (' ', None);
        if is_align(letters.get(1)) {
            (fill, align, at) = (letters[0], Some(letters[1]), 2);
        } else if is_align(letters.first()) {
            (align, at) = (Some(letters[0]), 1);
        }
        let mut sign = '-';
        if let Some(letter) = letters.get(at).filter(|letter| "+- ".contains(**letter)) {
            (sign, at) = (*letter, at + 1);
        }
        if letters.get(at) == Some(&'0') {
            at += 1;
            if align.is_none() {
                (fill, align) = ('0', Some('='));
            }
        }
        let digits = |at: &mut usize| -> Option<usize> {
            let start = *at;
            while letters.get(*at).is_some_and(char::is_ascii_digit) {
                *at += 1;
            }
            let text: String = letters[start..*at].iter().collect();
            text.parse().ok()
        };
        let width = digits(&mut at).unwrap_or(0);
        let grouping = letters.get(at).copied().filter(|letter| ",_".contains(*letter));
        at += usize::from(grouping.is_some());
        let mut precision = None;
        if letters.get(at) == Some(&'.') {
            at += 1;
            precision = Some(digits(&mut at)?);
        }
        let kind = letters.get(at).copied();
        at += usize::from(kind.is_some());
        let small = width <= MAX_REPEATED && precision.is_none_or(|precision| precision <= 300);
        (at == letters.len() && small).then_some(Self {
            fill,
            align,
            sign,
            width,
            grouping,
            precision,
            kind,
        })
    }

    /// How numbers of this type are written; `None` if the letter does not fit.
    pub(crate) fn style(&self, float: bool) -> Option<NumberStyle> {
        let decimals = self.precision.unwrap_or(6);
        Some(match (self.kind, float) {
            (None, true) if self.precision.is_none() => NumberStyle::Plain,
            (None | Some('d'), false) if self.precision.is_none() => NumberStyle::Integer,
            (Some('f' | 'F'), _) => NumberStyle::Fixed(decimals),
            (Some('e'), _) => NumberStyle::Scientific(decimals),
            (Some('%'), _) => NumberStyle::Percent(decimals),
            _ => return None,
        })
    }
}

/// A value written by a specification.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Formatted {
    pub(crate) spec: FormatSpec,
    /// Numbers are written so; texts have none.
    pub(crate) style: Option<NumberStyle>,
}

impl Kernel for Formatted {
    fn name(&self) -> &'static str {
        "formatted"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        DataType::Utf8
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let operand = &operands[0];
        match operand.data_type() {
            DataType::Utf8 => {
                let texts = operand.texts()?;
                Ok(collect::<StringArray, _>((0..rows).map(|row| Some(self.text(texts.get(row)?)))))
            }
            DataType::Int64 => {
                let values = operand.ints()?;
                Ok(collect::<StringArray, _>((0..rows).map(|row| {
                    let value = values.get(row)?;
                    let digits = value.unsigned_abs().to_string();
                    Some(self.number(value < 0, &digits, true))
                })))
            }
            DataType::Float64 => {
                let values = operand.floats()?;
                Ok(collect::<StringArray, _>(
                    (0..rows).map(|row| Some(self.float(values.get(row)?))),
                ))
            }
            other => internal_err!("no format of {other}"),
        }
    }
}

impl Formatted {
    fn text(&self, text: &str) -> String {
        let cut: String = match self.spec.precision {
            Some(most) => text.chars().take(most).collect(),
            None => text.to_owned(),
        };
        self.pad(cut, PadSide::Left)
    }

    fn pad(&self, text: String, usual: PadSide) -> String {
        if text.chars().count() >= self.spec.width {
            return text;
        }
        let side = match self.spec.align {
            Some('<') => PadSide::Left,
            Some('>') => PadSide::Right,
            Some('^') => {
                let missing = self.spec.width - text.chars().count();
                let fill = |times| std::iter::repeat_n(self.spec.fill, times);
                let before = missing / 2;
                return fill(before).chain(text.chars()).chain(fill(missing - before)).collect();
            }
            _ => usual,
        };
        Pad { side, fill: self.spec.fill }.pad(&text, self.spec.width)
    }

    pub(super) fn float(&self, value: f64) -> String {
        let negative = value.is_sign_negative() && !value.is_nan();
        let size = value.abs();
        if !size.is_finite() {
            let word = if size.is_nan() { "nan" } else { "inf" };
            let upper = self.spec.kind == Some('F');
            let word = if upper { word.to_uppercase() } else { word.to_owned() };
            let percent = matches!(self.style, Some(NumberStyle::Percent(_)));
            return self.number(negative, &(word + if percent { "%" } else { "" }), false);
        }
        let digits = match self.style {
            Some(NumberStyle::Fixed(decimals)) => format!("{size:.decimals$}"),
            Some(NumberStyle::Percent(decimals)) => format!("{:.decimals$}%", size * 100.0),
            Some(NumberStyle::Scientific(decimals)) => scientific(size, decimals),
            _ => float_text(size),
        };
        self.number(negative, &digits, true)
    }

    fn number(&self, negative: bool, digits: &str, finite: bool) -> String {
        let sign = match (negative, self.spec.sign) {
            (true, _) => "-",
            (false, '+') => "+",
            (false, ' ') => " ",
            _ => "",
        };
        let fills = self.spec.align == Some('=');
        let mut digits = match self.spec.grouping {
            Some(mark) if finite => grouped(digits, mark),
            _ => digits.to_owned(),
        };
        if !fills {
            return self.pad(format!("{sign}{digits}"), PadSide::Right);
        }
        let room = self.spec.width.saturating_sub(sign.len());
        if let (Some(mark), '0', true) = (self.spec.grouping, self.spec.fill, finite) {
            let mut padded = digits.clone();
            while padded.chars().count() < room {
                let plain: String = padded.chars().filter(|letter| *letter != mark).collect();
                padded = grouped(&format!("0{plain}"), mark);
            }
            digits = padded;
        }
        let missing = room.saturating_sub(digits.chars().count());
        let fill: String = std::iter::repeat_n(self.spec.fill, missing).collect();
        format!("{sign}{fill}{digits}")
    }
}

fn scientific(size: f64, decimals: usize) -> String {
    let text = format!("{size:.decimals$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
}

/// Marks between the thousands of the whole part.
fn grouped(digits: &str, mark: char) -> String {
    let whole = digits.bytes().take_while(u8::is_ascii_digit).count();
    let (whole, rest) = digits.split_at(whole);
    let mut text = String::with_capacity(digits.len() + whole.len() / 3);
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            text.push(mark);
        }
        text.push(digit);
    }
    text + rest
}
