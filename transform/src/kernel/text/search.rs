//! Parts of texts found, counted and replaced.

use arrow_array::{ArrayRef, Int64Array, StringArray};
use arrow_schema::DataType;
use datafusion::common::Result;

use super::super::{Kernel, Operand, collect};
use super::MAX_REPEATED;

/// `text.find(part)`, from the end `rfind`: the position in code points, -1 if it is not there.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Find {
    pub(crate) from_end: bool,
    /// Whether nothing found is null, as where `index` raises.
    pub(crate) raises: bool,
}

impl Kernel for Find {
    fn name(&self) -> &'static str {
        "find_text"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        DataType::Int64
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let [text, part] = operands else { unreachable!("two operands") };
        let (text, part) = (text.texts()?, part.texts()?);
        Ok(collect::<Int64Array, _>((0..rows).map(|row| {
            let (text, part) = (text.get(row)?, part.get(row)?);
            let found = if self.from_end { text.rfind(part) } else { text.find(part) };
            match found {
                Some(at) => i64::try_from(text[..at].chars().count()).ok(),
                None => (!self.raises).then_some(-1),
            }
        })))
    }
}

/// `text.count(part)`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Count;

impl Kernel for Count {
    fn name(&self) -> &'static str {
        "count_text"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        DataType::Int64
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let [text, part] = operands else { unreachable!("two operands") };
        let (text, part) = (text.texts()?, part.texts()?);
        Ok(collect::<Int64Array, _>((0..rows).map(|row| {
            let (text, part) = (text.get(row)?, part.get(row)?);
            i64::try_from(text.matches(part).count()).ok()
        })))
    }
}

/// `text.replace(old, new, times)`; a negative number of times is all. Null beyond a mebibyte.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Replace {
    pub(crate) times: i64,
}

impl Kernel for Replace {
    fn name(&self) -> &'static str {
        "replace_text"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        DataType::Utf8
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let [text, old, new] = operands else { unreachable!("three operands") };
        let (text, old, new) = (text.texts()?, old.texts()?, new.texts()?);
        let times = usize::try_from(self.times).unwrap_or(usize::MAX);
        Ok(collect::<StringArray, _>((0..rows).map(|row| {
            let (text, old, new) = (text.get(row)?, old.get(row)?, new.get(row)?);
            let most = text.len().checked_mul(new.len().max(1))?;
            (most <= MAX_REPEATED).then(|| text.replacen(old, new, times))
        })))
    }
}
