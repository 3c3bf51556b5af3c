//! Lists as the sets of their elements.

use std::collections::HashSet;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, BooleanArray, ListArray};
use arrow_schema::DataType;
use datafusion::arrow::compute::interleave;
use datafusion::common::{Result, internal_err};

use super::elements::{Lengths, first, make_list};
use super::{Kernel, Operand, collect};

/// What is made of two sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum SetOp {
    Union,
    Intersection,
    Difference,
    /// The elements of exactly one of them.
    Either,
}

/// Elements of two lists, each once, in the order in which they come; null where a list is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct SetMath(pub(crate) SetOp);

impl Kernel for SetMath {
    fn name(&self) -> &'static str {
        "set_math"
    }

    fn output(&self, inputs: &[DataType]) -> DataType {
        inputs[0].clone()
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let [a, b] = operands else { unreachable!("two operands") };
        let (a, b) = (Sets::of(a)?, Sets::of(b)?);
        let (mut sources, mut lengths) = (Vec::new(), Lengths::default());
        for row in 0..rows {
            let (Some(left), Some(right)) = (a.row(row), b.row(row)) else {
                lengths.push(None);
                continue;
            };
            let before = sources.len();
            let in_left: HashSet<_> = left.clone().map(|at| a.elements[at]).collect();
            let in_right: HashSet<_> = right.clone().map(|at| b.elements[at]).collect();
            let mut seen = HashSet::new();
            sources.extend(
                left.filter(|at| {
                    let element = a.elements[*at];
                    let wanted = match self.0 {
                        SetOp::Union => true,
                        SetOp::Intersection => in_right.contains(&element),
                        SetOp::Difference | SetOp::Either => !in_right.contains(&element),
                    };
                    wanted && seen.insert(element)
                })
                .map(|at| (0, at)),
            );
            if matches!(self.0, SetOp::Union | SetOp::Either) {
                let new = right.filter(|at| {
                    let element = b.elements[*at];
                    !in_left.contains(&element) && seen.insert(element)
                });
                sources.extend(new.map(|at| (1, at)));
            }
            lengths.push(Some(sources.len() - before));
        }
        let values = [a.list.values().as_ref(), b.list.values().as_ref()];
        make_list(interleave(&values, &sources)?, lengths)
    }
}

/// Whether two lists have the same elements, however often and in whatever order; null where one is null.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct SameElements {
    /// Whether those of the first need only be among those of the second.
    pub(crate) subset: bool,
}

impl Kernel for SameElements {
    fn name(&self) -> &'static str {
        "same_elements"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        DataType::Boolean
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let [a, b] = operands else { unreachable!("two operands") };
        let (a, b) = (Sets::of(a)?, Sets::of(b)?);
        let same = |row: usize| {
            let left: HashSet<_> = a.row(row)?.map(|at| a.elements[at]).collect();
            let right: HashSet<_> = b.row(row)?.map(|at| b.elements[at]).collect();
            Some(left.is_subset(&right) && (self.subset || right.len() == left.len()))
        };
        Ok(collect::<BooleanArray, _>((0..rows).map(same)))
    }
}

/// Lists whose elements can be looked for.
struct Sets<'a> {
    operand: &'a Operand,
    list: &'a ListArray,
    elements: Vec<Element<'a>>,
}

impl<'a> Sets<'a> {
    fn of(operand: &'a Operand) -> Result<Self> {
        let Some(list) = operand.array().as_list_opt::<i32>() else {
            return internal_err!("no set of {}", operand.data_type());
        };
        Ok(Self { operand, list, elements: elements(list.values())? })
    }

    /// The positions of a row's elements.
    fn row(&self, row: usize) -> Option<std::ops::Range<usize>> {
        let row = self.operand.index(row);
        let start = first(self.list, row);
        let end = start + self.list.value_length(row).unsigned_abs() as usize;
        self.list.is_valid(row).then_some(start..end)
    }
}

/// An element as a set of Python sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Element<'a> {
    None,
    Int(i64),
    /// Bits of a float; both zeros are one.
    Float(u64),
    /// Not-a-number equals nothing but itself: its position.
    Nan(usize),
    Text(&'a str),
}

fn elements<'a>(array: &'a ArrayRef) -> Result<Vec<Element<'a>>> {
    let element: Box<dyn Fn(usize) -> Element<'a> + 'a> = match array.data_type() {
        DataType::Boolean => {
            let values = array.as_boolean();
            Box::new(|at| Element::Int(i64::from(values.value(at))))
        }
        DataType::Int64 => {
            let values = array.as_primitive::<Int64Type>();
            Box::new(|at| Element::Int(values.value(at)))
        }
        DataType::Float64 => {
            let values = array.as_primitive::<Float64Type>();
            Box::new(|at| match values.value(at) {
                value if value.is_nan() => Element::Nan(at),
                value => Element::Float((value + 0.0).to_bits()),
            })
        }
        DataType::Utf8 => {
            let values = array.as_string::<i32>();
            Box::new(|at| Element::Text(values.value(at)))
        }
        DataType::Null => Box::new(|_| Element::None),
        other => return internal_err!("no set of {other}"),
    };
    let element = |at| if array.is_null(at) { Element::None } else { element(at) };
    Ok((0..array.len()).map(element).collect())
}
