//! Letters and slices of texts, counted in code points.

use arrow_array::{ArrayRef, StringArray};
use arrow_schema::DataType;
use datafusion::common::Result;

use super::super::{Kernel, Operand, collect};

/// `text[index]`; null outside the text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Letter;

impl Kernel for Letter {
    fn name(&self) -> &'static str {
        "letter"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        DataType::Utf8
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let [text, index] = operands else { unreachable!("two operands") };
        let (text, index) = (text.texts()?, index.ints()?);
        Ok(collect::<StringArray, _>((0..rows).map(|row| {
            let (text, index) = (text.get(row)?, index.get(row)?);
            let letter = if index < 0 {
                text.chars().nth_back(usize::try_from(-1 - index).ok()?)
            } else {
                text.chars().nth(usize::try_from(index).ok()?)
            };
            letter.map(String::from)
        })))
    }
}

/// `text[start:stop:step]` with a step that is not zero; a null bound is left out.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct SliceText {
    pub(crate) step: i64,
}

impl Kernel for SliceText {
    fn name(&self) -> &'static str {
        "slice_text"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        DataType::Utf8
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let [text, start, stop] = operands else { unreachable!("three operands") };
        let (text, start, stop) = (text.texts()?, start.ints()?, stop.ints()?);
        Ok(collect::<StringArray, _>((0..rows).map(|row| {
            let letters: Vec<char> = text.get(row)?.chars().collect();
            let picked = positions(letters.len(), start.get(row), stop.get(row), self.step);
            Some(picked.into_iter().map(|at| letters[at]).collect::<String>())
        })))
    }
}

/// The positions that a slice takes of a sequence.
pub(crate) fn positions(
    length: usize,
    start: Option<i64>,
    stop: Option<i64>,
    step: i64,
) -> Vec<usize> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let (lowest, highest) = if step < 0 { (-1, length - 1) } else { (0, length) };
    let clamp = |bound: i64| {
        let bound = if bound < 0 { bound.saturating_add(length) } else { bound };
        bound.clamp(lowest, highest)
    };
    let start = start.map_or(if step < 0 { highest } else { lowest }, clamp);
    let stop = stop.map_or(if step < 0 { lowest } else { highest }, clamp);
    let mut picked = Vec::new();
    let mut at = start;
    while (step > 0 && at < stop) || (step < 0 && at > stop) {
        picked.extend(usize::try_from(at));
        at = at.saturating_add(step);
    }
    picked
}
