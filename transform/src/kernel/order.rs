//! Lists put into an order.

use std::cmp::Ordering;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, BooleanArray, UInt32Array};
use arrow_schema::{DataType, TimeUnit};
use datafusion::arrow::compute::take;
use datafusion::common::{Result, internal_err};

use super::elements::{Lengths, element_type, first, make_list, pick};
use super::{Kernel, Operand, collect};

/// Whether the elements of a list can be put into an order: none of several is null. False for a null list.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Orderable;

impl Kernel for Orderable {
    fn name(&self) -> &'static str {
        "orderable"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        DataType::Boolean
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let lists = operands[0].lists()?;
        let verdict = |row| {
            lists.get(row).is_some_and(|elements| elements.len() < 2 || elements.null_count() == 0)
        };
        Ok(collect::<BooleanArray, _>((0..rows).map(|row| Some(verdict(row)))))
    }
}

/// The element with the smallest or largest key: of equal ones the first, as Python finds it. Null for an empty list.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Extreme {
    pub(crate) largest: bool,
}

impl Kernel for Extreme {
    fn name(&self) -> &'static str {
        "extreme"
    }

    fn output(&self, inputs: &[DataType]) -> DataType {
        element_type(&inputs[0])
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let [values, keys] = operands else { unreachable!("two operands") };
        let (list, key_list) = (values.array().as_list::<i32>(), keys.array().as_list::<i32>());
        let compare = comparison(key_list.values())?;
        let wanted = if self.largest { Ordering::Greater } else { Ordering::Less };
        let (lists, key_lists) = (values.lists()?, keys.lists()?);
        let best = |row: usize| {
            let length = lists.length(row)?.min(key_lists.length(row)?);
            let start = first(key_list, keys.index(row));
            let better = |best: usize, at: usize| {
                if compare(start + at, start + best) == Some(wanted) { at } else { best }
            };
            let best = (0..length).reduce(better)?;
            u32::try_from(first(list, values.index(row)) + best).ok()
        };
        let best: UInt32Array = (0..rows).map(best).collect();
        Ok(take(list.values(), &best, None)?)
    }
}

/// The elements in the order of their keys, equal ones in their own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct SortList {
    pub(crate) reverse: bool,
}

impl Kernel for SortList {
    fn name(&self) -> &'static str {
        "sort_list"
    }

    fn output(&self, inputs: &[DataType]) -> DataType {
        inputs[0].clone()
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let [values, keys] = operands else { unreachable!("two operands") };
        let (list, key_list) = (values.array().as_list::<i32>(), keys.array().as_list::<i32>());
        let compare = comparison(key_list.values())?;
        let (lists, key_lists) = (values.lists()?, keys.lists()?);
        let (mut taken, mut lengths) = (Vec::new(), Lengths::default());
        for row in 0..rows {
            let length = lists.length(row).zip(key_lists.length(row)).map(|(a, b)| a.min(b));
            lengths.push(length);
            let (start, key) = (first(list, values.index(row)), first(key_list, keys.index(row)));
            let mut order: Vec<usize> = (0..length.unwrap_or(0)).collect();
            let less = |a: usize, b: usize| compare(key + a, key + b) == Some(Ordering::Less);
            if self.reverse {
                order.reverse();
            }
            sort(&mut order, less);
            if self.reverse {
                order.reverse();
            }
            taken.extend(order.into_iter().map(|at| start + at));
        }
        make_list(pick(list.values(), taken)?, lengths)
    }
}

/// `list.sort` of `CPython` for lists that it sorts by insertion, so that not-a-number, which has no place, gets the same.
fn sort(order: &mut [usize], less: impl Fn(usize, usize) -> bool) {
    let Some(mut sorted) = (order.len() > 1).then_some(2) else { return };
    let falls = less(order[1], order[0]);
    while sorted < order.len() && less(order[sorted], order[sorted - 1]) == falls {
        sorted += 1;
    }
    if falls {
        order[..sorted].reverse();
    }
    for at in sorted..order.len() {
        let place = order[..at].partition_point(|other| !less(order[at], *other));
        order[place..=at].rotate_right(1);
    }
}

/// Compares two elements of an array; not-a-number has no order.
type Comparison<'a> = Box<dyn Fn(usize, usize) -> Option<Ordering> + 'a>;

fn comparison(array: &ArrayRef) -> Result<Comparison<'_>> {
    Ok(match array.data_type() {
        DataType::Boolean => {
            let values = array.as_boolean();
            Box::new(|a, b| Some(values.value(a).cmp(&values.value(b))))
        }
        DataType::Int64 => {
            let values = array.as_primitive::<Int64Type>();
            Box::new(|a, b| Some(values.value(a).cmp(&values.value(b))))
        }
        DataType::Float64 => {
            let values = array.as_primitive::<Float64Type>();
            Box::new(|a, b| values.value(a).partial_cmp(&values.value(b)))
        }
        DataType::Utf8 => {
            let values = array.as_string::<i32>();
            Box::new(|a, b| Some(values.value(a).cmp(values.value(b))))
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let values = array.as_primitive::<TimestampMicrosecondType>();
            Box::new(|a, b| Some(values.value(a).cmp(&values.value(b))))
        }
        DataType::Null => Box::new(|_, _| None),
        other => return internal_err!("no order of {other}"),
    })
}
