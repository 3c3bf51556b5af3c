//! Lists made, joined, flattened, summed and filled.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{
    Array, ArrayRef, Float64Array, Int64Array, ListArray, StringArray, UInt32Array, new_empty_array,
};
use arrow_schema::{DataType, Field};
use datafusion::arrow::buffer::{NullBuffer, OffsetBuffer};
use datafusion::arrow::compute::{interleave, take};
use datafusion::common::{Result, ScalarValue, internal_err};

use super::{Kernel, Operand, collect};

/// Most numbers of a `range` whose bounds depend on the row; beyond, the row is null.
const MAX_RANGE: i64 = 10_000;

/// The type of lists of such elements.
pub(super) fn list_of(element: DataType) -> DataType {
    DataType::List(Arc::new(Field::new("item", element, true)))
}

/// Lengths of lists, row by row; a null list has none.
#[derive(Debug, Default)]
pub(super) struct Lengths {
    lengths: Vec<usize>,
    valid: Vec<bool>,
}

impl Lengths {
    pub(super) fn push(&mut self, length: Option<usize>) {
        self.lengths.push(length.unwrap_or(0));
        self.valid.push(length.is_some());
    }
}

/// Lists of these lengths from the values of all of them.
pub(super) fn make_list(values: ArrayRef, lengths: Lengths) -> Result<ArrayRef> {
    let DataType::List(field) = list_of(values.data_type().clone()) else {
        return internal_err!("a list is a list");
    };
    let offsets = OffsetBuffer::from_lengths(lengths.lengths);
    let nulls = NullBuffer::from(lengths.valid);
    Ok(Arc::new(ListArray::try_new(field, offsets, values, Some(nulls))?))
}

/// Where the elements of a row begin.
pub(super) fn first(list: &ListArray, row: usize) -> usize {
    list.value_offsets()[row].unsigned_abs() as usize
}

/// The elements at these positions.
pub(super) fn pick(values: &ArrayRef, at: Vec<usize>) -> Result<ArrayRef> {
    let at: UInt32Array = at.into_iter().map(|at| u32::try_from(at).ok()).collect();
    Ok(take(values, &at, None)?)
}

/// Type of the elements of a list.
pub(super) fn element_type(list: &DataType) -> DataType {
    match list {
        DataType::List(item) => item.data_type().clone(),
        _ => DataType::Null,
    }
}

/// A list of values of the row.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct MakeList {
    pub(crate) element: DataType,
}

impl Kernel for MakeList {
    fn name(&self) -> &'static str {
        "make_list"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        list_of(self.element.clone())
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let (mut sources, mut lengths) = (Vec::new(), Lengths::default());
        for row in 0..rows {
            sources.extend(operands.iter().enumerate().map(|(at, it)| (at, it.index(row))));
            lengths.push(Some(operands.len()));
        }
        let arrays: Vec<&dyn Array> = operands.iter().map(|value| value.array().as_ref()).collect();
        let items = if sources.is_empty() {
            new_empty_array(&self.element)
        } else {
            interleave(&arrays, &sources)?
        };
        make_list(items, lengths)
    }
}

/// The elements of several lists as one; null where one is null.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct JoinLists;

impl Kernel for JoinLists {
    fn name(&self) -> &'static str {
        "join_lists"
    }

    fn output(&self, inputs: &[DataType]) -> DataType {
        inputs[0].clone()
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let lists = operands.iter().map(Operand::lists).collect::<Result<Vec<_>>>()?;
        let arrays: Vec<&ListArray> =
            operands.iter().map(|operand| operand.array().as_list::<i32>()).collect();
        let (mut sources, mut lengths) = (Vec::new(), Lengths::default());
        for row in 0..rows {
            let own: Option<Vec<usize>> = lists.iter().map(|list| list.length(row)).collect();
            lengths.push(own.as_ref().map(|own| own.iter().sum()));
            for (at, length) in own.unwrap_or_default().into_iter().enumerate() {
                let first = first(arrays[at], operands[at].index(row));
                sources.extend((first..first + length).map(|element| (at, element)));
            }
        }
        let values: Vec<&dyn Array> = arrays.iter().map(|list| list.values().as_ref()).collect();
        make_list(interleave(&values, &sources)?, lengths)
    }
}

/// The elements of the lists of a list; null where one of them is null.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Flatten;

impl Kernel for Flatten {
    fn name(&self) -> &'static str {
        "flatten"
    }

    fn output(&self, inputs: &[DataType]) -> DataType {
        element_type(&inputs[0])
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let outer = operands[0].lists()?;
        let list = operands[0].array().as_list::<i32>();
        let inner = list.values().as_list::<i32>();
        let (mut taken, mut lengths) = (Vec::new(), Lengths::default());
        for row in 0..rows {
            let start = first(list, operands[0].index(row));
            let own = outer.length(row).map(|length| start..start + length);
            let own = own.filter(|own| own.clone().all(|at| inner.is_valid(at)));
            let before = taken.len();
            for at in own.clone().unwrap_or_default() {
                let start = first(inner, at);
                taken.extend(start..start + inner.value_length(at).unsigned_abs() as usize);
            }
            lengths.push(own.map(|_| taken.len() - before));
        }
        make_list(pick(inner.values(), taken)?, lengths)
    }
}

/// The letters of a text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Letters;

impl Kernel for Letters {
    fn name(&self) -> &'static str {
        "letters"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        list_of(DataType::Utf8)
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let texts = operands[0].texts()?;
        let (mut letters, mut lengths) = (Vec::new(), Lengths::default());
        for row in 0..rows {
            let before = letters.len();
            let text = texts.get(row);
            letters.extend(text.unwrap_or_default().chars().map(String::from));
            lengths.push(text.map(|_| letters.len() - before));
        }
        make_list(Arc::new(StringArray::from(letters)), lengths)
    }
}

/// `range(start, stop, step)` with a step that is not zero; null where it is longer than ten thousand numbers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Numbers {
    pub(crate) step: i64,
}

impl Kernel for Numbers {
    fn name(&self) -> &'static str {
        "numbers"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        list_of(DataType::Int64)
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let [start, stop] = operands else { unreachable!("two operands") };
        let (start, stop) = (start.ints()?, stop.ints()?);
        let count = |start: i64, stop: i64| {
            let way = (i128::from(stop) - i128::from(start)) * i128::from(self.step.signum());
            let step = i128::from(self.step.unsigned_abs());
            i64::try_from((way.max(0) + step - 1) / step).ok().filter(|count| *count <= MAX_RANGE)
        };
        let (mut numbers, mut lengths) = (Vec::new(), Lengths::default());
        for row in 0..rows {
            let bounds = start.get(row).zip(stop.get(row));
            let own = bounds.and_then(|(start, stop)| Some((start, count(start, stop)?)));
            let before = numbers.len();
            if let Some((start, count)) = own {
                numbers.extend((0..count).map(|at| start + at * self.step));
            }
            lengths.push(own.map(|_| numbers.len() - before));
        }
        make_list(Arc::new(Int64Array::from(numbers)), lengths)
    }
}

/// `sum(list, start)` of whole numbers or of floats, one after the other; null where an element is, or beyond 64 bits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct SumList;

impl Kernel for SumList {
    fn name(&self) -> &'static str {
        "sum_list"
    }

    fn output(&self, inputs: &[DataType]) -> DataType {
        inputs[1].clone()
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let [list, start] = operands else { unreachable!("two operands") };
        let lists = list.lists()?;
        if *start.data_type() == DataType::Float64 {
            let start = start.floats()?;
            return Ok(collect::<Float64Array, _>((0..rows).map(|row| {
                let elements = lists.get(row)?;
                let elements = elements.as_primitive::<Float64Type>();
                elements.iter().try_fold(start.get(row)?, |sum, element| Some(sum + element?))
            })));
        }
        let start = start.ints()?;
        Ok(collect::<Int64Array, _>((0..rows).map(|row| {
            let elements = lists.get(row)?;
            let elements = elements.as_primitive::<Int64Type>();
            elements.iter().try_fold(start.get(row)?, |sum, element| sum.checked_add(element?))
        })))
    }
}

/// The list with a value in place of elements that are null.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct FillElements {
    pub(crate) filler: ScalarValue,
}

impl Kernel for FillElements {
    fn name(&self) -> &'static str {
        "fill_elements"
    }

    fn output(&self, inputs: &[DataType]) -> DataType {
        inputs[0].clone()
    }

    fn run(&self, operands: &[Operand], _rows: usize) -> Result<ArrayRef> {
        let list = operands[0].array().as_list::<i32>();
        let values = list.values();
        if values.null_count() == 0 {
            return Ok(Arc::clone(operands[0].array()));
        }
        let source = |at| if values.is_null(at) { (1, 0) } else { (0, at) };
        let sources: Vec<(usize, usize)> = (0..values.len()).map(source).collect();
        let filler = self.filler.to_array()?;
        let values = interleave(&[values.as_ref(), filler.as_ref()], &sources)?;
        let DataType::List(field) = list.data_type() else {
            return internal_err!("no list to fill");
        };
        let (offsets, nulls) = (list.offsets().clone(), list.nulls().cloned());
        Ok(Arc::new(ListArray::try_new(Arc::clone(field), offsets, values, nulls)?))
    }
}
