//! Evaluation, row by row and without allocation.

use std::cmp::Ordering;
use std::fmt;

use super::list::{self, Reduction};
use crate::batch::EventBatch;
use crate::scalar::{Held, Scalar, ScalarType};

/// What an expression is evaluated for: an event, and an element of the list that the job takes apart, if it does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a> {
    pub(crate) batch: &'a EventBatch,
    pub(crate) at: usize,
    /// The row of the list's items.
    pub(crate) element: usize,
}

/// Arithmetic on two numbers of one type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// A comparison of two values of one type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    fn holds(self, order: Option<Ordering>) -> bool {
        match self {
            Self::Equal => order == Some(Ordering::Equal),
            Self::NotEqual => order != Some(Ordering::Equal),
            Self::Less => order == Some(Ordering::Less),
            Self::LessOrEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
            Self::Greater => order == Some(Ordering::Greater),
            Self::GreaterOrEqual => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        }
    }
}

/// A checked expression: operands have the types that their operators take.
#[derive(Debug, Clone)]
pub(crate) enum Expression {
    Null,
    Literal(Held),
    Column(usize),
    /// A column of the element.
    Item {
        list: usize,
        column: usize,
    },
    /// Number of elements.
    Length(usize),
    /// Whether a literal is among the elements' values in a column.
    Contains {
        list: usize,
        column: usize,
        wanted: Held,
    },
    /// A number made of the elements' values in a column.
    Reduce {
        list: usize,
        column: usize,
        reduction: Reduction,
    },
    Arithmetic(Operation, Box<Self>, Box<Self>),
    Compare(Comparison, Box<Self>, Box<Self>),
    /// Whether the text in a column is this one: what most conditions ask.
    TextIs(usize, Box<str>),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Not(Box<Self>),
    IsNull(Box<Self>),
    In(Box<Self>, Vec<Held>),
    Cast(Box<Self>, ScalarType),
    Coalesce(Vec<Self>),
    /// The second where the first is true, else null.
    Where(Box<Self>, Box<Self>),
}

/// Why an expression has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    DivisionByZero,
    Overflow,
    /// A text, or number, that is no value of the type.
    Cast(ScalarType),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DivisionByZero => f.write_str("division by zero"),
            Self::Overflow => f.write_str("a number is out of range"),
            Self::Cast(to) => write!(f, "a value cannot be cast to {}", to.name()),
        }
    }
}

impl Expression {
    /// A comparison of two values of one type.
    pub(super) fn compare(comparison: Comparison, left: Self, right: Self) -> Self {
        match (comparison, left, right) {
            (Comparison::Equal, Self::Column(column), Self::Literal(Held::Text(text)))
            | (Comparison::Equal, Self::Literal(Held::Text(text)), Self::Column(column)) => {
                Self::TextIs(column, text)
            }
            (comparison, left, right) => Self::Compare(comparison, left.into(), right.into()),
        }
    }

    /// The value for a row, by SQL's rules for null.
    pub(crate) fn value<'a>(&'a self, row: Row<'a>) -> Result<Scalar<'a>, Failure> {
        match self {
            Self::Null => Ok(Scalar::Null),
            Self::Literal(held) => Ok(held.scalar()),
            Self::Column(column) => Ok(row.batch.get(row.at, *column)),
            Self::Item { list, column } => Ok(row.batch.items(*list).get(row.element, *column)),
            Self::Length(list) => Ok(list::length(row, *list)),
            Self::Contains { list, column, wanted } => {
                Ok(list::contains(row, *list, *column, wanted))
            }
            Self::Reduce { list, column, reduction } => reduction.of(row, *list, *column),
            Self::Arithmetic(operation, left, right) => {
                arithmetic(*operation, left.value(row)?, right.value(row)?)
            }
            Self::Compare(comparison, left, right) => {
                Ok(compare(*comparison, left.value(row)?, right.value(row)?))
            }
            Self::TextIs(column, wanted) => Ok(match row.batch.get(row.at, *column) {
                Scalar::Text(text) => Scalar::Bool(*text == **wanted),
                _ => Scalar::Null,
            }),
            Self::And(left, right) => both(left, right, false, row),
            Self::Or(left, right) => both(left, right, true, row),
            Self::Not(operand) => Ok(match operand.value(row)? {
                Scalar::Bool(truth) => Scalar::Bool(!truth),
                _ => Scalar::Null,
            }),
            Self::IsNull(operand) => Ok(Scalar::Bool(operand.value(row)?.is_null())),
            Self::In(operand, known) => Ok(match operand.value(row)? {
                Scalar::Null => Scalar::Null,
                value => Scalar::Bool(known.iter().any(|one| is_equal(one.scalar(), value))),
            }),
            Self::Cast(operand, to) => cast(operand.value(row)?, *to),
            Self::Where(condition, operand) => match condition.value(row)? {
                Scalar::Bool(true) => operand.value(row),
                _ => Ok(Scalar::Null),
            },
            Self::Coalesce(operands) => {
                for operand in operands {
                    let value = operand.value(row)?;
                    if !value.is_null() {
                        return Ok(value);
                    }
                }
                Ok(Scalar::Null)
            }
        }
    }
}

/// `and` and `or`: a side that settles it does so whatever the other is.
fn both<'a>(
    left: &'a Expression,
    right: &'a Expression,
    settles: bool,
    row: Row<'a>,
) -> Result<Scalar<'a>, Failure> {
    let left = left.value(row)?;
    if left == Scalar::Bool(settles) {
        return Ok(left);
    }
    let right = right.value(row)?;
    Ok(match (left, right) {
        (_, Scalar::Bool(truth)) if truth == settles => right,
        (Scalar::Null, _) | (_, Scalar::Null) => Scalar::Null,
        _ => Scalar::Bool(!settles),
    })
}

fn compare<'a>(comparison: Comparison, left: Scalar<'a>, right: Scalar<'a>) -> Scalar<'a> {
    if left.is_null() || right.is_null() {
        return Scalar::Null;
    }
    Scalar::Bool(match comparison {
        Comparison::Equal => is_equal(left, right),
        Comparison::NotEqual => !is_equal(left, right),
        comparison => comparison.holds(order(left, right)),
    })
}

/// Whether two values are equal. Texts of different lengths are told apart without reading them.
pub(super) fn is_equal(left: Scalar<'_>, right: Scalar<'_>) -> bool {
    match (left, right) {
        (Scalar::Text(a), Scalar::Text(b)) => a == b,
        (left, right) => order(left, right).is_some_and(Ordering::is_eq),
    }
}

/// The order of two values; numbers of both sorts compare as doubles, NaN with nothing.
pub(super) fn order(left: Scalar<'_>, right: Scalar<'_>) -> Option<Ordering> {
    match (left, right) {
        (Scalar::Text(a), Scalar::Text(b)) => Some(a.cmp(b)),
        (Scalar::Int(a), Scalar::Int(b)) => Some(a.cmp(&b)),
        (Scalar::Bool(a), Scalar::Bool(b)) => Some(a.cmp(&b)),
        (a, b) => a.number()?.partial_cmp(&b.number()?),
    }
}

fn arithmetic<'a>(
    operation: Operation,
    left: Scalar<'a>,
    right: Scalar<'a>,
) -> Result<Scalar<'a>, Failure> {
    if let (Scalar::Int(a), Scalar::Int(b)) = (left, right) {
        let by_zero = b == 0 && matches!(operation, Operation::Divide | Operation::Remainder);
        if by_zero {
            return Err(Failure::DivisionByZero);
        }
        let result = match operation {
            Operation::Add => a.checked_add(b),
            Operation::Subtract => a.checked_sub(b),
            Operation::Multiply => a.checked_mul(b),
            Operation::Divide => a.checked_div(b),
            Operation::Remainder => a.checked_rem(b),
        };
        return result.map(Scalar::Int).ok_or(Failure::Overflow);
    }
    let (Some(a), Some(b)) = (left.number(), right.number()) else { return Ok(Scalar::Null) };
    if b == 0.0 && matches!(operation, Operation::Divide | Operation::Remainder) {
        return Err(Failure::DivisionByZero);
    }
    Ok(Scalar::Double(match operation {
        Operation::Add => a + b,
        Operation::Subtract => a - b,
        Operation::Multiply => a * b,
        Operation::Divide => a / b,
        Operation::Remainder => a % b,
    }))
}

fn cast(value: Scalar<'_>, to: ScalarType) -> Result<Scalar<'_>, Failure> {
    let failed = Failure::Cast(to);
    Ok(match (value, to) {
        (Scalar::Null, _) => Scalar::Null,
        (Scalar::Int(number), ScalarType::Double) => Scalar::Double(number as f64),
        (Scalar::Double(number), ScalarType::Int) => whole(number).ok_or(failed)?,
        (Scalar::Bool(truth), ScalarType::Int) => Scalar::Int(i64::from(truth)),
        (Scalar::Text(text), ScalarType::Int) => {
            Scalar::Int(text.trim().parse().map_err(|_| failed)?)
        }
        (Scalar::Text(text), ScalarType::Double) => {
            Scalar::Double(text.trim().parse().map_err(|_| failed)?)
        }
        (Scalar::Text(text), ScalarType::Bool) => match text.trim() {
            "true" => Scalar::Bool(true),
            "false" => Scalar::Bool(false),
            _ => return Err(failed),
        },
        (value, _) => value,
    })
}

/// A double without its fraction.
#[expect(clippy::cast_possible_truncation, reason = "within the range of i64")]
fn whole(number: f64) -> Option<Scalar<'static>> {
    let limit = 9_223_372_036_854_775_808.0;
    (number >= -limit && number < limit).then(|| Scalar::Int(number.trunc() as i64))
}
