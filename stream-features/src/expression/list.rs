//! Functions of the lists of events.

use std::cmp::Ordering;

use larder_core::{Error, Result};

use super::compile::{Columns, Typed};
use super::evaluate::{Expression, Failure, Row, is_equal, order};
use crate::scalar::{Held, Scalar, ScalarType};

/// What is made of several numbers. Nulls do not count; without numbers there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reduction {
    Sum,
    Min,
    Max,
}

/// The functions, for hints.
pub(super) const NAMES: &str = "array_length, array_contains, array_sum, array_min and array_max";

/// The number of elements, null for no list.
pub(super) fn length(row: Row<'_>, list: usize) -> Scalar<'_> {
    match row.batch.elements(row.at, list) {
        Some(elements) => Scalar::Int(i64::try_from(elements.len()).unwrap_or(i64::MAX)),
        None => Scalar::Null,
    }
}

/// Whether a value is among those of the elements, null for no list.
pub(super) fn contains<'a>(row: Row<'a>, list: usize, column: usize, wanted: &Held) -> Scalar<'a> {
    let Some(mut elements) = row.batch.elements(row.at, list) else { return Scalar::Null };
    let items = row.batch.items(list);
    let is_wanted = |at| is_equal(items.get(at, column), wanted.scalar());
    Scalar::Bool(elements.any(is_wanted))
}

impl Reduction {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "array_sum" => Self::Sum,
            "array_min" => Self::Min,
            "array_max" => Self::Max,
            _ => return None,
        })
    }

    pub(super) fn of(
        self,
        row: Row<'_>,
        list: usize,
        column: usize,
    ) -> std::result::Result<Scalar<'_>, Failure> {
        let Some(elements) = row.batch.elements(row.at, list) else { return Ok(Scalar::Null) };
        let items = row.batch.items(list);
        let mut result = Scalar::Null;
        for value in elements.map(|at| items.get(at, column)).filter(|value| !value.is_null()) {
            result = match result {
                Scalar::Null => value,
                known => self.both(known, value)?,
            };
        }
        Ok(result)
    }

    fn both<'a>(self, a: Scalar<'a>, b: Scalar<'a>) -> std::result::Result<Scalar<'a>, Failure> {
        let wins = match self {
            Self::Sum => return sum(a, b),
            Self::Min => Ordering::Less,
            Self::Max => Ordering::Greater,
        };
        Ok(if order(b, a) == Some(wins) { b } else { a })
    }
}

fn sum<'a>(a: Scalar<'a>, b: Scalar<'a>) -> std::result::Result<Scalar<'a>, Failure> {
    match (a, b) {
        (Scalar::Int(a), Scalar::Int(b)) => {
            a.checked_add(b).map(Scalar::Int).ok_or(Failure::Overflow)
        }
        (a, b) => Ok(match (a.number(), b.number()) {
            (Some(a), Some(b)) => Scalar::Double(a + b),
            _ => Scalar::Null,
        }),
    }
}

/// Compiles a call. The first argument is a path to a list or through one; `literal` is the second, if there is one.
/// `None` for a name that is no function of lists.
///
/// # Errors
/// `Invalid` for a path that leads to no list, elements of a wrong type, and a second argument too many or too few.
pub(super) fn call(
    name: &str,
    path: &[&str],
    literal: Option<(Held, ScalarType)>,
    columns: &mut dyn Columns,
) -> Result<Typed> {
    let wrong = |what: &str| Err(Error::invalid(format!("{name} takes {what}")));
    if (name == "array_contains") != literal.is_some() {
        return wrong(if literal.is_some() { "one list" } else { "a list and a literal" });
    }
    if name == "array_length" {
        let list = columns.list(path)?;
        return Ok((Expression::Length(list), Some(ScalarType::Int)));
    }
    let (list, column, value_type) = columns.items(path)?;
    if let Some((wanted, wanted_type)) = literal {
        let fits = value_type == wanted_type || value_type.is_number() && wanted_type.is_number();
        if !fits {
            return wrong(&format!("a {} for \"{}\"", value_type.name(), path.join(".")));
        }
        return Ok((Expression::Contains { list, column, wanted }, Some(ScalarType::Bool)));
    }
    let Some(reduction) = Reduction::parse(name) else {
        return Err(Error::unsupported(format!("there is no function {name}"))
            .with_hint(format!("the functions here are cast, coalesce, {NAMES}")));
    };
    if !value_type.is_number() {
        return wrong(&format!("numbers: \"{}\" is {}", path.join("."), value_type.name()));
    }
    Ok((Expression::Reduce { list, column, reduction }, Some(value_type)))
}
