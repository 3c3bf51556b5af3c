//! Regular expressions, of the part of Python's language that means the same here.

use std::hash::{Hash, Hasher};

use arrow_array::{ArrayRef, BooleanArray, Int64Array, StringArray};
use arrow_schema::DataType;
use datafusion::common::Result;
use regex::Regex;

use super::super::{Kernel, Operand, collect};

/// What is asked of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum PatternUse {
    /// Whether it matches: somewhere, at the start, or the whole text, as it was compiled.
    Test,
    /// How often it matches.
    Count,
    /// The group of the first match; null if there is none.
    Extract(usize),
    /// The text with all matches replaced by the second operand, taken literally.
    Replace,
}

/// Applies a regular expression.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    regex: Regex,
    for_: PatternUse,
}

impl Pattern {
    pub(crate) fn new(regex: Regex, for_: PatternUse) -> Self {
        Self { regex, for_ }
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.regex.as_str() == other.regex.as_str() && self.for_ == other.for_
    }
}

impl Eq for Pattern {}

impl Hash for Pattern {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.regex.as_str().hash(state);
        self.for_.hash(state);
    }
}

impl Kernel for Pattern {
    fn name(&self) -> &'static str {
        "pattern"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        match self.for_ {
            PatternUse::Test => DataType::Boolean,
            PatternUse::Count => DataType::Int64,
            PatternUse::Extract(_) | PatternUse::Replace => DataType::Utf8,
        }
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let texts = operands[0].texts()?;
        match self.for_ {
            PatternUse::Test => Ok(collect::<BooleanArray, _>(
                (0..rows).map(|row| Some(self.regex.is_match(texts.get(row)?))),
            )),
            PatternUse::Count => Ok(collect::<Int64Array, _>(
                (0..rows)
                    .map(|row| i64::try_from(self.regex.find_iter(texts.get(row)?).count()).ok()),
            )),
            PatternUse::Extract(group) => Ok(collect::<StringArray, _>(
                (0..rows)
                    .map(|row| Some(self.regex.captures(texts.get(row)?)?.get(group)?.as_str())),
            )),
            PatternUse::Replace => {
                let new = operands[1].texts()?;
                Ok(collect::<StringArray, _>((0..rows).map(|row| {
                    let (text, new) = (texts.get(row)?, new.get(row)?);
                    Some(self.regex.replace_all(text, regex::NoExpand(new)).into_owned())
                })))
            }
        }
    }
}
