//! Programs that run over the elements of the lists of a row: comprehensions and loops.

use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray, Int64Array, StructArray, UInt32Array};
use arrow_schema::{DataType, Field, Fields};
use datafusion::arrow::compute::{interleave, take};
use datafusion::common::{DataFusionError, Result, internal_err};

use super::elements::{Lengths, list_of, make_list};
use super::{Kernel, Operand, collect};
use crate::program::Body;

/// A program of a kernel's own; two are equal if they are the same.
#[derive(Debug, Clone)]
pub(crate) struct Inner(Arc<Body>);

impl Inner {
    pub(crate) fn new(body: Body) -> Self {
        Self(Arc::new(body))
    }

    fn run(&self, columns: Vec<ArrayRef>, rows: usize) -> Result<Vec<ArrayRef>> {
        self.0.run(columns, rows).map_err(|error| DataFusionError::External(Box::new(error)))
    }
}

impl PartialEq for Inner {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Inner {}

impl Hash for Inner {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).hash(state);
    }
}

/// Lists that are gone through together, as `zip` does: up to the end of the shortest.
struct Passes<'o> {
    lists: &'o [Operand],
    /// Elements per row; `None` where a list is null.
    lengths: Vec<Option<usize>>,
}

impl<'o> Passes<'o> {
    fn of(lists: &'o [Operand], rows: usize) -> Result<Self> {
        let columns = lists.iter().map(Operand::lists).collect::<Result<Vec<_>>>()?;
        let length = |row: usize| {
            let lengths: Option<Vec<usize>> =
                columns.iter().map(|column| column.length(row)).collect();
            lengths?.into_iter().min()
        };
        Ok(Self { lists, lengths: (0..rows).map(length).collect() })
    }

    /// These elements (row, position) of every list, and their positions.
    fn elements(&self, at: &[(usize, usize)]) -> Result<Vec<ArrayRef>> {
        let mut columns = Vec::with_capacity(self.lists.len() + 1);
        for operand in self.lists {
            let list = operand.array().as_list::<i32>();
            let offsets = list.value_offsets();
            let positions = at.iter().map(|(row, position)| {
                let first = u32::try_from(offsets[operand.index(*row)]).ok()?;
                Some(first + u32::try_from(*position).ok()?)
            });
            columns.push(take(list.values(), &positions.collect::<UInt32Array>(), None)?);
        }
        let positions = at.iter().map(|(_, position)| i64::try_from(*position).ok());
        columns.push(collect::<Int64Array, _>(positions));
        Ok(columns)
    }
}

/// The values that operands have in these rows.
fn captured<'o>(
    operands: &'o [Operand],
    at: &'o [(usize, usize)],
) -> impl Iterator<Item = Result<ArrayRef>> + 'o {
    operands.iter().map(move |operand| {
        let rows = at.iter().map(|(row, _)| u32::try_from(operand.index(*row)).ok());
        Ok(take(operand.array(), &rows.collect::<UInt32Array>(), None)?)
    })
}

/// What a comprehension makes of every element of every row: value, whether it is kept, the code of what it raised.
struct Made {
    lengths: Vec<Option<usize>>,
    values: ArrayRef,
    kept: BooleanArray,
    faults: Int64Array,
}

impl Made {
    fn of(inner: &Inner, lists: usize, operands: &[Operand], rows: usize) -> Result<Self> {
        let (lists, rest) = operands.split_at(lists);
        let passes = Passes::of(lists, rows)?;
        let lengths = passes.lengths.iter().enumerate();
        let at: Vec<(usize, usize)> = lengths
            .flat_map(|(row, length)| (0..length.unwrap_or(0)).map(move |at| (row, at)))
            .collect();
        let mut columns = passes.elements(&at)?;
        columns.extend(captured(rest, &at).collect::<Result<Vec<_>>>()?);
        let Ok([values, kept, faults]) = <[ArrayRef; 3]>::try_from(inner.run(columns, at.len())?)
        else {
            return internal_err!("a comprehension makes three columns");
        };
        let (kept, faults) = (kept.as_boolean().clone(), faults.as_primitive().clone());
        Ok(Self { lengths: passes.lengths, values, kept, faults })
    }

    /// The elements of each row; `None` where a list is null.
    fn rows(&self) -> impl Iterator<Item = Option<Range<usize>>> {
        self.lengths.iter().scan(0, |end, length| {
            let start = *end;
            *end += length.unwrap_or(0);
            Some(length.map(|_| start..*end))
        })
    }

    /// What an element raised; 0 for nothing.
    fn fault(&self, at: usize) -> i64 {
        if self.faults.is_valid(at) { self.faults.value(at) } else { 0 }
    }
}

fn holds(flags: &BooleanArray, at: usize) -> bool {
    flags.is_valid(at) && flags.value(at)
}

/// A result beside the code of what the first element that raised has raised, 0 for nothing.
fn with_faults(result: ArrayRef, faults: Vec<i64>) -> Result<ArrayRef> {
    let fields = fields(&[result.data_type().clone(), DataType::Int64]);
    let faults: ArrayRef = Arc::new(Int64Array::from(faults));
    let rows = faults.len();
    Ok(Arc::new(StructArray::try_new_with_length(fields, vec![result, faults], None, rows)?))
}

fn fields(types: &[DataType]) -> Fields {
    let field = |(at, kind): (usize, &DataType)| Field::new(at.to_string(), kind.clone(), true);
    types.iter().enumerate().map(field).collect()
}

/// `[value for element in list if kept]` and the first fault; null where an element raises.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Mapped {
    pub(crate) inner: Inner,
    pub(crate) lists: usize,
    /// Type of the values.
    pub(crate) element: DataType,
}

impl Kernel for Mapped {
    fn name(&self) -> &'static str {
        "map_list"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        DataType::Struct(fields(&[list_of(self.element.clone()), DataType::Int64]))
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let made = Made::of(&self.inner, self.lists, operands, rows)?;
        let (mut taken, mut lengths, mut faults) = (Vec::new(), Lengths::default(), Vec::new());
        for row in made.rows() {
            let raised = row.clone().and_then(|mut row| row.find(|at| made.fault(*at) != 0));
            faults.push(raised.map_or(0, |at| made.fault(at)));
            let row = row.filter(|_| raised.is_none());
            let before = taken.len();
            let kept = row.clone().unwrap_or_default().filter(|at| holds(&made.kept, *at));
            taken.extend(kept.filter_map(|at| u32::try_from(at).ok()));
            lengths.push(row.map(|_| taken.len() - before));
        }
        let values = take(&made.values, &UInt32Array::from(taken), None)?;
        with_faults(make_list(values, lengths)?, faults)
    }
}

/// `any(value for ..)` and `all(value for ..)`, and the fault: the first element that decides, or raises, ends it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Quantified {
    pub(crate) inner: Inner,
    pub(crate) lists: usize,
    /// The truth that decides.
    pub(crate) stop: bool,
}

impl Kernel for Quantified {
    fn name(&self) -> &'static str {
        "quantified"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        DataType::Struct(fields(&[DataType::Boolean, DataType::Int64]))
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let made = Made::of(&self.inner, self.lists, operands, rows)?;
        let truths = made.values.as_boolean();
        let mut faults = vec![0; rows];
        let mut verdict = |(row, elements): (usize, Option<Range<usize>>)| {
            for at in elements? {
                if made.fault(at) != 0 {
                    faults[row] = made.fault(at);
                    return None;
                }
                if holds(&made.kept, at) && holds(truths, at) == self.stop {
                    return Some(self.stop);
                }
            }
            Some(!self.stop)
        };
        let verdicts: Vec<_> = made.rows().enumerate().map(&mut verdict).collect();
        with_faults(collect::<BooleanArray, _>(verdicts.into_iter()), faults)
    }
}

/// A loop over lists that hands values on from one pass to the next; their last values, as a struct.
///
/// Operands: the lists, the first values, then what the passes read besides. The program's columns: the elements and
/// their position, the values of the pass before, the rest. It gives the values and, last, whether the loop ends.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Folded {
    pub(crate) inner: Inner,
    pub(crate) lists: usize,
    /// Types of the values that are handed on.
    pub(crate) states: Vec<DataType>,
}

impl Kernel for Folded {
    fn name(&self) -> &'static str {
        "fold_list"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        DataType::Struct(fields(&self.states))
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let (lists, rest) = operands.split_at(self.lists);
        let (first, rest) = rest.split_at(self.states.len());
        let passes = Passes::of(lists, rows)?;
        let everywhere: Vec<(usize, usize)> = (0..rows).map(|row| (row, 0)).collect();
        let mut states = captured(first, &everywhere).collect::<Result<Vec<_>>>()?;
        let mut active = everywhere;
        loop {
            active.retain(|(row, at)| passes.lengths[*row].is_some_and(|length| *at < length));
            if active.is_empty() {
                break;
            }
            let mut columns = passes.elements(&active)?;
            let rows_now: UInt32Array =
                active.iter().map(|(row, _)| u32::try_from(*row).ok()).collect();
            for state in &states {
                columns.push(take(state, &rows_now, None)?);
            }
            columns.extend(captured(rest, &active).collect::<Result<Vec<_>>>()?);
            let mut after = self.inner.run(columns, active.len())?;
            let Some(ends) = after.pop() else { return internal_err!("a loop that never ends") };
            for (state, after) in states.iter_mut().zip(after) {
                *state = replaced(state, after, &active)?;
            }
            let mut ends = (0..active.len()).map(|at| holds(ends.as_boolean(), at));
            active.retain_mut(|(_, at)| {
                *at += 1;
                !ends.next().unwrap_or(true)
            });
        }
        Ok(Arc::new(StructArray::try_new_with_length(fields(&self.states), states, None, rows)?))
    }
}

/// The column with other values in some rows.
fn replaced(column: &ArrayRef, values: ArrayRef, at: &[(usize, usize)]) -> Result<ArrayRef> {
    if values.len() == column.len() {
        return Ok(values);
    }
    let mut sources: Vec<(usize, usize)> = (0..column.len()).map(|row| (0, row)).collect();
    for (value, (row, _)) in at.iter().enumerate() {
        sources[*row] = (1, value);
    }
    Ok(interleave(&[column.as_ref(), values.as_ref()], &sources)?)
}

/// One of several values that were computed together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct FieldOf {
    pub(crate) at: usize,
}

impl Kernel for FieldOf {
    fn name(&self) -> &'static str {
        "field_of"
    }

    fn output(&self, inputs: &[DataType]) -> DataType {
        match &inputs[0] {
            DataType::Struct(fields) => fields[self.at].data_type().clone(),
            _ => DataType::Null,
        }
    }

    fn run(&self, operands: &[Operand], _rows: usize) -> Result<ArrayRef> {
        Ok(Arc::clone(operands[0].array().as_struct().column(self.at)))
    }
}
