//! Beginnings and ends of texts.

use arrow_array::{ArrayRef, StringArray};
use arrow_schema::DataType;
use datafusion::common::Result;

use super::super::{Kernel, Operand, collect};
use super::MAX_REPEATED;

/// `text.strip(letters)` and its one-sided forms.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct StripLetters {
    pub(crate) start: bool,
    pub(crate) end: bool,
}

impl Kernel for StripLetters {
    fn name(&self) -> &'static str {
        "strip_letters"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        DataType::Utf8
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let [text, letters] = operands else { unreachable!("two operands") };
        let (text, letters) = (text.texts()?, letters.texts()?);
        Ok(collect::<StringArray, _>((0..rows).map(|row| {
            let (mut text, letters) = (text.get(row)?, letters.get(row)?);
            let inside = |letter: char| letters.contains(letter);
            if self.start {
                text = text.trim_start_matches(inside);
            }
            if self.end {
                text = text.trim_end_matches(inside);
            }
            Some(text)
        })))
    }
}

/// `text.removeprefix(affix)`, `text.removesuffix(affix)`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct RemoveAffix {
    pub(crate) suffix: bool,
}

impl Kernel for RemoveAffix {
    fn name(&self) -> &'static str {
        "remove_affix"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        DataType::Utf8
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let [text, affix] = operands else { unreachable!("two operands") };
        let (text, affix) = (text.texts()?, affix.texts()?);
        Ok(collect::<StringArray, _>((0..rows).map(|row| {
            let (text, affix) = (text.get(row)?, affix.get(row)?);
            let cut = if self.suffix { text.strip_suffix(affix) } else { text.strip_prefix(affix) };
            Some(cut.unwrap_or(text))
        })))
    }
}

/// Where a padded text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum PadSide {
    Left,
    Right,
    Center,
}

/// `text.ljust(width, fill)`, `rjust`, `center`; null beyond a mebibyte.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Pad {
    pub(crate) side: PadSide,
    pub(crate) fill: char,
}

impl Kernel for Pad {
    fn name(&self) -> &'static str {
        "pad_text"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        DataType::Utf8
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let [text, width] = operands else { unreachable!("two operands") };
        let (text, width) = (text.texts()?, width.ints()?);
        Ok(collect::<StringArray, _>((0..rows).map(|row| {
            let (text, width) = (text.get(row)?, usize::try_from(width.get(row)?.max(0)).ok()?);
            (width <= MAX_REPEATED).then(|| self.pad(text, width))
        })))
    }
}

impl Pad {
    pub(super) fn pad(&self, text: &str, width: usize) -> String {
        let missing = width.saturating_sub(text.chars().count());
        let before = match self.side {
            PadSide::Left => 0,
            PadSide::Right => missing,
            // CPython puts the odd one before if the width is odd.
            PadSide::Center => missing / 2 + (missing & width & 1),
        };
        let fill = |times: usize| std::iter::repeat_n(self.fill, times);
        fill(before).chain(text.chars()).chain(fill(missing - before)).collect()
    }
}

/// `text.zfill(width)`: zeros after a sign; null beyond a mebibyte.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ZeroFill;

impl Kernel for ZeroFill {
    fn name(&self) -> &'static str {
        "zero_fill"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        DataType::Utf8
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let [text, width] = operands else { unreachable!("two operands") };
        let (text, width) = (text.texts()?, width.ints()?);
        Ok(collect::<StringArray, _>((0..rows).map(|row| {
            let (text, width) = (text.get(row)?, usize::try_from(width.get(row)?.max(0)).ok()?);
            if width > MAX_REPEATED {
                return None;
            }
            let missing = width.saturating_sub(text.chars().count());
            let signed = usize::from(text.starts_with(['+', '-']));
            let (sign, digits) = text.split_at(signed);
            Some(format!("{sign}{}{digits}", "0".repeat(missing)))
        })))
    }
}
