//! Questions about all letters of a text.

use std::sync::LazyLock;

use arrow_array::{ArrayRef, BooleanArray};
use arrow_schema::DataType;
use datafusion::common::Result;
use regex::Regex;

use super::super::{Kernel, Operand, collect};
use super::{is_cased, is_space};

/// What all letters of a text may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Class {
    Alpha,
    AlphaNumeric,
    Ascii,
    Decimal,
    Digit,
    Lower,
    Numeric,
    Space,
    Upper,
}

/// `text.isdigit()` and its like.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct OfClass(pub(crate) Class);

impl Kernel for OfClass {
    fn name(&self) -> &'static str {
        "text_class"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        DataType::Boolean
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let texts = operands[0].texts()?;
        Ok(collect::<BooleanArray, _>((0..rows).map(|row| Some(self.holds(texts.get(row)?)))))
    }
}

/// Unicode's digits that are no decimals: superscripts, circled digits and the like.
const DIGITS: &str = r"\p{Nd}²³¹፩-፱᧚⁰⁴-⁹₀-₉①-⑨⑴-⑼⒈-⒐⓪⓵-⓽⓿❶-❾➀-➈➊-➒";

static ALPHA: LazyLock<Option<Regex>> = LazyLock::new(|| all(r"\p{L}"));
static ALPHA_NUMERIC: LazyLock<Option<Regex>> = LazyLock::new(|| all(r"\p{L}\p{N}"));
static DECIMAL: LazyLock<Option<Regex>> = LazyLock::new(|| all(r"\p{Nd}"));
static DIGIT: LazyLock<Option<Regex>> = LazyLock::new(|| all(DIGITS));
static NUMERIC: LazyLock<Option<Regex>> = LazyLock::new(|| all(r"\p{N}"));

fn all(class: &str) -> Option<Regex> {
    Regex::new(&format!(r"\A[{class}]+\z")).ok()
}

impl OfClass {
    fn holds(&self, text: &str) -> bool {
        let of = |regex: &Option<Regex>| regex.as_ref().is_some_and(|regex| regex.is_match(text));
        match self.0 {
            Class::Alpha => of(&ALPHA),
            Class::AlphaNumeric => of(&ALPHA_NUMERIC),
            Class::Ascii => text.is_ascii(),
            Class::Decimal => of(&DECIMAL),
            Class::Digit => of(&DIGIT),
            Class::Numeric => of(&NUMERIC),
            Class::Space => !text.is_empty() && text.chars().all(is_space),
            Class::Lower => {
                text.chars().any(is_cased)
                    && text.chars().filter(|letter| is_cased(*letter)).all(char::is_lowercase)
            }
            Class::Upper => {
                text.chars().any(is_cased)
                    && text.chars().filter(|letter| is_cased(*letter)).all(char::is_uppercase)
            }
        }
    }
}
