//! Functions of text lengths and list columns.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray, Int64Array, ListArray, UInt32Array};
use arrow_schema::DataType;
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::compute::take;
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::ColumnarValue;

use super::{Compare, CompareOp, Kernel, Missing, Operand, collect, slice_positions};

/// `len(x)`: code points of a text, elements of a list.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Length;

impl Kernel for Length {
    fn name(&self) -> &'static str {
        "py_len"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        DataType::Int64
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let length = |length: usize| i64::try_from(length).ok();
        match operands[0].data_type() {
            DataType::Utf8 => {
                let texts = operands[0].texts()?;
                Ok(collect::<Int64Array, _>(
                    (0..rows).map(|row| length(texts.get(row)?.chars().count())),
                ))
            }
            DataType::List(_) => {
                let lists = operands[0].lists()?;
                Ok(collect::<Int64Array, _>((0..rows).map(|row| length(lists.length(row)?))))
            }
            other => internal_err!("no length of {other}"),
        }
    }
}

/// `value in list`; a null value is `None`, a null list has no answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Contains;

impl Kernel for Contains {
    fn name(&self) -> &'static str {
        "list_contains"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        DataType::Boolean
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let answers = matches(operands, rows)?;
        let found = |found: Option<BooleanArray>| Some(found?.true_count() > 0);
        Ok(collect::<BooleanArray, _>(answers.into_iter().map(found)))
    }
}

/// Which elements of a row's list equal the value of the row; `None` for a null list.
fn matches(operands: &[Operand], rows: usize) -> Result<Vec<Option<BooleanArray>>> {
    let [value, list] = operands else { unreachable!("two operands") };
    let lists = list.lists()?;
    let equal = Compare { op: CompareOp::Equal, missing: Missing::IsNone };
    let matches = |row| -> Result<Option<BooleanArray>> {
        let Some(elements) = lists.get(row) else { return Ok(None) };
        let rows = elements.len();
        let value = ScalarValue::try_from_array(value.array(), value.index(row))?;
        let pair = [
            Operand::new(ColumnarValue::Scalar(value))?,
            Operand::new(ColumnarValue::Array(elements))?,
        ];
        Ok(Some(equal.run(&pair, rows)?.as_boolean().clone()))
    };
    (0..rows).map(matches).collect()
}

/// What [`Search`] tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Found {
    /// How many elements are equal.
    Count,
    /// The position of the first one; null if there is none.
    First,
}

/// `list.count(value)` and `list.index(value)`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Search(pub(crate) Found);

impl Kernel for Search {
    fn name(&self) -> &'static str {
        "search_list"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        DataType::Int64
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let answer = |found: Option<BooleanArray>| {
            let found = found?;
            let answer = match self.0 {
                Found::Count => Some(found.true_count()),
                Found::First => found.iter().position(|equal| equal == Some(true)),
            };
            i64::try_from(answer?).ok()
        };
        Ok(collect::<Int64Array, _>(matches(operands, rows)?.into_iter().map(answer)))
    }
}

/// `list == list`, element by element; null where one of them is null.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct EqualLists;

impl Kernel for EqualLists {
    fn name(&self) -> &'static str {
        "equal_lists"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        DataType::Boolean
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let [a, b] = operands else { unreachable!("two operands") };
        let (a, b) = (a.lists()?, b.lists()?);
        let equal = Compare { op: CompareOp::Equal, missing: Missing::IsNone };
        let answer = |row| -> Result<Option<bool>> {
            let (Some(a), Some(b)) = (a.get(row), b.get(row)) else { return Ok(None) };
            let rows = a.len();
            if rows != b.len() {
                return Ok(Some(false));
            }
            let pair = [a, b].map(|side| Operand::new(ColumnarValue::Array(side)));
            let [a, b] = pair;
            let equal = equal.run(&[a?, b?], rows)?;
            Ok(Some(equal.as_boolean().true_count() == rows))
        };
        let answers = (0..rows).map(answer).collect::<Result<Vec<_>>>()?;
        Ok(collect::<BooleanArray, _>(answers.into_iter()))
    }
}

/// `list[index]`; negative positions count from the end, null outside the list.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Item;

impl Kernel for Item {
    fn name(&self) -> &'static str {
        "list_item"
    }

    fn output(&self, inputs: &[DataType]) -> DataType {
        match &inputs[0] {
            DataType::List(item) => item.data_type().clone(),
            _ => DataType::Null,
        }
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let [list, index] = operands else { unreachable!("two operands") };
        let (lists, indices) = (list.lists()?, index.ints()?);
        let kind = self.output(&[list.data_type().clone()]);
        let null = ScalarValue::try_from(&kind)?;
        let item = |row| -> Option<(ArrayRef, usize)> {
            let (elements, index) = (lists.get(row)?, indices.get(row)?);
            let length = i64::try_from(elements.len()).ok()?;
            let index = if index < 0 { index + length } else { index };
            (0..length).contains(&index).then_some((elements, usize::try_from(index).ok()?))
        };
        let values = (0..rows).map(|row| match item(row) {
            Some((elements, index)) => ScalarValue::try_from_array(&elements, index),
            None => Ok(null.clone()),
        });
        let values = values.collect::<Result<Vec<_>>>()?;
        if values.is_empty() {
            return Ok(arrow_array::new_empty_array(&kind));
        }
        ScalarValue::iter_to_array(values)
    }
}

/// `list[start:stop:step]` with a step that is not zero; a null bound is left out.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct SliceList {
    pub(crate) step: i64,
}

impl Kernel for SliceList {
    fn name(&self) -> &'static str {
        "slice_list"
    }

    fn output(&self, inputs: &[DataType]) -> DataType {
        inputs[0].clone()
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let [list, start, stop] = operands else { unreachable!("three operands") };
        let (lists, start, stop) = (list.lists()?, start.ints()?, stop.ints()?);
        let DataType::List(field) = list.data_type() else {
            return internal_err!("slice wants a list, not {}", list.data_type());
        };
        let child = list.array().as_list::<i32>().values();
        let offsets = list.array().as_list::<i32>().value_offsets();
        let mut taken: Vec<u32> = Vec::new();
        let mut lengths = Vec::with_capacity(rows);
        let mut valid = Vec::with_capacity(rows);
        for row in 0..rows {
            let length = lists.length(row);
            valid.push(length.is_some());
            let first = u32::try_from(offsets[list.index(row)]).unwrap_or(0);
            let picked =
                slice_positions(length.unwrap_or(0), start.get(row), stop.get(row), self.step);
            lengths.push(picked.len());
            taken.extend(picked.into_iter().filter_map(|at| Some(first + u32::try_from(at).ok()?)));
        }
        let values = take(child, &UInt32Array::from(taken), None)?;
        let offsets = OffsetBuffer::from_lengths(lengths);
        let list = ListArray::try_new(Arc::clone(field), offsets, values, Some(valid.into()))?;
        Ok(Arc::new(list))
    }
}
