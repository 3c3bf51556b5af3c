//! Truth of a value and the choice between two.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, ArrowPrimitiveType, BooleanArray, PrimitiveArray, new_null_array,
};
use arrow_schema::DataType;
use datafusion::common::{Result, ScalarValue, internal_err};

use super::operand::{Bools, Column};
use super::{Kernel, Operand, collect};

/// Whether a value counts as true: not zero, not empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Truth {
    /// What a null counts as; `None` keeps it null.
    pub(crate) null: Option<bool>,
}

impl Kernel for Truth {
    fn name(&self) -> &'static str {
        "py_truth"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        DataType::Boolean
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let [operand] = operands else { unreachable!("one operand") };
        let truth: Box<dyn Fn(usize) -> Option<bool>> = match operand.data_type() {
            DataType::Boolean => {
                let values = operand.bools()?;
                Box::new(move |row| values.get(row))
            }
            DataType::Int64 => {
                let values = operand.ints()?;
                Box::new(move |row| values.get(row).map(|value| value != 0))
            }
            DataType::Float64 => {
                let values = operand.floats()?;
                Box::new(move |row| values.get(row).map(|value| value != 0.0))
            }
            DataType::Utf8 => {
                let values = operand.texts()?;
                Box::new(move |row| values.get(row).map(|value| !value.is_empty()))
            }
            DataType::List(_) => {
                let values = operand.lists()?;
                Box::new(move |row| values.length(row).map(|length| length != 0))
            }
            DataType::Timestamp(..) => Box::new(|row| (!operand.is_null(row)).then_some(true)),
            DataType::Duration(_) => {
                let values = operand.micros()?;
                Box::new(move |row| values.get(row).map(|value| value != 0))
            }
            other => return internal_err!("no truth of {other}"),
        };
        Ok(collect::<BooleanArray, _>((0..rows).map(|row| truth(row).or(self.null))))
    }
}

/// `then` where the condition holds, `otherwise` where it does not, null where it is null.
///
/// Both sides are computed for every row: that is cheaper than filtering at online sizes, and safe,
/// because no kernel fails on a row.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Choose;

impl Kernel for Choose {
    fn name(&self) -> &'static str {
        "choose"
    }

    fn output(&self, inputs: &[DataType]) -> DataType {
        inputs[1].clone()
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let [condition, then, otherwise] = operands else { unreachable!("three operands") };
        Self::pick(condition, then, otherwise, rows)
    }
}

impl Choose {
    /// The choice itself, for kernels that end in one.
    pub(super) fn pick(
        condition: &Operand,
        then: &Operand,
        otherwise: &Operand,
        rows: usize,
    ) -> Result<ArrayRef> {
        let is_whole = condition.is_whole() && then.is_whole() && otherwise.is_whole();
        let condition = condition.bools()?;
        match then.data_type() {
            DataType::Float64 => {
                let sides = (then.floats()?, otherwise.floats()?);
                Ok(numbers(&condition, &sides, is_whole, rows))
            }
            DataType::Int64 => {
                let sides = (then.ints()?, otherwise.ints()?);
                Ok(numbers(&condition, &sides, is_whole, rows))
            }
            DataType::Boolean => {
                let (a, b) = (then.bools()?, otherwise.bools()?);
                Ok(collect::<BooleanArray, _>(pick(rows, |row| {
                    if condition.get(row)? { a.get(row) } else { b.get(row) }
                })))
            }
            DataType::Utf8 => {
                let (a, b) = (then.texts()?, otherwise.texts()?);
                Ok(collect::<arrow_array::StringArray, _>(pick(rows, |row| {
                    if condition.get(row)? { a.get(row) } else { b.get(row) }
                })))
            }
            other => gather(other, rows, |row| {
                let side = if condition.get(row)? { then } else { otherwise };
                Some((side, side.index(row)))
            }),
        }
    }
}

/// Chooses between numbers; without a look at nulls where there are none.
fn numbers<T: ArrowPrimitiveType>(
    condition: &Bools<'_>,
    (then, otherwise): &(Column<'_, T>, Column<'_, T>),
    is_whole: bool,
    rows: usize,
) -> ArrayRef {
    if is_whole {
        let side = |row| if condition.value(row) { then } else { otherwise };
        let values = (0..rows).map(|row| side(row).value(row));
        return Arc::new(PrimitiveArray::<T>::from_iter_values(values));
    }
    collect::<PrimitiveArray<T>, _>(pick(rows, |row| {
        if condition.get(row)? { then.get(row) } else { otherwise.get(row) }
    }))
}

fn pick<T>(rows: usize, get: impl Fn(usize) -> Option<T>) -> impl Iterator<Item = Option<T>> {
    (0..rows).map(get)
}

/// Collects values of any type; slow, for lists and timestamps only.
fn gather<'a>(
    kind: &DataType,
    rows: usize,
    get: impl Fn(usize) -> Option<(&'a Operand, usize)>,
) -> Result<ArrayRef> {
    if rows == 0 {
        return Ok(new_null_array(kind, 0));
    }
    let null = ScalarValue::try_from(kind)?;
    let values = (0..rows).map(|row| match get(row) {
        Some((side, index)) if side.array().is_valid(index) => {
            ScalarValue::try_from_array(side.array(), index)
        }
        _ => Ok(null.clone()),
    });
    ScalarValue::iter_to_array(values.collect::<Result<Vec<_>>>()?)
}
