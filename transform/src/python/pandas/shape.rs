//! Columns and values of the row, which numpy's functions take alike.

use larder_core::Result;
use ruff_text_size::TextRange;

use crate::python::call::Arguments;
use crate::python::compiler::{Compiler, scalar_or_none};
use crate::python::scalar::{Kind, Origin, Scalar};
use crate::python::value::Value;

/// What a result of numpy is: a column, or a single number of the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Column,
    Row,
}

impl Shape {
    /// The result as a value of this shape.
    pub(crate) fn wrap<'a>(self, result: Scalar) -> Value<'a> {
        match self {
            Self::Column => Value::Series(result),
            Self::Row => Value::Scalar(Scalar { origin: Origin::Numpy, ..result.element() }),
        }
    }
}

/// Whether a value has an element per row, as a list or column.
pub(crate) fn is_column(value: &Value<'_>) -> bool {
    matches!(value, Value::Series(_) | Value::Filtered(_) | Value::Column(_) | Value::Growing(_))
}

impl<'a> Compiler<'a> {
    /// Operands of a function of numpy; `None` raises, as in arrays of objects.
    pub(crate) fn operands(
        &self,
        values: &[Value<'a>],
        at: TextRange,
    ) -> Result<(Vec<Scalar>, Shape)> {
        let mut shape = Shape::Row;
        let mut operands = Vec::with_capacity(values.len());
        for value in values {
            let value = self.settled(value.clone());
            if is_column(&value) {
                shape = Shape::Column;
            }
            operands.push(match value {
                Value::Column(scalar) => scalar.required(),
                Value::None => return Err(self.wrong(at, "numpy has no function of None")),
                other => self.scalar(&other, at)?.required(),
            });
        }
        Ok((operands, shape))
    }

    /// As [`Self::operands`], of numbers alone.
    pub(crate) fn numeric_operands(
        &self,
        a: &Arguments<'a>,
        values: &[Value<'a>],
    ) -> Result<(Vec<Scalar>, Shape)> {
        let (operands, shape) = self.operands(values, a.at)?;
        match operands.iter().find(|operand| !operand.kind.is_number()) {
            Some(other) => Err(self.wrong(a.at, format!("{} of a {}", a.name, other.kind.label()))),
            None => Ok((operands, shape)),
        }
    }

    /// A column of the data frame, or a list of the rows' values as one.
    pub(crate) fn column(&self, value: &Value<'a>, a: &Arguments<'a>) -> Result<Scalar> {
        match self.settled(value.clone()) {
            Value::Series(column) => Ok(column),
            // A list becomes a column of numbers if it holds numbers.
            Value::Column(list) => Ok(listed(list)),
            other => {
                let construct = format!("{} of a {}", a.name, other.label());
                Err(self.unsupported(a.at, construct, "pass a column of the data frame"))
            }
        }
    }

    /// The receiver as a column.
    pub(crate) fn receiver(&self, a: &Arguments<'a>) -> Result<Scalar> {
        self.column(&a.first(self)?, a)
    }

    /// What a row's value is as an element of a column.
    pub(crate) fn cell(&self, value: &Value<'a>, at: TextRange) -> Result<Scalar> {
        match scalar_or_none(value) {
            Some(scalar) => Ok(listed(scalar)),
            None => self.scalar(value, at),
        }
    }
}

/// A column made of Python's values: a missing number is not-a-number there.
pub(crate) fn listed(scalar: Scalar) -> Scalar {
    let number = matches!(
        scalar.kind,
        Kind::Int | Kind::Float | Kind::Instant(_) | Kind::Wall | Kind::Date | Kind::Duration
    );
    Scalar { nan: scalar.none && (scalar.nan || number), origin: Origin::Python, ..scalar }
}
